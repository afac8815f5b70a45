// Reads what kernel-patch-set.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, nullable, object, oneOf } from "../../shape/containers.ts";
import { atLeast, atMost, matching, string } from "../../shape/scalars.ts";
import { gitCommit, integer, name, releaseVersion, sha256 } from "../fields.shape.ts";
import { PRINTABLE } from "../fields.ts";
import { type PatchSeries, patchSeries } from "../patch-series.shape.ts";
import {
  type Builder,
  builder,
  type File,
  file,
  type Provenance,
  provenance,
  type Source,
  source,
  type Toolchain,
  toolchain,
} from "../release.shape.ts";

export type KernelPatchSet = {
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
  base: {
    name: string;
    version: string;
    sourceArchive: File | null;
    commit: string | null;
  };
  /** What `uname -r` says of the built kernel, read from its image; null: no image is among the outputs */
  kernelRelease: string | null;
  patches: PatchSeries;
  config: {
    /** SHA-256 of the resolved .config */
    sha256: string;
    options: {
      option: string;
      /** set: any value but n; not-set: absent */
      required: "set" | "not-set";
      /** Value in the resolved config; null: not set */
      actual: string | null;
    }[];
  } | null;
  toolchain: Toolchain;
  /** Built files, such as the kernel image */
  outputs: File[];
};

export const kernelPatchSet = object<KernelPatchSet>({
  name,
  version: releaseVersion,
  channel: name,
  svn: integer,
  builder,
  source,
  provenance: nullable(provenance),
  base: object({
    name: string(atMost(128), matching(PRINTABLE), atLeast(1)),
    version: string(atMost(128), matching(PRINTABLE), atLeast(1)),
    sourceArchive: nullable(file),
    commit: nullable(gitCommit),
  }),
  kernelRelease: nullable(string(atMost(128), matching(PRINTABLE), atLeast(1))),
  patches: patchSeries,
  config: nullable(
    object({
      sha256,
      options: list(
        object({
          option: string(matching(/^CONFIG_[A-Za-z0-9_]{1,96}$/)),
          required: oneOf("set", "not-set"),
          actual: nullable(string(atMost(256), matching(PRINTABLE), atLeast(1))),
        }),
        atMost(256),
      ),
    }),
  ),
  toolchain,
  outputs: list(file, atMost(64)),
});
