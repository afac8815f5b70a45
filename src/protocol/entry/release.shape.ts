// Reads what release.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, nullable, object } from "../shape/containers.ts";
import { atLeast, atMost, matching, string } from "../shape/scalars.ts";
import type { Shape } from "../shape/shape.ts";
import { fileName, gitCommit, integer, sha256, sha384 } from "./fields.shape.ts";
import { PRINTABLE } from "./fields.ts";

export type File = {
  /** Relative file name */
  fileName: string;
  /** SHA-256, lower-case hex */
  sha256: string;
  /** Length in bytes */
  size: number;
};

export const file = object<File>({
  fileName,
  sha256,
  size: integer,
});

export type MeasuredFile = {
  /** Relative file name */
  fileName: string;
  /** SHA-256, lower-case hex */
  sha256: string;
  /** Length in bytes */
  size: number;
  /** SHA-384, lower-case hex */
  sha384: string;
};

export const measuredFile = object<MeasuredFile>({
  fileName,
  sha256,
  size: integer,
  sha384,
});

export type Toolchain = {
  name: string;
  version: string;
}[];

export const toolchain: Shape<Toolchain> = list(
  object({
    name: string(atMost(128), matching(PRINTABLE), atLeast(1)),
    version: string(atMost(128), matching(PRINTABLE), atLeast(1)),
  }),
  atMost(64),
);

export type Builder = {
  /** URI or name of the build service or person */
  id: string;
};

export const builder = object<Builder>({
  id: string(atMost(512), matching(PRINTABLE), atLeast(1)),
});

export type Source = {
  /** Where the source is */
  uri: string;
  commit: string | null;
  /** SHA-256 of the source archive */
  sha256: string | null;
};

export const source = object<Source>({
  uri: string(atMost(1024), matching(PRINTABLE), atLeast(1)),
  commit: nullable(gitCommit),
  sha256: nullable(sha256),
});

export const builderId: Shape<string> = string(atMost(512), matching(PRINTABLE), atLeast(1));

/** SLSA v1 provenance (DSSE) of an artefact of this entry */
export type Provenance = {
  /** SHA-256 of the SLSA provenance as a file: an envelope, or a sigstore bundle around one */
  sha256: string;
  /** runDetails.builder.id of the provenance */
  builderId: string;
  /** Key that checked its signature; null: not checked */
  verifiedWith: string | null;
};

export const provenance = object<Provenance>({
  sha256,
  builderId,
  verifiedWith: nullable(sha256),
});
