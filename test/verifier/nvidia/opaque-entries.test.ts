// Opaque data in both of its layouts: what is read, what is refused by name, and what is not known and counted.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { u16 } from "../../../src/testing/little-endian.ts";
import { decodeOpaqueData } from "../../../src/verifier/nvidia/opaque-data.ts";
import { parseOpaqueEntries } from "../../../src/verifier/nvidia/opaque-entries.ts";

const header = (...bytes: number[]) => concatBytes(utf8("NVDAOD"), Uint8Array.from(bytes));
const HEADER = header(0, 0, 2, 0, 0, 0);
const entry = (type: number, valueType: number, value: Uint8Array) =>
  concatBytes(u16(type), u16(valueType), u16(value.length), value);
const plain = (type: number, value: Uint8Array) => concatBytes(u16(type), u16(value.length), value);
const parse = (...parts: Uint8Array[]) => parseOpaqueEntries(concatBytes(...parts), "report");

const DRIVER = utf8("620.12\0");
const VBIOS = Uint8Array.of(0, 0xd9, 0, 0x96, 0x0f, 0, 0, 0);
const FEATURE = Uint8Array.of(0, 0);
const REQUIRED = [entry(3, 0x86, DRIVER), entry(6, 0x86, VBIOS), entry(36, 0x85, FEATURE)];

describe("opaque data 2.0", () => {
  it("states what the layout without a header does, and security version numbers", () => {
    const entries = parse(HEADER, ...REQUIRED, entry(37, 0x87, Uint8Array.of(4, 1)));
    expect(decodeOpaqueData(entries)).toMatchObject({
      opaqueVersion: 2,
      driverVersion: "620.12",
      vbiosVersion: "96.00.D9.00.0F",
      mode: "single",
      svns: new Map([[37, 260]]),
      unknownTypes: [],
    });
  });

  it("of a later minor version is read: it adds types, and those are shown", () => {
    const entries = parse(
      header(0, 0, 2, 7, 1, 0),
      ...REQUIRED,
      entry(40, 0x81, Uint8Array.of(1)),
      entry(38, 0, Uint8Array.of(1)),
    );
    expect(decodeOpaqueData(entries)).toMatchObject({ opaqueVersion: 2, unknownTypes: [38, 40] });
  });

  it("gives an older driver's version entry no meaning", () => {
    const entries = parse(HEADER, ...REQUIRED, entry(34, 0x86, Uint8Array.of(0, 2)));
    expect(decodeOpaqueData(entries).opaqueVersion).toBe(2);
  });

  it("must state the mode", () => {
    const entries = parse(HEADER, ...REQUIRED.slice(0, 2));
    expect(() => decodeOpaqueData(entries)).toThrow(/version 2 does not state the feature/);
  });

  it.each([
    ["profile 1", header(1, 0, 2, 0, 0, 0), /profile 1, version 2\.0\.0, is not supported/],
    ["profile 256", header(0, 1, 2, 0, 0, 0), /profile 256/],
    ["major version 3", header(0, 0, 3, 1, 0, 0), /version 3\.1\.0, is not supported: only 2\.x/],
    ["major version 1", header(0, 0, 1, 0, 0, 0), /version 1\.0\.0/],
    ["padding that is not zero", header(0, 0, 2, 0, 0, 1), /not supported/],
    ["a header and nothing else", HEADER, /opaque type/],
    ["half a header", header(0, 0, 2), /version of the opaque data/],
  ])("refuses %s", (_, start, message) => {
    const rest = start.length === 12 && message.source !== "opaque type" ? REQUIRED : [];
    expect(() => parse(start, ...rest)).toThrow(message);
  });

  it("refuses a security version number of no or nine bytes", () => {
    for (const length of [0, 9])
      expect(() => parse(HEADER, entry(37, 0x87, new Uint8Array(length)))).toThrow(/expected 1 to 8/);
  });
});

describe("opaque data without a header", () => {
  it("has no security version numbers, and its types beyond the known ones are counted", () => {
    const entries = parse(
      plain(3, DRIVER),
      plain(6, VBIOS),
      plain(37, FEATURE),
      plain(255, FEATURE),
      plain(0, FEATURE),
    );
    expect(decodeOpaqueData(entries)).toMatchObject({
      opaqueVersion: null,
      mode: "not-stated",
      svns: new Map(),
      unknownTypes: [0, 255],
    });
  });
});

const values = fc.uniqueArray(
  fc.tuple(fc.nat(0xffff), fc.constantFrom(0x80, 0x86, 0x87), fc.uint8Array({ minLength: 1, maxLength: 8 })),
  {
    selector: ([type]) => type,
    minLength: 1,
    maxLength: 12,
  },
);

it("reads back what was written, in both layouts", () => {
  fc.assert(
    fc.property(values, (entries) => {
      const written = new Map(entries.map(([type, , value]) => [type, value]));
      expect(
        parse(HEADER, ...entries.map(([type, valueType, value]) => entry(type, valueType, value))),
      ).toMatchObject({
        major: 2,
        values: written,
      });
      expect(parse(...entries.map(([type, , value]) => plain(type, value)))).toEqual({
        major: null,
        values: written,
        svns: new Map(),
      });
    }),
  );
});

it("throws nothing but MalformedError, whatever the bytes", () => {
  const tails = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.uint8Array({ maxLength: 64 }).map((tail) => concatBytes(HEADER, tail)),
  );
  fc.assert(
    fc.property(tails, (bytes) => {
      try {
        decodeOpaqueData(parseOpaqueEntries(bytes, "report"));
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError);
      }
    }),
  );
});

it("any prefix is malformed, unless it ends between two entries", () => {
  const whole = concatBytes(HEADER, ...REQUIRED);
  const ends = REQUIRED.map((_, i) => concatBytes(HEADER, ...REQUIRED.slice(0, i + 1)).length);
  for (let length = 0; length < whole.length; length++) {
    const cut = () => parseOpaqueEntries(whole.subarray(0, length), "report");
    if (ends.includes(length)) expect(cut().values.size).toBeGreaterThan(0);
    else expect(cut, `cut at ${length}`).toThrow(MalformedError);
  }
});
