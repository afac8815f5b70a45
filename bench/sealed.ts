// What sealing costs: a token of a reply, and a request, beside AES-128-GCM of node:crypto on the same bytes, which waits for nobody.
import { createCipheriv, randomBytes } from "node:crypto";
import { encodeRequest } from "../src/sealed/binary-http/request.ts";
import { encodePart } from "../src/sealed/binary-http/response.ts";
import { sealRequest } from "../src/sealed/oblivious-http/client.ts";
import { openRequest, type SealingResponse } from "../src/sealed/oblivious-http/gateway.ts";
import { SUITE } from "../src/sealed/oblivious-http/suite.ts";
import { interleave, type Measurement, ratios, spreadOf, timed } from "./harness.ts";
import type { World } from "./world.ts";

/** Bytes of a server-sent event with one token in it, as vLLM writes them. */
const TOKEN = new Uint8Array(126).fill(0x61);
const REQUEST = encodeRequest({
  method: "POST",
  scheme: "https",
  authority: "llm.example",
  path: "/v1/chat/completions",
  fields: [
    ["content-type", "application/json"],
    ["date", "Sat, 28 Nov 2026 06:00:00 GMT"],
  ],
  content: new Uint8Array(2048).fill(0x61),
});
const KEY = randomBytes(16);
/** The same each time, which nobody but a benchmark may do. */
const NONCE = randomBytes(12);

export async function measureSealed({ rounds, amount }: World): Promise<Measurement[]> {
  const [tokens, requests] = [amount(10_000), amount(500)];
  const keys = await SUITE.GenerateKeyPair();
  const configuration = { id: 7, publicKey: await SUITE.SerializePublicKey(keys.publicKey) };
  const seal = () => sealRequest(configuration, REQUEST);
  const begin = async () => {
    const request = await seal();
    const sealing = await (await openRequest(request.body, () => keys)).sealResponse();
    return { request, sealing };
  };
  const samples = await interleave(rounds, {
    plainTokens: async () => (await timed(() => repeat(tokens, () => encrypt(TOKEN)))) / tokens,
    sealedTokens: async () => {
      const { sealing } = await begin();
      return (await timed(() => repeat(tokens, () => sealing.part(encodePart(TOKEN))))) / tokens;
    },
    openedTokens: async () => {
      const { request, sealing } = await begin();
      const body = await sealedReply(sealing, tokens);
      return (await timed(() => drain(request.openResponse(body)))) / tokens;
    },
    plainRequests: async () => (await timed(() => repeat(requests, () => encrypt(REQUEST)))) / requests,
    sealedRequests: async () => (await timed(() => repeat(requests, seal))) / requests,
    openedRequests: async () => {
      const { body } = await seal();
      return (await timed(() => repeat(requests, () => openRequest(body, () => keys)))) / requests;
    },
  });
  const line = (
    what: string,
    floor: readonly number[],
    figure: readonly number[],
    target: string,
    most: number,
  ) => ({
    row: "sealed",
    what,
    unit: "µs",
    floor: spreadOf(floor.map((ms) => ms * 1000)),
    figure: spreadOf(figure.map((ms) => ms * 1000)),
    ratio: ratios(floor, figure),
    target,
    reached: spreadOf(figure).median * 1000 <= most,
    note: "floor: createCipheriv of AES-128-GCM over the same bytes",
  });
  const { plainTokens, plainRequests } = samples;
  return [
    line("seal a token of 126 bytes as a chunk", plainTokens, samples.sealedTokens, "≤ 200 µs", 200),
    line("open it", plainTokens, samples.openedTokens, "≤ 200 µs", 200),
    line("seal a request of 2 KiB", plainRequests, samples.sealedRequests, "≤ 3,000 µs", 3000),
    line("open it in the machine", plainRequests, samples.openedRequests, "≤ 3,000 µs", 3000),
  ];
}

async function repeat(times: number, work: () => unknown): Promise<void> {
  for (let i = 0; i < times; i++) await work();
}

function encrypt(bytes: Uint8Array): Buffer {
  const cipher = createCipheriv("aes-128-gcm", KEY, NONCE);
  return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** Chunk by chunk, as they arrive. */
async function sealedReply(sealing: SealingResponse, tokens: number): Promise<AsyncIterable<Uint8Array>> {
  const chunks = [sealing.nonce];
  for (let i = 0; i < tokens; i++) chunks.push(await sealing.part(encodePart(TOKEN)));
  chunks.push(await sealing.end());
  return (async function* () {
    yield* chunks;
  })();
}

async function drain(pieces: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of pieces);
}
