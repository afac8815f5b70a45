// Holds the field types that the tables of a release file are made of.
import * as z from "zod";
import { time } from "../../protocol/entry/fields.shape.ts";
import { zodOf } from "../zod-of.ts";

/** Text of a release file that becomes an absolute path. */
export type PathField = z.ZodType<string>;

export const word = z.string().min(1).max(1024);

/** A table of the same file, or kind/name@version of a logged entry. */
export const reference = word.describe("Table of this file, or kind/name@version");

export const rfc3339 = z
  .union([
    z.date().transform((date) => new Date(date.getTime())),
    zodOf(time).transform((text) => new Date(text)),
  ])
  .refine((date) => !Number.isNaN(date.getTime()), { error: "expected a time such as 2026-11-23T14:00:00Z" });

/** Patches in a quilt directory, or as commits. */
export function patchOrigin(path: PathField) {
  return z.union(
    [
      z.strictObject({ directory: path, seriesFile: word.exactOptional() }),
      z.strictObject({ repository: path, base: word, tip: word }),
    ],
    { error: "expected { directory, seriesFile? } or { repository, base, tip }, each of them there" },
  );
}
