// Gives the schema of a series of patches (patch-series.ts).
import * as z from "zod";
import { attachment } from "./attachment.schema.ts";
import { fileName, integer, namedCommit, sha256, text } from "./fields.schema.ts";
import { hasItsCount, isListedOnce } from "./patch-series.ts";

export const patchOrigin = z.enum(["upstream", "backport", "vendor", "local", "unknown"]);
export const patchPurpose = text(512);

/** One patch of a series. */
export const patch = z.strictObject({
  fileName,
  sha256,
  subject: text(512),
  authorDate: text(64).nullable().describe("Author date as the patch gives it"),
  patchId: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .nullable()
    .describe("git patch-id --stable"),
  origin: patchOrigin,
  upstreamCommit: namedCommit.nullable(),
  purpose: patchPurpose.nullable().describe("Why the patch is carried, such as badaml-acpi"),
});

/** An ordered series: listed here while it fits, attached as the JSON array of the same objects when it does not. */
export const patchSeries = z
  .strictObject({
    count: integer,
    seriesDigest: sha256.describe(
      "SHA-256 of the RFC 8785 form of the array of the patches' SHA-256 values, in order",
    ),
    inline: z.array(patch).max(200).nullable(),
    attachment: attachment.nullable(),
  })
  .refine(isListedOnce, { error: "exactly one of inline and attachment must be given" })
  .refine(hasItsCount, { error: "count differs from the number of patches" });

/** What the attachment of a series holds. */
export const patches = z.array(patch);
