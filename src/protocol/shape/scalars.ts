// Reads strings, numbers and booleans. Lengths of strings are counted in code points, as JSON Schema does.
import { type Check, notOfType, Shape, typed } from "./shape.ts";

// @__NO_SIDE_EFFECTS__
export function string(...checks: Check<string>[]): Shape<string> {
  return typed("string", (value) => typeof value === "string", checks);
}

// @__NO_SIDE_EFFECTS__
export function boolean(): Shape<boolean> {
  return typed("boolean", (value) => typeof value === "boolean", []);
}

/** Any JSON value, which must be there: what it is, another shape says. */
// @__NO_SIDE_EFFECTS__
export function unknown(): Shape<unknown> {
  return new Shape((value, reading, depth) =>
    value === undefined ? reading.refuse(depth, notOfType("nonoptional", value)) : value,
  );
}

/** A whole number that every JSON reader keeps exactly. */
// @__NO_SIDE_EFFECTS__
export function safeInteger(...checks: Check<number>[]): Shape<number> {
  const number = typed("number", (value): value is number => Number.isFinite(value), [isSafe, ...checks]);
  return new Shape((value, reading, depth) => {
    // A broken number has the type, and is not an integer; zod goes on to no other check.
    if (Number.isFinite(value) && !Number.isInteger(value)) reading.refuse(depth, notOfType("int", value));
    return number.read(value, reading, depth);
  });
}

function isSafe(value: number): string | null {
  if (Number.isSafeInteger(value)) return null;
  return value > 0
    ? `Too big: expected int to be <=${Number.MAX_SAFE_INTEGER}`
    : `Too small: expected int to be >=${Number.MIN_SAFE_INTEGER}`;
}

// @__NO_SIDE_EFFECTS__
export function from(least: number): Check<number> {
  return (value) => (value >= least ? null : `Too small: expected number to be >=${least}`);
}

// @__NO_SIDE_EFFECTS__
export function upTo(most: number): Check<number> {
  return (value) => (value <= most ? null : `Too big: expected number to be <=${most}`);
}

// @__NO_SIDE_EFFECTS__
export function matching(pattern: RegExp): Check<string> {
  return (value) => (pattern.test(value) ? null : `Invalid string: must match pattern ${pattern}`);
}

type Sized = string | readonly unknown[];

// @__NO_SIDE_EFFECTS__
export function atLeast(least: number): Check<Sized> {
  return (value) => (lengthOf(value, least) >= least ? null : `Too small: ${wanted(value, ">=", least)}`);
}

// @__NO_SIDE_EFFECTS__
export function atMost(most: number): Check<Sized> {
  return limited(most, (value) =>
    value.length <= most || lengthOf(value, most) <= most ? null : `Too big: ${wanted(value, "<=", most)}`,
  );
}

// @__NO_SIDE_EFFECTS__
export function exactly(length: number): Check<Sized> {
  return limited(length, (value) => {
    const found = lengthOf(value, length);
    if (found === length) return null;
    return `Too ${found > length ? "big" : "small"}: ${wanted(value, "exactly ", length)}`;
  });
}

function limited(mostItems: number, check: Check<Sized>): Check<Sized> {
  return Object.assign(check, { mostItems });
}

/** Code points of a string, which are counted only where they can make a difference to `bound`; items of an array. */
function lengthOf(value: Sized, bound: number): number {
  if (typeof value !== "string" || value.length < bound) return value.length;
  return value.length > 2 * bound ? value.length : Array.from(value).length;
}

function wanted(value: Sized, how: string, length: number): string {
  const [type, unit] = typeof value === "string" ? ["string", "characters"] : ["array", "items"];
  return `expected ${type} to have ${how}${length} ${unit}`;
}
