// Defines the zod shape of bytes in hex, upper or lower case: vendors and their tools write both. The value is lower-case, as everywhere else.
import * as z from "zod";

/** Hex of `least` to `most` bytes. */
export function hexText(least: number, most: number) {
  return z
    .string()
    .min(2 * least)
    .max(2 * most)
    .regex(/^(?:[0-9a-fA-F]{2})*$/)
    .transform((text) => text.toLowerCase());
}
