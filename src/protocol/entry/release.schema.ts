// Defines the part that all released artefacts share, and the small shapes that several kinds use.
import * as z from "zod";
import {
  fileName,
  gitCommit,
  integer,
  keyId,
  name,
  releaseVersion,
  sha256,
  sha384,
  text,
} from "./fields.schema.ts";

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

/** runDetails.builder.id of a provenance. */
export const builderId = text(512);

export const provenance = z
  .strictObject({
    sha256: sha256.describe(
      "SHA-256 of the SLSA provenance as a file: an envelope, or a sigstore bundle around one",
    ),
    builderId: builderId.describe("runDetails.builder.id of the provenance"),
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
