// The part that all released artefacts share, and the small shapes that several kinds use.
import * as z from "zod";
import {
  fileName,
  gitCommit,
  integer,
  keyId,
  name,
  namedCommit,
  releaseVersion,
  sha256,
  sha384,
  text,
} from "./fields.ts";

/** A list that outgrew its entry: an RFC 8785 JSON document of at most 16 MiB, served at /v1/attachments/sha256/<hex>. */
export const attachment = z.strictObject({
  digest: sha256.describe("SHA-256 of the attachment's bytes"),
  size: z
    .int()
    .min(1)
    .max(16 * 1024 * 1024)
    .describe("Length in bytes"),
  mediaType: z.literal("application/json"),
});
export type Attachment = z.infer<typeof attachment>;

/** A file with the digests that a third party can compute again. */
export const file = z.strictObject({ fileName, sha256, size: integer.describe("Length in bytes") });

/** A file that hardware measures: both digests. */
export const measuredFile = z.strictObject({ ...file.shape, sha384 });

export const toolchain = z.array(z.strictObject({ name: text(128), version: text(128) })).max(64);

export const builder = z.strictObject({
  id: text(512).describe("URI or name of the build service or person"),
});

export const source = z.strictObject({
  uri: text(1024).describe("Where the source is"),
  commit: gitCommit.nullable(),
  sha256: sha256.nullable().describe("SHA-256 of the source archive"),
});

export const provenance = z
  .strictObject({
    sha256: sha256.describe(
      "SHA-256 of the SLSA provenance as a file: an envelope, or a sigstore bundle around one",
    ),
    builderId: text(512).describe("runDetails.builder.id of the provenance"),
    verifiedWith: keyId.nullable().describe("Key that checked its signature; null: not checked"),
  })
  .describe("SLSA v1 provenance (DSSE) of an artefact of this entry");

/** Members that every released artefact has. */
export const releaseShape = {
  name,
  version: releaseVersion,
  channel: name.describe("Release channel, such as stable or testing"),
  svn: integer.describe(
    "Security version number: raised when older releases of this name must no longer be accepted",
  ),
  builder,
  source,
  provenance: provenance.nullable(),
};

/** One patch of a series, in order of application. */
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
  origin: z.enum(["upstream", "backport", "vendor", "local", "unknown"]),
  upstreamCommit: namedCommit.nullable(),
  purpose: text(512).nullable().describe("Why the patch is carried, such as badaml-acpi"),
});
export type Patch = z.infer<typeof patch>;

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
  .refine((series) => (series.inline === null) !== (series.attachment === null), {
    error: "exactly one of inline and attachment must be given",
  })
  .refine((series) => series.inline === null || series.inline.length === series.count, {
    error: "count differs from the number of patches",
  });
export type PatchSeries = z.infer<typeof patchSeries>;
