// Reads what gpu-rim.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { nullable, object, oneOf } from "../../shape/containers.ts";
import { atLeast, atMost, matching, string } from "../../shape/scalars.ts";
import { integer, name, releaseVersion, sha256, time } from "../fields.shape.ts";
import { PRINTABLE } from "../fields.ts";
import { type GoldenTable, goldenTable, type RimSigners, rimSigners } from "../golden-table.shape.ts";
import { type Builder, builder, type Provenance, provenance, type Source, source } from "../release.shape.ts";

export type GpuRim = {
  /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
  name: string;
  /** Version, as its publisher writes it */
  version: string;
  /** Release channel, such as stable or testing */
  channel: string;
  /** Security version number: raised when older releases of this name must no longer be accepted */
  svn: number;
  builder: Builder;
  source: Source;
  provenance: Provenance | null;
  rim: {
    /** RIM id */
    id: string;
    tagId: string;
    covers: "driver" | "vbios";
    /** Driver or VBIOS version, as the GPU reports it */
    componentVersion: string;
    /** SHA-256 of the RIM file, byte for byte */
    sha256: string;
    /** Chip that the RIM states, such as GH100 */
    product: string;
  };
  /** SHA-256 of the RFC 8785 form of the table */
  tableDigest: string;
  table: GoldenTable;
  /** Certificate chain, signer first */
  signers: RimSigners;
  /** Time at which signature and chain were checked */
  verifiedAt: string;
};

export const gpuRim = object<GpuRim>({
  name,
  version: releaseVersion,
  channel: name,
  svn: integer,
  builder,
  source,
  provenance: nullable(provenance),
  rim: object({
    id: string(atMost(128), matching(PRINTABLE), atLeast(1)),
    tagId: string(atMost(128), matching(PRINTABLE), atLeast(1)),
    covers: oneOf("driver", "vbios"),
    componentVersion: string(atMost(64), matching(PRINTABLE), atLeast(1)),
    sha256,
    product: string(atMost(128), matching(PRINTABLE), atLeast(1)),
  }),
  tableDigest: sha256,
  table: goldenTable,
  signers: rimSigners,
  verifiedAt: time,
});
