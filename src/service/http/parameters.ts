// Reads path and query parameters. All of them are strings with a pattern: coercion would take "", " 7 " and "1e3" for numbers, and would
// describe required path parameters as nullable.
import "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import { MAX_INTEGER } from "../../protocol/entry/fields.ts";
import { RequestProblem } from "../problem.ts";

const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/;

/** Decimal digits as the C2SP formats write them, and no other spelling of the number. It is described as the integer that it is. */
export function decimal(minimum = 0, maximum = MAX_INTEGER) {
  return z
    .string()
    .regex(DECIMAL, { error: expectedDecimal(minimum, maximum) })
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, { error: expectedDecimal(minimum, maximum) })
    .openapi({ type: "integer", minimum, maximum });
}

function expectedDecimal(minimum: number, maximum: number): string {
  return `expected a decimal number from ${minimum} to ${maximum === MAX_INTEGER ? "2^53 − 1" : maximum}`;
}

/** What the page before said is next. It is a string, since nobody is to count with it. */
export const cursor = z.string().regex(DECIMAL);

export const hexDigest = z.string().regex(/^[0-9a-f]{64}$/);

/** Reads a number of a path or query without the schema machinery, for the calls that must be fast. */
export function readDecimal(text: string, parameter: string, minimum = 0): number {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw new RequestProblem("invalid-parameter", `${parameter}: ${expectedDecimal(minimum, MAX_INTEGER)}`);
  }
  return value;
}

/** @throws RequestProblem "invalid-parameter" for a query parameter of another name, or one that is given twice. */
export function requireQuery(c: Context, names: readonly string[]): void {
  const start = c.req.url.indexOf("?");
  if (start === -1) return;
  const seen = new Set<string>();
  for (const name of new URLSearchParams(c.req.url.slice(start + 1)).keys()) {
    if (seen.has(name)) throw new RequestProblem("invalid-parameter", `${name}: given more than once`);
    if (!names.includes(name)) {
      const known = names.length === 0 ? "none" : names.join(", ");
      throw new RequestProblem(
        "invalid-parameter",
        `${name}: not a parameter of this call, which takes ${known}`,
      );
    }
    seen.add(name);
  }
}

/** @throws RequestProblem "beyond-tree" */
export function requireWithin(size: number, tree: number, what: string): void {
  if (size > tree) {
    throw new RequestProblem(
      "beyond-tree",
      `${what} is beyond the published tree of ${tree} entries; try again later`,
    );
  }
}

/** @throws RequestProblem "invalid-parameter" */
export function requireHexDigest(text: string): string {
  if (!hexDigest.safeParse(text).success) {
    throw new RequestProblem(
      "invalid-parameter",
      "digest: expected the 64 lower-case hex digits of a SHA-256",
    );
  }
  return text;
}
