// Every kind, member by member: nothing may be left out, added, of another type or in another spelling. A statement that was written is
// read back as it was.
import { beforeAll, describe, expect, it } from "vitest";
import type { Predicate } from "../../../src/protocol/entry/kinds.ts";
import { DOCUMENT_KINDS, type Kind } from "../../../src/protocol/entry/kinds.ts";
import { RELEASE_KINDS } from "../../../src/protocol/entry/release-kinds.ts";
import { canonicalize } from "../../../src/protocol/envelope/canonical-json.ts";
import { formatStatement, parseStatement } from "../../../src/protocol/envelope/statement.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { fullPredicates } from "../../support/full-predicates.ts";
import { testKeys } from "../../support/keys.ts";
import { sha256Of } from "../../support/release-predicates.ts";
import { signReleaseSet } from "../../support/release-set.ts";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
const KINDS: readonly Kind[] = [...RELEASE_KINDS, ...DOCUMENT_KINDS];
const SUBJECT = [{ name: "artefact", digest: { sha256: sha256Of("artefact") } }];

let predicates: { readonly [K in Kind]: Predicate<K> };
beforeAll(async () => {
  const keys = await testKeys();
  predicates = await fullPredicates(keys, await signReleaseSet(keys));
});

/** Where in a JSON value: the members and items from the top. */
type Path = ReadonlyArray<string | number>;

function* places(value: Json, path: Path = []): Generator<{ path: Path; value: Json }> {
  yield { path, value };
  if (value === null || typeof value !== "object") return;
  for (const [key, item] of Object.entries(value))
    yield* places(item, [...path, Array.isArray(value) ? Number(key) : key]);
}

/** A copy in which the value at a place was replaced; undefined takes the member out. */
function withValue(value: Json, [first, ...rest]: Path, replacement: Json | undefined): Json {
  if (first === undefined) return replacement as Json;
  const copy = structuredClone(value) as { [name: string]: Json };
  if (rest.length === 0 && replacement === undefined) delete copy[first];
  else copy[first] = withValue(copy[first]!, rest, replacement);
  return copy;
}

function outcome(kind: Kind, predicate: Json): "accepted" | "refused" {
  try {
    formatStatement(kind, predicate as never, SUBJECT);
    return "accepted";
  } catch (error) {
    if (error instanceof MalformedError) return "refused";
    throw error;
  }
}

/** Tries every replacement at every place; returns those that were accepted. */
function accepted(kind: Kind, replacements: (value: Json, path: Path) => Array<Json | undefined>): string[] {
  const whole = predicates[kind] as unknown as Json;
  const found: string[] = [];
  let tried = 0;
  for (const { path, value } of places(whole)) {
    for (const replacement of replacements(value, path)) {
      tried++;
      if (outcome(kind, withValue(whole, path, replacement)) === "accepted")
        found.push(`/${path.join("/")}: ${JSON.stringify(replacement)}`);
    }
  }
  expect(tried).toBeGreaterThan(0);
  return found;
}

describe.each(KINDS)("%s", (kind) => {
  it("is read back as it was written", () => {
    const payload = formatStatement(kind, predicates[kind], SUBJECT);
    const statement = parseStatement(payload);
    expect(statement.kind).toBe(kind);
    expect(statement.predicate).toEqual(predicates[kind]);
    expect(statement.name).toBe(predicates[kind].name);
    expect(canonicalize(JSON.parse(new TextDecoder().decode(payload)))).toBe(
      new TextDecoder().decode(payload),
    );
  });

  it("refuses to be without any member: absent never means any", () => {
    // The names of claims are data: a rule that pins fewer is another rule.
    const isMember = (path: Path) => typeof path.at(-1) === "string" && path.at(-2) !== "claims";
    expect(accepted(kind, (_, path) => (isMember(path) ? [undefined] : []))).toEqual([]);
  });

  it("refuses another type in every place", () => {
    const others: Json[] = [true, 1, "text with spaces, and more", ["x"], { x: 1 }];
    const differs = (a: Json, b: Json) => typeof a !== typeof b || Array.isArray(a) !== Array.isArray(b);
    // Null is a value of its own: where it stands, a fact is not known, and then other types may be right.
    const wrong = (value: Json) => (value === null ? [] : others.filter((other) => differs(other, value)));
    expect(accepted(kind, wrong)).toEqual([]);
  });

  it("refuses a member that it does not know, in every object", () => {
    const isObject = (value: Json) => value !== null && typeof value === "object" && !Array.isArray(value);
    const more = (value: Json) => (isObject(value) ? [{ ...(value as object), unknown: null } as Json] : []);
    expect(accepted(kind, more)).toEqual([]);
  });

  it("refuses other spellings of a digest: upper case, cut, longer, with a prefix", () => {
    const spellings = (value: Json) =>
      typeof value === "string" && /^[0-9a-f]{64,96}$/.test(value)
        ? [
            value.toUpperCase() === value ? value.slice(1) : value.toUpperCase(),
            value.slice(2),
            `${value}00`,
            `sha256:${value}`,
            ` ${value}`,
            `${value}\n`,
          ]
        : [];
    expect(accepted(kind, spellings)).toEqual([]);
  });

  it("refuses numbers that are negative, broken or not exact", () => {
    const numbers = (value: Json) => (typeof value === "number" ? [-1, 0.5, 2 ** 53, 1e300] : []);
    expect(accepted(kind, numbers)).toEqual([]);
  });

  it("refuses control characters in any text", () => {
    const texts = (value: Json, path: Path) =>
      typeof value === "string" && path.at(-1) !== "logPolicy"
        ? [`${value}\u0000`, `${value}\n`, `\u001b${value}`]
        : [];
    expect(accepted(kind, texts)).toEqual([]);
  });
});
