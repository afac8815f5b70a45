import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, concatBytes, equalBytes } from "../../../src/protocol/encoding/bytes.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";

describe("equalBytes", () => {
  it("agrees with Node on any two byte strings", () => {
    const short = fc.uint8Array({ maxLength: 4, max: 2 });
    fc.assert(
      fc.property(short, short, (a, b) => {
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
        expect(equalBytes(a, Uint8Array.from(a))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe("ByteReader", () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => i + 1);

  it("reads integers of every width in their byte order, one after the other", () => {
    const reader = new ByteReader(bytes, "thing");
    const view = Buffer.from(bytes);
    expect(reader.u8("a")).toBe(1);
    expect(reader.u16le("b")).toBe(view.readUInt16LE(1));
    expect(reader.u16be("c")).toBe(view.readUInt16BE(3));
    expect(reader.u24le("d")).toBe(view.readUIntLE(5, 3));
    expect(reader.u32le("e")).toBe(view.readUInt32LE(8));
    expect(reader.u64le("f")).toBe(view.readBigUInt64LE(12));
    expect(reader.take(5, "g")).toEqual(bytes.subarray(20, 25));
    expect([reader.offset, reader.remaining]).toEqual([25, 7]);
  });

  it("reads a view into a larger buffer at its own offset", () => {
    expect(new ByteReader(bytes.subarray(4, 8), "thing").u32le("n")).toBe(0x08070605);
    expect(() => new ByteReader(bytes.subarray(4, 8), "thing").take(5, "n")).toThrow(MalformedError);
  });

  it("keeps the top bit of 32- and 24-bit integers", () => {
    const ones = new Uint8Array(8).fill(255);
    expect(new ByteReader(ones, "thing").u32le("n")).toBe(2 ** 32 - 1);
    expect(new ByteReader(ones, "thing").u24le("n")).toBe(2 ** 24 - 1);
    expect(new ByteReader(ones, "thing").u64le("n")).toBe(2n ** 64n - 1n);
  });

  it.each([33, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses to take %d bytes of 32", (length) => {
    const reader = new ByteReader(bytes, "thing");
    expect(() => reader.take(length, "the field")).toThrow(/^thing: the field needs .* \(at 0\)$/);
    expect(reader.offset).toBe(0);
  });
});

describe("concatBytes", () => {
  it("joins any number of byte strings", () => {
    expect(concatBytes()).toEqual(new Uint8Array(0));
    expect(concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3))).toEqual(
      Uint8Array.of(1, 2, 3),
    );
  });
});
