import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { parseJson } from "../../../src/protocol/envelope/parse-json.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { malformedOf } from "../../support/refusals.ts";

const MAX = 1_000_000;
const read = (text: string | Uint8Array) => parseJson(text, MAX);

describe("strict JSON", () => {
  it("reads what JSON.parse reads, with and without white space, from text and from bytes", () => {
    const value = fc.jsonValue({ maxDepth: 6, stringUnit: "binary" }).filter((v) => !hasProto(v));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1, "\t"), (v, space) => {
        const text = JSON.stringify(v, null, space);
        expect(read(text)).toEqual(JSON.parse(text));
        expect(read(utf8(text))).toEqual(JSON.parse(text));
      }),
      { numRuns: 1000 },
    );
  });

  it("accepts nothing that JSON.parse refuses, and reads the rest alike", async () => {
    const tokens = fc.constantFrom(
      ...'{}[]:,"\\truefalsn0123-+.eE \n\t/u'.split(""),
      "null",
      "true",
      '"a"',
      "1e5",
    );
    const soup = fc.array(tokens, { maxLength: 12 }).map((parts) => parts.join(""));
    await fc.assert(
      fc.asyncProperty(fc.oneof(soup, fc.string()), async (text) => {
        const error = await malformedOf(() => expect(read(text)).toEqual(JSON.parse(text)));
        if (error !== undefined) expect(error.format).toBe("JSON");
      }),
      { numRuns: 5000 },
    );
  });

  it("survives one mutated character without any other error", async () => {
    const base = '{"a":[1,2.5e3,"x\\u00e9\\n"],"b":{"c":null,"d":true}}';
    await fc.assert(
      fc.asyncProperty(
        fc.nat(base.length - 1),
        fc.string({ unit: "binary", maxLength: 2 }),
        async (i, put) => {
          const text = base.slice(0, i) + put + base.slice(i + 1);
          await malformedOf(() => expect(read(text)).toEqual(JSON.parse(text)));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("reads arbitrary bytes or refuses them", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 20 }), async (bytes) => {
        await malformedOf(() => read(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ["a member named twice", '{"a":1,"a":2}'],
    ["a member named twice by an escape", '{"a":1,"\\u0061":2}'],
    ["a member named twice further in", '{"x":[{"a":1,"b":2,"a":3}]}'],
    ["a member that would set the prototype", '{"__proto__":{"admin":true}}'],
    ["a lone surrogate", '"\\ud800"'],
    ["a lone surrogate in a name", '{"\\udc00":1}'],
    ["a surrogate pair the wrong way round", '"\\udc00\\ud800"'],
    ["a number no double holds", "1e400"],
    ["more than 32 levels above a value", `${"[".repeat(33)}1${"]".repeat(33)}`],
    ["more than 32 levels of objects", `${'{"a":'.repeat(33)}1${"}".repeat(33)}`],
    ["a byte order mark", "\ufeff{}"],
    ["text after the value", "{} {}"],
    ["a comment", "/* */1"],
    ["a trailing comma", "[1,]"],
    ["a trailing comma in an object", '{"a":1,}'],
    ["no colon", '{"a" 1}'],
    ["no comma", "[1 2]"],
    ["a zero in front", "01"],
    ["a plus in front", "+1"],
    ["a bare fraction", ".5"],
    ["an unfinished word", "tru"],
    ["an unfinished string", '"abc'],
    ["a control character", '"\u0001"'],
    ["an unknown escape", '"\\x41"'],
    ["another white space", "\u00a01"],
    ["nothing", ""],
    ["white space alone", " \n"],
  ])("refuses %s", (_, text) => {
    expect(() => read(text)).toThrow(MalformedError);
  });

  it("reads 32 levels above a value", () => {
    expect(() => read(`${"[".repeat(32)}1${"]".repeat(32)}`)).not.toThrow();
  });

  it("refuses input above the limit before reading it", () => {
    expect(parseJson("[1]", 3)).toEqual([1]);
    expect(() => parseJson("[1] ", 3)).toThrow(/longer than 3 bytes/);
  });

  it("refuses bytes that are not UTF-8", () => {
    expect(() => read(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(MalformedError);
  });

  it("names the offset of the fault", () => {
    expect(() => read('{"a":1,"a":2}')).toThrow(expect.objectContaining({ at: "10" }));
  });

  it("gives members no inherited names: 'constructor' and 'toString' are ordinary members", () => {
    expect(read('{"constructor":1,"toString":2}')).toEqual({ constructor: 1, toString: 2 });
  });

  it("reads a deep flood of brackets without overflowing the stack", () => {
    expect(() => read("[".repeat(500_000))).toThrow(MalformedError);
  });
});

function hasProto(value: unknown): boolean {
  return JSON.stringify(value).includes("__proto__");
}
