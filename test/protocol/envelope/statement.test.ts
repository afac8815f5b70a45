// The payload that is signed: one canonical text for each statement, so that no two readers see two statements under one digest.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { canonicalize } from "../../../src/protocol/envelope/canonical-json.ts";
import { formatStatement, parseStatement } from "../../../src/protocol/envelope/statement.ts";
import { revocationPredicate } from "../../support/document-predicates.ts";
import { malformedOf } from "../../support/refusals.ts";
import { platformPredicate, sha256Of } from "../../support/release-predicates.ts";

const SUBJECT = [{ name: "OVMF.fd", digest: { sha256: sha256Of("OVMF.fd") } }];
const PAYLOAD = formatStatement("platform", platformPredicate(), SUBJECT);
const TEXT = new TextDecoder().decode(PAYLOAD);
const VALUE = JSON.parse(TEXT) as Record<string, unknown>;

const faultOf = async (text: string | Uint8Array) =>
  (await malformedOf(() => parseStatement(typeof text === "string" ? utf8(text) : text)))?.message;
const canonical = (change: object) => canonicalize({ ...VALUE, ...change });
/** The payload with one piece of text replaced, which must be there. */
function edited(find: string, replacement: string): string {
  expect(TEXT).toContain(find);
  return TEXT.replace(find, replacement);
}

describe("a statement", () => {
  it("is read back, with its kind, name and version", () => {
    const statement = parseStatement(PAYLOAD);
    expect(statement).toEqual({
      kind: "platform",
      name: "h100-vm",
      version: "1",
      subject: SUBJECT,
      predicate: platformPredicate(),
    });
    expect(formatStatement("platform", platformPredicate(), statement.subject)).toEqual(PAYLOAD);
  });

  it("may have subjects that hardware measures, with SHA-384", () => {
    const digest = { sha256: sha256Of("x"), sha384: `${sha256Of("x")}${sha256Of("x").slice(32)}` };
    const payload = formatStatement("platform", platformPredicate(), [{ name: "x", digest }]);
    expect(parseStatement(payload).subject).toEqual([{ name: "x", digest }]);
  });
});

describe("a payload that is not in its one canonical form is refused", () => {
  const notCanonical = "not in RFC 8785 canonical form";
  const FORMS: ReadonlyArray<readonly [string, () => string]> = [
    ["white space", () => JSON.stringify(VALUE, null, 1)],
    ["a space after a comma", () => edited('","predicate":', '", "predicate":')],
    ["a newline at the end", () => `${TEXT}\n`],
    ["members in another order", () => JSON.stringify(Object.fromEntries(Object.entries(VALUE).reverse()))],
    ["a number with a fraction of zero", () => edited('"svn":1', '"svn":1.0')],
    ["a number with an exponent", () => edited('"svn":1', '"svn":1e0')],
    ["minus zero", () => edited('"gpus":1', '"gpus":-0')],
    ["a member twice, the same", () => edited('"svn":1', '"svn":1,"svn":1')],
    ["a member twice, the last one harmless", () => edited('"svn":1', '"svn":0,"svn":1')],
    ["an escape that need not be", () => edited('"stable"', '"st\\u0061ble"')],
    ["an escaped slash", () => edited("https://", "https:\\/\\/")],
    ["an upper-case escape", () => edited('"stable"', '"stable\\u001F"')],
  ];
  it.each(FORMS)("%s", async (_, text) => {
    expect(await faultOf(text())).toContain(notCanonical);
  });

  it("whatever white space stands wherever it may stand", async () => {
    const places = [...TEXT.matchAll(/"(?:[^"\\]|\\.)*"|[,:{}[\]]|[^",:{}[\]]+/g)].map(({ index }) => index);
    const property = fc.asyncProperty(
      fc.constantFrom(...places),
      fc.constantFrom(" ", "\t", "\n", "\r"),
      async (at, space) => {
        const fault = await faultOf(TEXT.slice(0, at) + space + TEXT.slice(at));
        expect(fault).toBeDefined();
      },
    );
    await fc.assert(property);
  });
});

describe("what is no JSON, or not what JSON can say, is refused", () => {
  it.each([
    ["nothing", ""],
    ["half of it", TEXT.slice(0, TEXT.length / 2)],
    ["two of them", `${TEXT}${TEXT}`],
    ["a byte order mark", `\uFEFF${TEXT}`],
    ["a lone surrogate", edited('"stable"', '"\\ud800"')],
    ["an array", "[]"],
    ["null", "null"],
    ["a number", "1"],
    ["a name that means something to the reader", TEXT.replace('{"_type"', '{"__proto__":null,"_type"')],
    ["nesting without end", `${"[".repeat(60_000)}${"]".repeat(60_000)}`],
    ["33 levels", `${"[".repeat(34)}${"]".repeat(34)}`],
  ])("%s", async (_, text) => {
    expect(await faultOf(text)).toBeDefined();
  });

  it("bytes that are not UTF-8", async () => {
    const bytes = PAYLOAD.slice();
    bytes[TEXT.indexOf("stable")] = 0xff;
    expect(await faultOf(bytes)).toBeDefined();
  });

  it("any one byte changed is another statement or none", async () => {
    const property = fc.asyncProperty(fc.nat(PAYLOAD.length - 1), fc.nat(255), async (at, byte) => {
      fc.pre(PAYLOAD[at] !== byte);
      const bytes = PAYLOAD.slice();
      bytes[at] = byte;
      if ((await faultOf(bytes)) !== undefined) return;
      const { kind, predicate, subject } = parseStatement(bytes);
      expect(formatStatement(kind, predicate as never, subject)).toEqual(bytes);
    });
    await fc.assert(property, { numRuns: 500 });
  });
});

describe("the frame", () => {
  it.each([
    ["another type of statement", canonical({ _type: "https://in-toto.io/Statement/v0.1" }), "/_type"],
    ["no subject", canonical({ subject: [] }), "/subject"],
    [
      "a subject without digest",
      canonical({ subject: [{ name: "x", digest: {} }] }),
      "/subject/0/digest/sha256",
    ],
    [
      "an unknown digest",
      canonical({ subject: [{ name: "x", digest: { sha1: "00" } }] }),
      "/subject/0/digest",
    ],
    ["a kind that is not known", canonical({ predicateType: "urn:touchstone:future:v1" }), "/predicateType"],
    [
      "a later version of a kind",
      canonical({ predicateType: "urn:touchstone:platform:v2" }),
      "/predicateType",
    ],
    ["a predicate of another kind", canonical({ predicateType: "urn:touchstone:policy:v1" }), "/predicate"],
    ["no predicate", canonical({ predicate: null }), "/predicate"],
  ])("with %s is refused, and where is said", async (_, text, pointer) => {
    expect(await faultOf(text)).toContain(`(at ${pointer}`);
  });

  it("refuses a member that it does not know, and being without one", async () => {
    expect(await faultOf(canonical({ extra: 1 }))).toBeDefined();
    for (const name of Object.keys(VALUE)) {
      const { [name]: _, ...rest } = VALUE;
      expect(await faultOf(canonicalize(rest)), name).toBeDefined();
    }
  });

  it("escapes the pointer to a member as RFC 6901 does", async () => {
    const predicate = { ...platformPredicate(), acpi: { "a/b~c": 1 } };
    const error = await malformedOf(() => parseStatement(utf8(canonical({ predicate }))));
    expect(error?.at).toMatch(/^\/predicate\/acpi/);
  });
});

describe("a document without an artefact", () => {
  const predicate = revocationPredicate({ digests: [sha256Of("bad")] });
  const payload = formatStatement("revocation", predicate);
  const value = JSON.parse(new TextDecoder().decode(payload)) as {
    subject: [{ name: string; digest: object }];
  };
  const withSubject = (subject: unknown) => faultOf(canonicalize({ ...value, subject }));

  it("has itself as its one subject", () => {
    expect(value.subject).toEqual([
      { name: "touchstone:revocation/cve", digest: { sha256: sha256Of(canonicalize(predicate)) } },
    ]);
  });

  it("refuses any other subject, which an index would find it by", async () => {
    const [own] = value.subject;
    expect(await withSubject([{ ...own, name: "touchstone:revocation/other" }])).toContain("/subject");
    expect(await withSubject([{ ...own, digest: { sha256: sha256Of("other") } }])).toContain("/subject");
    expect(await withSubject([{ ...own, digest: { ...own.digest, sha384: "0".repeat(96) } }])).toContain(
      "/subject",
    );
    expect(await withSubject([own, own])).toContain("/subject");
  });

  it("takes none from its writer", () => {
    expect(formatStatement("revocation", predicate, SUBJECT)).toEqual(payload);
  });
});

describe("writing", () => {
  it("refuses what it could not read back", async () => {
    const wrong = { ...platformPredicate(), svn: -1 };
    expect(await malformedOf(() => formatStatement("platform", wrong, SUBJECT))).toMatchObject({
      at: "/predicate/svn",
    });
    expect(await malformedOf(() => formatStatement("platform", platformPredicate()))).toMatchObject({
      at: "/subject",
    });
  });
});
