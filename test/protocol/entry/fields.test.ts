// The field types that every kind is made of, at their borders.
import { posix } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Validator } from "../../../src/protocol/encoding/shape.ts";
import { text } from "../../../src/protocol/entry/fields.schema.ts";
import * as fields from "../../../src/protocol/entry/fields.shape.ts";
import { formatTime, MAX_INTEGER } from "../../../src/protocol/entry/fields.ts";
import { kindOfPredicateType, PREDICATES, predicateTypeOf } from "../../../src/protocol/entry/kinds.ts";
import { referenceTo } from "../../../src/protocol/entry/reference.schema.ts";
import { describeReference } from "../../../src/protocol/entry/reference.ts";

const takes = (schema: Validator<unknown>, value: unknown) => schema.safeParse(value).error === undefined;
const a = (length: number) => "a".repeat(length);

/** For each field: what it takes and what it does not. */
const BORDERS: Readonly<
  Record<string, readonly [schema: Validator<unknown>, good: unknown[], bad: unknown[]]>
> = {
  name: [
    fields.name,
    ["a", "0", "acme/vm", "a.b_c-d/e", "a..b", "a./b-", a(128)],
    [
      ...["", a(129), "A", "/a", ".a", "-a", "_a", "a b", "a\\b", "ä", "a\n", "a*", "a:b"],
      ...["a/../prod", "a/..", "..", ".", "a/./b", "a//b", "prod/", "a/.b", "a/-b", "a/_b", `${a(127)}/b`],
    ],
  ],
  namePattern: [
    fields.namePattern,
    ["*", "a", "acme/vm", "acme/*", "a/b/*", a(128), `${a(126)}/*`],
    [
      ...["", "**", "*a", "a*", "a/*/b", "*/a", "*/*", "a/**", "A/*", "/*", "a /*", a(129), `${a(127)}/*`],
      ...["a/../*", "a/..", "./*", "a//*", "a/", ".a/*", "a/*\n"],
    ],
  ],
  releaseVersion: [
    fields.releaseVersion,
    ["1", "550.144.03", "6.12.1-2+deb13u1~bpo", "2026.11.1", "1:2", a(128)],
    ["", a(129), ".1", "-1", "1 2", "1/2", "1\n", "ä"],
  ],
  integer: [fields.integer, [0, 1, MAX_INTEGER], [-1, 0.5, 2 ** 53, Number.NaN, "1", null, 1n]],
  positive: [fields.positive, [1, MAX_INTEGER], [0, -1, 2 ** 53]],
  sha256: [
    fields.sha256,
    [a(64), "0".repeat(64)],
    [a(63), a(65), "A".repeat(64), "g".repeat(64), `${a(64)}\n`],
  ],
  sha384: [fields.sha384, [a(96)], [a(64), a(95), a(97), "A".repeat(96)]],
  gitCommit: [fields.gitCommit, [a(40), a(64)], [a(39), a(41), a(63), "A".repeat(40), "HEAD"]],
  namedCommit: [fields.namedCommit, [a(12), a(40), a(64)], [a(11), a(41), a(63), "A".repeat(12), "HEAD"]],
  hex8: [fields.hex8, [a(16)], [a(15), a(17)]],
  hex16: [fields.hex16, [a(32)], [a(31), a(33)]],
  register: [fields.tdxRegister, [a(96)], [a(64)]],
  uuid: [
    fields.uuid,
    ["01234567-89ab-cdef-0123-456789abcdef"],
    ["01234567-89AB-cdef-0123-456789abcdef", "0123456789abcdef0123456789abcdef", `{${a(36)}}`],
  ],
  text: [text(5), ["x", "ä€ 𝄞", "12345"], ["", "123456", "a\u0000", "a\n", "a\u007f", "\u001b[1m"]],
  fileName: [
    fields.fileName,
    ["a", "gsp_ga10x.bin", "lib/x.so.1", "a..b", "..a", "@x", "~a", a(255)],
    [
      "",
      "/etc/passwd",
      "..",
      ".",
      "a/..",
      "../a",
      "a/../b",
      "a//b",
      "a/",
      "a/./b",
      "a\\b",
      "a b",
      "a\n",
      a(256),
    ],
  ],
  time: [
    fields.time,
    ["2026-11-23T14:00:00Z", "2028-02-29T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
    [
      "2026-11-23T14:00:00.0Z",
      "2026-11-23T14:00:00+00:00",
      "2026-11-23t14:00:00z",
      "2026-11-23 14:00:00Z",
      "2026-11-23T14:00Z",
      "2026-02-29T00:00:00Z",
      "2026-04-31T00:00:00Z",
      "2026-13-01T00:00:00Z",
      "2026-11-23T24:00:00Z",
      "2026-11-23T14:00:60Z",
      "10000-01-01T00:00:00Z",
      "2026-11-23",
      1,
    ],
  ],
  spki: [
    fields.spki,
    [`${a(56)}`, `${a(42)}==`.padStart(60, "a")],
    ["", a(39), `${a(57)}`, `${a(55)}-`, `${a(55)}\n`, a(2000)],
  ],
};

describe.each(Object.entries(BORDERS))("%s", (_, [schema, good, bad]) => {
  it.each(good)("takes %j", (value) => {
    expect(takes(schema, value)).toBe(true);
  });
  it.each(bad.map((value) => [String(value), value]))("refuses %j", (_, value) => {
    expect(takes(schema, value)).toBe(false);
  });
});

describe("names", () => {
  const ASCII = fc.string({ unit: fc.constantFrom(..."ab0.-_/*A \\"), maxLength: 12 });

  it("are those whose segments are each a name of their own, and no file path leads out of them", () => {
    const isSegment = (part: string) => /^[a-z0-9][a-z0-9._-]*$/.test(part);
    fc.assert(
      fc.property(ASCII, (text) => {
        const isName = takes(fields.name, text);
        expect(isName).toBe(text.split("/").every(isSegment));
        if (isName) expect(posix.join("/folder", text)).toBe(`/folder/${text}`);
      }),
      { numRuns: 2000 },
    );
  });

  it("are what patterns are made of", () => {
    fc.assert(
      fc.property(ASCII, (text) => {
        const isName = takes(fields.name, text);
        expect(takes(fields.namePattern, text)).toBe(
          text === "*" || isName || (text.endsWith("/*") && takes(fields.name, text.slice(0, -2))),
        );
        expect(takes(fields.namePattern, `${text}/*`)).toBe(isName);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("times", () => {
  it("are written as they are read, fractions of a second cut", () => {
    const from = new Date("0001-01-01T00:00:00Z");
    const to = new Date("9999-12-31T23:59:59Z");
    fc.assert(
      fc.property(fc.date({ min: from, max: to, noInvalidDate: true }), (date) => {
        const text = formatTime(date);
        return takes(fields.time, text) && Date.parse(text) === Math.floor(date.getTime() / 1000) * 1000;
      }),
    );
  });
});

describe("kinds and predicate types", () => {
  it("name each other", () => {
    for (const kind of Object.keys(PREDICATES) as Array<keyof typeof PREDICATES>) {
      expect(predicateTypeOf(kind)).toBe(`urn:touchstone:${kind}:v1`);
      expect(kindOfPredicateType(predicateTypeOf(kind))).toBe(kind);
    }
  });

  it.each([
    "urn:touchstone:unknown:v1",
    "urn:touchstone:os-image:v2",
    "urn:touchstone:os-image:v1\n",
    "urn:touchstone:constructor:v1",
    "urn:touchstone:toString:v1",
    "urn:touchstone:__proto__:v1",
    "os-image",
    "",
  ])("%j is no kind that this version knows", (predicateType) => {
    expect(kindOfPredicateType(predicateType)).toBeUndefined();
  });
});

describe("references", () => {
  const reference = { kind: "platform", name: "acme/vm", version: "1", digest: a(64) };

  it("are of the one kind that their place wants", () => {
    expect(takes(referenceTo({ kind: "platform" }), reference)).toBe(true);
    expect(takes(referenceTo({ kind: "os-image" }), reference)).toBe(false);
  });

  it("are shown as kind/name@version", () => {
    expect(describeReference({ kind: "platform", name: "acme/vm", version: "1" })).toBe("platform/acme/vm@1");
  });
});
