// Gives the schema of what a RIM says that a device must measure (golden-table.ts).
import * as z from "zod";
import { integer, sha256, sha384, text, time } from "./fields.schema.ts";
import { FIRST_OPAQUE_INDEX, hasActiveIndex, hasRisingIndices, LAST_OPAQUE_INDEX } from "./golden-table.ts";

const active = z.boolean().describe("Only active indices are compared");

/** Golden table: RIM index i states what SPDM measurement block i + 1 must be, and 4096 + t what the report must state under opaque type t. */
export const goldenTable = z
  .array(
    // What tells the two apart stands first: a validator stops at the first fault.
    z.union([
      z.strictObject({
        alternatives: z.array(sha384).min(1).max(64).describe("Any one of them matches"),
        index: z.int().min(0).max(63),
        active,
      }),
      z.strictObject({
        minSvn: integer.describe("Lowest security version number that the device may state"),
        index: z.int().min(FIRST_OPAQUE_INDEX).max(LAST_OPAQUE_INDEX),
        active,
      }),
    ]),
  )
  .min(1)
  .max(128)
  .refine(hasRisingIndices, { error: "indices must rise strictly" })
  .refine(hasActiveIndex, { error: "at least one index must be active" });

export const tableDigest = sha256.describe("SHA-256 of the RFC 8785 form of the table");

export const rimSigners = z
  .array(z.strictObject({ subject: text(512), sha256, notBefore: time, notAfter: time }))
  .min(1)
  .max(8)
  .describe("Certificate chain, signer first");
