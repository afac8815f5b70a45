import theirs from "canonicalize";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalize } from "../../../src/protocol/envelope/canonical-json.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";

const nested = (depth: number): unknown => Array.from({ length: depth }).reduce((inner) => [inner], 0);

describe("canonical JSON", () => {
  it("writes what the canonicalize package writes", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6, stringUnit: "binary" }), (value) => {
        expect(canonicalize(value)).toBe(theirs(value));
      }),
      { numRuns: 1000 },
    );
  });

  it("writes every double as the canonicalize package does", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(canonicalize(value)).toBe(theirs(value));
      }),
      { numRuns: 1000 },
    );
  });

  it("is a fixed point: reading and writing again changes nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        const text = canonicalize(value);
        expect(canonicalize(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it("has the traps of RFC 8785 right", () => {
    expect(canonicalize(-0)).toBe("0");
    expect(canonicalize(1e21)).toBe("1e+21");
    expect(canonicalize(1e-7)).toBe("1e-7");
    expect(canonicalize(Number("333333333.33333329"))).toBe("333333333.3333333");
    expect(canonicalize("\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/")).toBe(
      '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"',
    );
    // By UTF-16 code units the surrogate pair of U+1F600 sorts before U+FB33 (RFC 8785 §3.2.3).
    expect(canonicalize({ "\ufb33": 1, "\u{1f600}": 2, "\r": 3, "1": 4 })).toBe(
      '{"\\r":3,"1":4,"\u{1f600}":2,"\ufb33":1}',
    );
    expect(canonicalize({ b: [], a: {} })).toBe('{"a":{},"b":[]}');
  });

  it.each([
    ["NaN", Number.NaN],
    ["an infinity", Number.POSITIVE_INFINITY],
    ["undefined", undefined],
    ["an undefined member", { a: undefined }],
    ["a function", () => 0],
    ["a bigint", 1n],
    ["a lone surrogate", "\ud800"],
    ["a lone surrogate in a name", { "\udc00": 1 }],
    ["33 levels", nested(33)],
  ])("refuses %s", (_, value) => {
    expect(() => canonicalize(value)).toThrow(MalformedError);
  });

  it("writes 32 levels", () => {
    expect(canonicalize(nested(32))).toBe(`${"[".repeat(32)}0${"]".repeat(32)}`);
  });
});
