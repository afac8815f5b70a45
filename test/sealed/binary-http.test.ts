// Binary HTTP (RFC 9292): what is written is read again, in whatever pieces it arrives, and nothing but messages is read.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes } from "../../src/protocol/encoding/bytes.ts";
import { decodeHex, encodeHex } from "../../src/protocol/encoding/hex.ts";
import { decodeUtf8, utf8 } from "../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../src/protocol/errors.ts";
import { type BinaryRequest, encodeRequest, readRequest } from "../../src/sealed/binary-http/request.ts";
import {
  encodePart,
  encodeResponseHead,
  RESPONSE_END,
  readResponse,
} from "../../src/sealed/binary-http/response.ts";
import { encodeVarint } from "../../src/sealed/byte-source.ts";
import { inPieces, joined } from "./pieces.ts";

const MOST = 1 << 20;
const text = (pattern: RegExp) => fc.stringMatching(pattern);
const fields = fc.array(
  fc.tuple(text(/^[a-z0-9-]{1,20}$/), text(/^(?:[!-~\x80-\xff][ -~\t\x80-\xff]{0,30}[!-~])?$/)),
  { maxLength: 6 },
);
const content = fc.uint8Array({ maxLength: 300 });
const requests: fc.Arbitrary<BinaryRequest> = fc.record({
  method: fc.constantFrom("GET", "POST", "DELETE"),
  scheme: fc.constantFrom("https", "http"),
  authority: fc.constantFrom("", "llm.example", "[::1]:8080"),
  path: text(/^\/[a-z0-9/?=&%.-]{0,40}$/),
  fields,
  content,
});

const example: BinaryRequest = {
  method: "POST",
  scheme: "https",
  authority: "llm.example",
  path: "/v1/chat/completions",
  fields: [["content-type", "application/json"]],
  content: utf8('{"model":"m"}'),
};

async function readHex(hex: string): Promise<BinaryRequest> {
  return readRequest(decodeHex(hex), MOST);
}

async function replyOf(bytes: Uint8Array, length?: number) {
  const { status, fields, content } = await readResponse(inPieces(bytes, length));
  return { status, fields, content: await joined(content) };
}

describe("a request", () => {
  test.each(["known", "indeterminate"] as const)(
    "of %s length is read as it was written",
    async (framing) => {
      await fc.assert(
        fc.asyncProperty(requests, fc.nat(20), async (request, padding) => {
          const bytes = concatBytes(encodeRequest(request, framing), new Uint8Array(padding));
          expect(await readRequest(bytes, MOST)).toEqual(request);
        }),
      );
    },
  );

  test.each(["known", "indeterminate"] as const)(
    "of %s length is refused wherever it is cut, but for the trailers",
    async (framing) => {
      const bytes = encodeRequest(example, framing);
      const whole = bytes.length - 1;
      for (let length = 0; length < whole; length++) {
        const read = await readRequest(bytes.subarray(0, length), MOST).catch((error: unknown) => error);
        // Where a section would begin, RFC 9292 §3.8 allows it to be left out: what sealed the message knows that it is whole.
        if (!(read instanceof MalformedError)) expect(read).toMatchObject({ content: new Uint8Array() });
      }
      expect(await readRequest(bytes.subarray(0, whole), MOST)).toEqual(example);
    },
  );

  test("that ends after its path has neither fields nor content", async () => {
    // RFC 9458, appendix A.
    const request = await readHex("00034745540568747470730b6578616d706c652e636f6d012f");
    expect(request).toEqual({
      ...example,
      method: "GET",
      authority: "example.com",
      path: "/",
      fields: [],
      content: new Uint8Array(),
    });
  });

  test("never throws anything but MalformedError", async () => {
    const bytes = encodeRequest(example);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.nat(255),
        fc.uint8Array({ maxLength: 60 }),
        async (at, value, other) => {
          const changed = bytes.slice();
          changed[at] = value;
          for (const hostile of [changed, other, concatBytes(Uint8Array.of(2), other)]) {
            const error = await readRequest(hostile, MOST).catch((error: unknown) => error);
            if (error instanceof Error) expect(error).toBeInstanceOf(MalformedError);
          }
        },
      ),
    );
  });

  const control = encodeHex(
    encodeRequest({ ...example, fields: [], content: new Uint8Array() }, "known"),
  ).slice(0, -6);
  test.each([
    ["a reply", "0140c80000", /framing indicator 1/],
    ["a framing that there is not", "04", /framing indicator 4/],
    ["a name with a capital", `${control}040141016100`, /no name of a field/],
    ["a name with a colon, as a pseudo-field has", `${control}05023a6101610000`, /no name of a field/],
    ["a value with CR LF", `${control}07016104620d0a630000`, /has a character/],
    ["a value with a blank before it", `${control}0501610220610000`, /has a character/],
    ["a value with NUL", `${control}04016101000000`, /has a character/],
    ["an empty name", `${control}03000161`, /no name of a field/],
    ["a field longer than its section", `${control}03016105`, /needs 5 bytes/],
    ["content shorter than its length", `${control}000a6162`, /ends inside the content/],
    ["padding that is not zero", `${control}00000001`, /something follows/],
    ["a length of 2^62 − 1", `${control}00ffffffffffffffff`, /length of content is .* more than/],
    ["fields of more than 64 KiB", `${control}80010001`, /more than 65536/],
    ["a path of another host", "0003474554056874747073000f68747470733a2f2f6576696c2e6d65", /no path/],
    ["a path with a blank", "000347455405687474707300042f20610a", /no path/],
    ["a method with a blank", "00034720540568747470730000", /no method/],
  ])("is refused: %s", async (_, hex, message) => {
    await expect(readHex(hex)).rejects.toThrow(MalformedError);
    await expect(readHex(hex)).rejects.toThrow(message);
  });

  test("is refused with more fields or content than there may be", async () => {
    const many = Array.from({ length: 257 }, (_, i) => [`x-${i}`, ""] as const);
    for (const framing of ["known", "indeterminate"] as const) {
      const bytes = encodeRequest({ ...example, fields: many }, framing);
      await expect(readRequest(bytes, MOST)).rejects.toThrow(/more than 256 fields/);
    }
    const long = Array.from({ length: 5 }, (_, i) => [`x-${i}`, "v".repeat(14_000)] as const);
    await expect(readRequest(encodeRequest({ ...example, fields: long }), MOST)).rejects.toThrow(
      /more than 65536/,
    );
    await expect(readRequest(encodeRequest(example), 12)).rejects.toThrow(/content of more than 12 bytes/);
  });

  test("is not written where no reader would take it", () => {
    for (const bad of [
      { path: "v1" },
      { method: "a b" },
      { fields: [["A", ""]] as const },
      { fields: [["a", "\r\n"]] as const },
    ])
      expect(() => encodeRequest({ ...example, ...bad })).toThrow(TypeError);
    expect(() => encodeVarint(2 ** 30)).toThrow(RangeError);
    expect(() => encodeVarint(-1)).toThrow(RangeError);
  });
});

describe("a reply", () => {
  const HEAD = encodeResponseHead({ status: 200, fields: [["content-type", "text/event-stream"]] }).length;
  const written = (status: number, parts: readonly Uint8Array[]) =>
    concatBytes(
      encodeResponseHead({ status, fields: [["content-type", "text/event-stream"]] }),
      ...parts.map(encodePart),
      RESPONSE_END,
    );

  test("is read as it was written, in whatever pieces it arrives", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 200, max: 599 }),
        fc.array(content, { maxLength: 5 }),
        fc.integer({ min: 1, max: 40 }),
        async (status, parts, length) => {
          const reply = await replyOf(written(status, parts), length);
          expect(reply).toEqual({
            status,
            fields: [["content-type", "text/event-stream"]],
            content: concatBytes(...parts),
          });
        },
      ),
    );
  });

  test("shows each part when it arrives, before the next one does", async () => {
    const bytes = written(200, [utf8("one"), utf8("two")]);
    let sent = 0;
    async function* pieces() {
      for await (const piece of inPieces(bytes)) {
        sent++;
        yield piece;
      }
    }
    const { content } = await readResponse(pieces());
    const first = await content.next();
    expect(first.value).toEqual(utf8("o"));
    // The rest of the first part, the second, and the end are still to come.
    expect(bytes.length - sent).toBe(2 + 4 + 2);
  });

  test("is refused wherever it is cut, after the part that did arrive", async () => {
    const bytes = written(200, [utf8("The dose is 10 mg. "), utf8("Never more.")]);
    // Without the last byte the trailers are left out, which a message may do.
    for (let length = HEAD + 1; length < bytes.length - 1; length++)
      await expect(replyOf(bytes.subarray(0, length)), `${length}`).rejects.toThrow(MalformedError);
    expect(decodeUtf8((await replyOf(bytes.subarray(0, -1))).content)).toBe("The dose is 10 mg. Never more.");
  });

  test("passes informational replies over, and trailers", async () => {
    const informational = concatBytes(
      encodeVarint(103),
      decodeHex("046c696e6b01"),
      utf8("x"),
      Uint8Array.of(0),
    );
    const bytes = concatBytes(
      Uint8Array.of(3),
      informational,
      encodeVarint(200),
      decodeHex("00026869000161016200"),
    );
    expect(await replyOf(bytes)).toEqual({ status: 200, fields: [], content: utf8("hi") });
    const many = concatBytes(
      Uint8Array.of(3),
      ...Array<Uint8Array>(9).fill(informational),
      encodeVarint(200),
    );
    await expect(replyOf(many)).rejects.toThrow(/more than 8 informational/);
  });

  test.each([
    ["a request", "02034745540568747470730000"],
    ["status 99", "034063"],
    ["status 600", "03425800"],
    ["an informational one alone", "034067"],
    ["a trailer with a capital", "0140c80000040141016100"],
  ])("is refused: %s", async (_, hex) => {
    await expect(replyOf(decodeHex(hex))).rejects.toThrow(MalformedError);
  });
});
