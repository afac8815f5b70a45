// Oblivious HTTP, whole (RFC 9458) and in chunks (draft-ietf-ohai-chunked-ohttp-08): what one end seals the other opens, and nobody between
// can change, cut or swap anything.
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { concatBytes } from "../../src/protocol/encoding/bytes.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { MalformedError, VerificationError } from "../../src/protocol/errors.ts";
import { MAX_CHUNK } from "../../src/sealed/oblivious-http/chunks.ts";
import { type SealedRequest, sealRequest } from "../../src/sealed/oblivious-http/client.ts";
import { FORMS, type Form } from "../../src/sealed/oblivious-http/form.ts";
import { type GatewayKeys, openRequest } from "../../src/sealed/oblivious-http/gateway.ts";
import type { KeyConfiguration } from "../../src/sealed/oblivious-http/key-configuration.ts";
import { SUITE } from "../../src/sealed/oblivious-http/suite.ts";
import { inPieces, joined } from "./pieces.ts";

let keys: GatewayKeys;
let configuration: KeyConfiguration;
beforeAll(async () => {
  keys = await SUITE.GenerateKeyPair();
  configuration = { id: 7, publicKey: await SUITE.SerializePublicKey(keys.publicKey) };
});

const keyOf = (id: number) => (id === 7 ? keys : undefined);
const open = (body: Uint8Array, form?: Form) => openRequest(body, keyOf, form);

/** A request, and the parts of the reply to it: the nonce, a part for each text, and the end. */
async function exchange(
  texts: readonly Uint8Array[],
  form: Form = "chunked",
): Promise<{ request: SealedRequest; parts: Uint8Array[] }> {
  const request = await sealRequest(configuration, utf8("ask"), form);
  const sealing = await (await open(request.body, form)).sealResponse();
  if (form === "whole")
    return { request, parts: [sealing.nonce, await sealing.whole(concatBytes(...texts))] };
  const parts: Uint8Array[] = [sealing.nonce];
  for (const text of texts) parts.push(await sealing.part(text));
  return { request, parts: [...parts, await sealing.end()] };
}

const read = ({ openResponse }: SealedRequest, parts: readonly Uint8Array[], length?: number) =>
  joined(openResponse(inPieces(concatBytes(...parts), length)));

const refused = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => "opened",
    (error: unknown) => error,
  );
  expect(error === "opened" ? error : (error as Error).constructor).not.toBe("opened");
  if (!(error instanceof VerificationError)) expect(error).toBeInstanceOf(MalformedError);
};

describe.each(["whole", "chunked"] as const)("in the %s form", (form) => {
  test("what is sealed is opened, whatever its length", async () => {
    for (const length of [0, 1, MAX_CHUNK - 1, MAX_CHUNK, MAX_CHUNK + 1, 3 * MAX_CHUNK]) {
      const message = new Uint8Array(length).fill(9);
      const request = await sealRequest(configuration, message, form);
      expect((await open(request.body, form)).message).toEqual(message);
      const answer = await exchange([message], form);
      expect(await read(answer.request, answer.parts, 1000)).toEqual(message);
    }
  });

  test("a request that was cut or changed at any byte is refused, and so is one of the other form", async () => {
    const { body } = await sealRequest(configuration, utf8("The dose is 10 mg."), form);
    for (let at = 0; at < body.length; at++) {
      await refused(open(body.subarray(0, at), form));
      const changed = body.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      await refused(open(changed, form));
    }
    await refused(open(concatBytes(body, Uint8Array.of(0)), form));
    await refused(open(body, form === "whole" ? "chunked" : "whole"));
  });

  test("a reply that was cut or changed at any byte is refused", async () => {
    const { request, parts } = await exchange([utf8("The dose is 10 mg. "), utf8("Never more.")], form);
    const body = concatBytes(...parts);
    for (let at = 0; at < body.length; at++) {
      await refused(read(request, [body.subarray(0, at)], 7));
      const changed = body.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x80;
      await refused(read(request, [changed], 7));
    }
    await refused(read(request, [body, Uint8Array.of(0)]));
  });

  test("a reply to another request is refused", async () => {
    const [one, other] = await Promise.all([exchange([utf8("yes")], form), exchange([utf8("no")], form)]);
    await refused(read(one.request, other.parts));
  });

  test("a request to another key, another number, or with a key of zeros is refused", async () => {
    const stranger = {
      id: 7,
      publicKey: await SUITE.SerializePublicKey((await SUITE.GenerateKeyPair()).publicKey),
    };
    await refused(open((await sealRequest(stranger, utf8("ask"), form)).body, form));
    await refused(open((await sealRequest({ ...configuration, id: 8 }, utf8("ask"), form)).body, form));
    const zeros = (await sealRequest(configuration, utf8("ask"), form)).body;
    await refused(open(zeros.fill(0, 7, 39), form));
  });

  test("hostile bytes are refused, never more than that", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 120 }), async (bytes) => {
        await refused(open(bytes, form));
        await refused(open(concatBytes(Uint8Array.of(7, 0, 0x20, 0, 1, 0, 1), bytes), form));
      }),
    );
  });

  test("no two requests are alike", async () => {
    const bodies = await Promise.all([0, 1].map(() => sealRequest(configuration, utf8("ask"), form)));
    const [one, other] = await Promise.all(bodies.map(({ body }) => open(body, form)));
    expect(one?.encapsulated).not.toEqual(other?.encapsulated);
  });
});

describe("a reply in chunks", () => {
  test("is refused where chunks are swapped, repeated, left out, or one is shown as the last", async () => {
    const { request, parts } = await exchange(["one", "two", "three"].map(utf8));
    const [nonce, one, two, three, end] = parts as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    for (const order of [
      [nonce, two, one, three, end],
      [nonce, one, one, two, three, end],
      [nonce, one, three, end],
      [nonce, one, two, three],
      [nonce, one, two, concatBytes(Uint8Array.of(0), three.subarray(1))],
      [nonce, end],
      [one, two, three, end],
    ])
      await refused(read(request, order));
    expect(await read(request, parts)).toEqual(utf8("onetwothree"));
  });

  test("shows what arrived before it turns out to be cut", async () => {
    const { request, parts } = await exchange(["one", "two"].map(utf8));
    const shown: Uint8Array[] = [];
    const cut = async () => {
      for await (const part of request.openResponse(inPieces(concatBytes(...parts.slice(0, 2)))))
        shown.push(part);
    };
    await refused(cut());
    expect(shown).toEqual([utf8("one")]);
  });

  test("is refused with a chunk of more than 16,384 bytes before that is read", async () => {
    const { request, parts } = await exchange([]);
    let asked = 0;
    async function* endless() {
      yield concatBytes(parts[0] ?? new Uint8Array(), Uint8Array.of(0x80, 0, 0x40, 0x11));
      for (;;) {
        asked++;
        yield new Uint8Array(1000);
      }
    }
    await expect(joined(request.openResponse(endless()))).rejects.toThrow(
      /length of a chunk is 16401, more than 16400/,
    );
    expect(asked).toBe(0);
  });

  test("is refused where the last chunk never ends", async () => {
    const { request, parts } = await exchange([]);
    async function* endless() {
      yield concatBytes(parts[0] ?? new Uint8Array(), Uint8Array.of(0));
      for (;;) yield new Uint8Array(1000);
    }
    await expect(joined(request.openResponse(endless()))).rejects.toThrow(/last chunk is longer/);
  });
});

test("each form has labels and types of its own", () => {
  expect(new Set(Object.values(FORMS).flatMap((form) => Object.values(form))).size).toBe(8);
});
