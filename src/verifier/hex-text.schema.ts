// Defines the zod shape of bytes in hex, upper or lower case: vendors and their tools write both. The value is lower-case, as everywhere else.
import * as z from "zod";
import { HEX_TEXT, toLowerCase } from "./hex-text.ts";

/** Hex of `least` to `most` bytes. */
export function hexText(least: number, most: number) {
  return z
    .string()
    .min(2 * least)
    .max(2 * most)
    .regex(HEX_TEXT)
    .transform(toLowerCase);
}
