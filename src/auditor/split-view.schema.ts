// Gives the schema of a split view (split-view.ts).
import * as z from "zod";
import { origin } from "../protocol/entry/fields.schema.ts";

const note = z.string().max(65_536).describe("Signed checkpoint (C2SP tlog-checkpoint)");
const hash = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=$/)
  .describe("32-byte hash, base64");

export const splitViewJson = z
  .strictObject({
    format: z.literal("touchstone-split-view/v1"),
    origin,
    smaller: note,
    larger: note.describe("Signed checkpoint of another tree, of the same size or a larger one"),
    beginning: hash.describe(
      "Root that the larger tree has at the smaller size: another one than was signed",
    ),
    consistency: z
      .array(hash)
      .max(63)
      .describe("Consistency proof from `beginning` to the larger tree (RFC 6962 §2.1.2)"),
  })
  .describe("Split view: proof that a log signed two trees");
