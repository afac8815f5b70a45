// Makes values for any zod schema: ones that it takes, ones with a few faults, and hostile ones that no schema asks for.
import fc from "fast-check";
import type * as z from "zod";

type Def = z.core.$ZodTypes["_zod"]["def"];
const defOf = (schema: z.core.$ZodType): Def => (schema as unknown as z.core.$ZodTypes)._zod.def;

/** JSON values that are wrong nearly everywhere, or at the border of what is right. */
const HOSTILE: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, true, false, 0, -0, -1, 1.5, 1e21, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 255, 256, 65_536],
    ...[
      "",
      " ",
      "\u0000",
      "a\n",
      "\u202e",
      "𝄞",
      "\ud800",
      "__proto__",
      "constructor",
      "0",
      "*",
      "a/..",
      "NaN",
    ],
    ...["2026-02-30T00:00:00Z", "2026-02-28T00:00:00Z", "A".repeat(64), "a".repeat(64), "zz".repeat(48)],
    ...[[], {}, [[]], [null], { toString: 1 }, { length: 3 }],
  ),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.integer(),
  fc.double(),
  fc.jsonValue({ maxDepth: 2 }).map((value) => value as unknown),
);

/** A value that the schema takes, refinements aside. */
export function validValueOf(schema: z.core.$ZodType): fc.Arbitrary<unknown> {
  const def = defOf(schema);
  switch (def.type) {
    case "string":
      return stringOf(schema);
    case "number":
      return numberOf(schema);
    case "boolean":
      return fc.boolean();
    case "unknown":
      return fc.jsonValue({ maxDepth: 1 });
    case "literal":
      return fc.constantFrom(...def.values);
    case "enum":
      return fc.constantFrom(...Object.values(def.entries));
    case "nullable":
      return fc.oneof(fc.constant(null), validValueOf(def.innerType));
    case "optional":
    case "default":
      return fc.oneof(fc.constant(undefined), validValueOf(def.innerType));
    case "array": {
      const { least = 0, most = 3 } = limitsOf(schema);
      return fc.array(validValueOf(def.element), {
        minLength: least,
        maxLength: Math.min(most, Math.max(least, 3)),
      });
    }
    case "tuple":
      return fc.tuple(...def.items.map(validValueOf));
    case "record":
      return fc.dictionary(validValueOf(def.keyType).map(String), validValueOf(def.valueType), {
        maxKeys: 3,
      });
    case "union":
      return fc.oneof(...def.options.map(validValueOf));
    case "pipe":
      return validValueOf(def.in);
    case "object": {
      const members = Object.entries(def.shape).map(
        ([name, member]) => [name, validValueOf(member)] as const,
      );
      return fc.record(Object.fromEntries(members)).map((object) => mended(dropUndefined(object)));
    }
    default:
      throw new TypeError(`no values are known for ${def.type}`);
  }
}

interface Limits {
  readonly least?: number;
  readonly most?: number;
  readonly pattern?: RegExp;
}

function limitsOf(schema: z.core.$ZodType): Limits {
  const checks = (defOf(schema).checks ?? []).map(
    ({ _zod }) => _zod.def as unknown as Record<string, unknown>,
  );
  const find = (...members: string[]) => checks.flatMap((check) => members.map((name) => check[name]));
  const number = (values: unknown[]) => values.find((value) => typeof value === "number");
  const ofCheck = (kind: string) =>
    number(checks.flatMap(({ check, value }) => (check === kind ? [value] : [])));
  const least = number(find("minimum", "length")) ?? ofCheck("greater_than");
  const most = number(find("maximum", "length")) ?? ofCheck("less_than");
  const pattern = find("pattern").find((value) => value instanceof RegExp);
  return {
    ...(least !== undefined && { least }),
    ...(most !== undefined && { most }),
    ...(pattern && { pattern }),
  };
}

function stringOf(schema: z.core.$ZodType): fc.Arbitrary<string> {
  const { least = 0, most = least + 8, pattern } = limitsOf(schema);
  if (pattern?.source.includes("\\d{4}")) {
    const span = { min: new Date("2000-01-01T00:00:00Z"), max: new Date("2099-01-01T00:00:00Z") };
    return fc.date({ ...span, noInvalidDate: true }).map((date) => `${date.toISOString().slice(0, 19)}Z`);
  }
  if (pattern?.source.includes("0-9a-fA-F"))
    return fc
      .string({ unit: fc.constantFrom("0a", "Ff", "9C"), minLength: least / 2, maxLength: least / 2 + 2 })
      .map((text) => text.slice(0, most));
  // Text for people: what it refuses is a class of characters, which hostile values have.
  if (pattern === undefined || pattern.source.startsWith("^[^"))
    return fc.string({ minLength: least, maxLength: Math.min(most, least + 8) });
  return fc.stringMatching(pattern);
}

function numberOf(schema: z.core.$ZodType): fc.Arbitrary<number> {
  const { least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER } = limitsOf(schema);
  return fc.oneof(
    fc.constantFrom(least, most),
    fc.integer({ min: least, max: Math.min(most, least + 1000) }),
  );
}

/** Most of the refinements met, which members by themselves meet too seldom. */
function mended(object: Record<string, unknown>): Record<string, unknown> {
  const { version, sequence, previous, threshold, keys, inline, attachment } = object;
  const isFirst = (version ?? sequence) === 1;
  return {
    ...object,
    ...("previous" in object && { previous: isFirst ? null : (previous ?? "0".repeat(64)) }),
    ...(Array.isArray(keys) &&
      "threshold" in object && { threshold: Math.min(Number(threshold), keys.length) }),
    ...(Array.isArray(inline) && { attachment: null, count: inline.length }),
    ...("inline" in object && inline === null && attachment === null && { inline: [], count: 0 }),
  };
}

function dropUndefined(object: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** A value with up to three places changed: replaced, taken away, put twice, renamed, reordered or moved. */
export function brokenValueOf(schema: z.core.$ZodType): fc.Arbitrary<unknown> {
  const change = fc.record({ place: fc.nat(), how: fc.nat({ max: 6 }), hostile: HOSTILE });
  return fc
    .tuple(validValueOf(schema), fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([value, changes]) =>
      changes.reduce((broken, { place, how, hostile }) => {
        const places = placesIn(broken);
        const chosen = places[place % places.length] ?? [];
        return changeAt(broken, chosen, (old) => CHANGES[how]?.(old, hostile));
      }, value),
    );
}

type Path = readonly (string | number)[];

function placesIn(value: unknown): Path[] {
  if (typeof value !== "object" || value === null) return [[]];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return [[], ...entries.flatMap(([key, member]) => placesIn(member).map((path) => [key, ...path]))];
}

function changeAt(value: unknown, [key, ...rest]: Path, change: (old: unknown) => unknown): unknown {
  if (key === undefined) return change(value);
  if (Array.isArray(value)) return value.map((item, i) => (i === key ? changeAt(item, rest, change) : item));
  const members = Object.entries(value as object).map(
    ([name, member]) => [name, name === key ? changeAt(member, rest, change) : member] as const,
  );
  return dropUndefined(Object.fromEntries(members));
}

const CHANGES: readonly ((old: unknown, hostile: unknown) => unknown)[] = [
  (_, hostile) => hostile,
  (old, hostile) => (Array.isArray(old) ? [...old, hostile] : hostile),
  (old) => (Array.isArray(old) ? [...old, ...old] : typeof old === "string" ? old + old : old),
  (old, hostile) => (isObject(old) ? { ...old, [nameOf(hostile)]: hostile } : hostile),
  (old) => (isObject(old) ? Object.fromEntries(Object.entries(old).slice(1)) : undefined),
  (old) => (isObject(old) ? Object.fromEntries(Object.entries(old).reverse()) : [old]),
  (old) => (typeof old === "number" ? old + 0.5 : typeof old === "string" ? old.toUpperCase() : {}),
];

function nameOf(hostile: unknown): string {
  return typeof hostile === "string" ? hostile : typeof hostile;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
