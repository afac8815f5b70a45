// Sealed requests held against programs that share no line with ours: the Rust crates ohttp and bhttp, and circl's HPKE under Go's own HKDF
// and AES-GCM. Each opens what we seal, and we open what it seals; what was changed is refused by all.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { concatBytes } from "../../src/protocol/encoding/bytes.ts";
import { decodeHex, encodeHex } from "../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { type BinaryRequest, encodeRequest, readRequest } from "../../src/sealed/binary-http/request.ts";
import {
  encodePart,
  encodeResponseHead,
  RESPONSE_END,
  readResponse,
} from "../../src/sealed/binary-http/response.ts";
import { MAX_CHUNK } from "../../src/sealed/oblivious-http/chunks.ts";
import { sealRequest } from "../../src/sealed/oblivious-http/client.ts";
import { type GatewayKeys, openRequest } from "../../src/sealed/oblivious-http/gateway.ts";
import { encodeKeyConfigurations } from "../../src/sealed/oblivious-http/key-configuration.ts";
import { SUITE } from "../../src/sealed/oblivious-http/suite.ts";
import { inPieces, joined } from "../sealed/pieces.ts";
import { buildCargo } from "../support/cargo-program.ts";
import { buildGo } from "../support/go-program.ts";

const rust = buildCargo(join(import.meta.dirname, "rust-ohttp"), "ohttp-judge");
const go = buildGo(join(import.meta.dirname, "go-circl"));
afterAll(() => go.remove());

const IKM = "2a".repeat(32);
const REQUEST: BinaryRequest = {
  method: "POST",
  scheme: "https",
  authority: "llm.example",
  path: "/v1/chat/completions?x=1",
  fields: [
    ["content-type", "application/json"],
    ["date", "Sat, 28 Nov 2026 06:00:00 GMT"],
  ],
  content: utf8('{"model":"m","stream":true}'),
};

type Found = Readonly<Record<string, string>>;

/** A judge that is asked one question after the other. */
class Judge {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(path: string) {
    this.#process = spawn(path, { stdio: ["pipe", "pipe", "inherit"] });
    this.#reader = createInterface({ input: this.#process.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  async ask(question: object): Promise<Found> {
    this.#process.stdin?.write(`${JSON.stringify(question)}\n`);
    return JSON.parse((await this.#lines.next()).value);
  }

  stop(): void {
    this.#process.kill();
  }
}

describe.each([
  ["the Rust crate ohttp", rust],
  ["Go's circl", go],
])("%s", (name, { path, why }) => {
  let judge: Judge;
  let keys: GatewayKeys;
  let publicKey: Uint8Array;
  beforeAll(async () => {
    if (path !== null) judge = new Judge(path);
    keys = await SUITE.DeriveKeyPair(decodeHex(IKM));
    publicKey = await SUITE.SerializePublicKey(keys.publicKey);
  });
  afterAll(() => judge?.stop());

  const skip = path === null;
  const called = (what: string) => (skip ? `${what} (skipped: ${name}: ${why})` : what);
  const long = new Uint8Array(3 * MAX_CHUNK + 5).fill(7);

  describe.each(["whole", "chunked"] as const)("in the %s form", (form) => {
    test.skipIf(skip)(called("opens what we seal, and seals what we open"), async () => {
      for (const message of [encodeRequest(REQUEST), new Uint8Array(), long]) {
        const sealed = await sealRequest({ id: 7, publicKey }, message, form);
        const reply = ["one", "", "two"].map(utf8);
        const question = {
          do: "open",
          form,
          ikm: IKM,
          request: encodeHex(sealed.body),
          reply: reply.map(encodeHex),
        };
        const found = await judge.ask(question);
        expect(found.message, found.error).toBe(encodeHex(message));
        expect(await joined(sealed.openResponse(inPieces(decodeHex(found.reply!))))).toEqual(utf8("onetwo"));
      }
    });

    test.skipIf(skip)(called("seals what we open, and opens what we seal"), async () => {
      for (const message of [encodeRequest(REQUEST), long.subarray(0, MAX_CHUNK)]) {
        const list = encodeHex(encodeKeyConfigurations([{ id: 7, publicKey }]));
        const parts = [message.subarray(0, 9), message.subarray(9)].map(encodeHex);
        const { request } = await judge.ask({ do: "seal", form, keys: list, message: parts });
        const opened = await openRequest(decodeHex(request!), () => keys, form);
        expect(opened.message).toEqual(message);
        const sealing = await opened.sealResponse();
        const body =
          form === "whole"
            ? await sealing.whole(utf8("a reply"))
            : concatBytes(
                await sealing.part(utf8("a ")),
                await sealing.part(utf8("reply")),
                await sealing.end(),
              );
        const reply = concatBytes(sealing.nonce, body);
        const found = await judge.ask({ do: "reply", form, reply: encodeHex(reply) });
        expect(found.message, found.error).toBe(encodeHex(utf8("a reply")));
      }
    });

    test.skipIf(skip)(
      called("refuses what we refuse: every byte of a request changed, and every cut"),
      async () => {
        const { body } = await sealRequest({ id: 7, publicKey }, utf8("short"), form);
        const bad: Uint8Array[] = [
          ...Array.from(body, (byte, at) => body.with(at, byte ^ 1)),
          ...Array.from(body, (_, length) => body.subarray(0, length)),
        ];
        for (const request of bad) {
          const ours = await openRequest(request, (id) => (id === 7 ? keys : undefined), form).then(
            () => "opened",
            () => "refused",
          );
          const found = await judge.ask({
            do: "open",
            form,
            ikm: IKM,
            request: encodeHex(request),
            reply: [],
          });
          expect([found.error === undefined ? "opened" : "refused", ours]).toEqual(["refused", "refused"]);
        }
      },
    );
  });

  test.skipIf(skip)(called("refuses a reply in chunks that was cut, where we do"), async () => {
    const list = encodeHex(encodeKeyConfigurations([{ id: 7, publicKey }]));
    const { request } = await judge.ask({ do: "seal", form: "chunked", keys: list, message: [""] });
    const sealing = await (await openRequest(decodeHex(request!), () => keys)).sealResponse();
    const reply = concatBytes(
      sealing.nonce,
      await sealing.part(utf8("The dose is 10 mg.")),
      await sealing.end(),
    );
    for (let length = 0; length < reply.length; length++) {
      const found = await judge.ask({
        do: "reply",
        form: "chunked",
        reply: encodeHex(reply.subarray(0, length)),
      });
      expect(found.error, `${length}`).toBeDefined();
    }
  });
});

describe("the Rust crate bhttp", () => {
  let judge: Judge;
  beforeAll(() => {
    if (rust.path !== null) judge = new Judge(rust.path);
  });
  afterAll(() => judge?.stop());
  const skip = rust.path === null;
  const called = (what: string) => (skip ? `${what} (skipped: ${rust.why})` : what);

  test.skipIf(skip)(called("reads our requests, and we read its"), async () => {
    for (const framing of ["known", "indeterminate"] as const) {
      const found = await judge.ask({ do: "read", message: encodeHex(encodeRequest(REQUEST, framing)) });
      const { method, authority, path, fields } = REQUEST;
      expect(found).toMatchObject({ method, authority, path, fields, content: encodeHex(REQUEST.content) });
      for (const again of [found.known!, found.indeterminate!])
        expect(await readRequest(decodeHex(again), 1 << 20)).toEqual(REQUEST);
    }
  });

  test.skipIf(skip)(called("reads our replies, and we read its"), async () => {
    const fields = [["content-type", "text/event-stream"]] as const;
    const parts = [
      encodeResponseHead({ status: 200, fields }),
      encodePart(utf8("one")),
      encodePart(utf8("two")),
      RESPONSE_END,
    ];
    const found = await judge.ask({ do: "read", message: encodeHex(concatBytes(...parts)) });
    expect(found).toMatchObject({ status: 200, fields, content: encodeHex(utf8("onetwo")) });
    for (const again of [found.known!, found.indeterminate!]) {
      const reply = await readResponse(inPieces(decodeHex(again)));
      expect({ ...reply, content: await joined(reply.content) }).toEqual({
        status: 200,
        fields,
        content: utf8("onetwo"),
      });
    }
  });

  // RFC 9292 §3.6, §3.8 and §4 make them invalid. The crate reads them, so it is no judge of bad messages.
  test.skipIf(skip).each([
    ["a name with a capital", "0140c804014101610000"],
    ["padding that is not zero", "0140c800000001"],
    ["a value with CR LF", "0140c807016104620d0a630000"],
  ])(called("reads %s, and we do not"), async (_, message) => {
    expect((await judge.ask({ do: "read", message })).error).toBeUndefined();
    const reading = readResponse(inPieces(decodeHex(message))).then(({ content }) => joined(content));
    await expect(reading).rejects.toThrow();
  });
});
