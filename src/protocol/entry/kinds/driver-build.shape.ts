// Reads what driver-build.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, nullable, object, oneOf } from "../../shape/containers.ts";
import { atLeast, atMost, matching, string } from "../../shape/scalars.ts";
import {
  fileName,
  gitCommit,
  integer,
  name,
  positive,
  releaseVersion,
  sha256,
  sha384,
} from "../fields.shape.ts";
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

export type DriverBuild = {
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
  upstream: {
    version: string;
    tag: string | null;
    commit: string | null;
  };
  patches: PatchSeries;
  /** Reference to a kernel-patch-set entry */
  kernel: {
    kind: "kernel-patch-set";
    /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
    name: string;
    /** Version, as its publisher writes it */
    version: string;
    /** SHA-256 of the referenced entry's DSSE payload */
    digest: string;
  };
  vermagic: string;
  modules: {
    /** Relative file name */
    fileName: string;
    /** SHA-256 of the file as shipped */
    sha256: string;
    size: number;
    /** SHA-256 of the uncompressed ELF file */
    uncompressedSha256: string;
    version: string | null;
    srcversion: string | null;
    vermagic: string;
    depends: string[];
    /** Signer name of the appended signature; null: not signed */
    signer: string | null;
  }[];
  /** Libraries that gate confidential computing, libnvidia-pkcs11*.so */
  libraries: File[];
  toolchain: Toolchain;
  /** Driver RIM that the GPU's measurements will match */
  rim: {
    id: string;
    sha256: string | null;
  } | null;
  ccFirmware: {
    /** Module or source file that holds it */
    foundIn: string;
    /** SHA-384, lower-case hex */
    sha384: string;
    size: number;
  }[];
  /** As a host reported it; observed, not proven */
  observed: {
    driverVersion: string;
    modules: {
      name: string;
      srcversion: string | null;
    }[];
    gpus: {
      product: string;
      vbiosVersion: string;
      gspFirmwareVersion: string | null;
      ccState: string | null;
    }[];
    firmwareFiles: File[];
  } | null;
};

export const driverBuild = object<DriverBuild>({
  name,
  version: releaseVersion,
  channel: name,
  svn: integer,
  builder,
  source,
  provenance: nullable(provenance),
  upstream: object({
    version: string(atMost(64), matching(PRINTABLE), atLeast(1)),
    tag: nullable(string(atMost(128), matching(PRINTABLE), atLeast(1))),
    commit: nullable(gitCommit),
  }),
  patches: patchSeries,
  kernel: object({
    kind: oneOf("kernel-patch-set"),
    name,
    version: releaseVersion,
    digest: sha256,
  }),
  vermagic: string(atMost(256), matching(PRINTABLE), atLeast(1)),
  modules: list(
    object({
      fileName,
      sha256,
      size: positive,
      uncompressedSha256: sha256,
      version: nullable(string(atMost(128), matching(PRINTABLE), atLeast(1))),
      srcversion: nullable(string(atMost(64), matching(PRINTABLE), atLeast(1))),
      vermagic: string(atMost(256), matching(PRINTABLE), atLeast(1)),
      depends: list(string(atMost(64), matching(PRINTABLE), atLeast(1)), atMost(64)),
      signer: nullable(string(atMost(256), matching(PRINTABLE), atLeast(1))),
    }),
    atLeast(1),
    atMost(32),
  ),
  libraries: list(file, atMost(32)),
  toolchain,
  rim: nullable(
    object({
      id: string(atMost(128), matching(PRINTABLE), atLeast(1)),
      sha256: nullable(sha256),
    }),
  ),
  ccFirmware: list(
    object({
      foundIn: string(atMost(256), matching(PRINTABLE), atLeast(1)),
      sha384,
      size: positive,
    }),
    atMost(16),
  ),
  observed: nullable(
    object({
      driverVersion: string(atMost(64), matching(PRINTABLE), atLeast(1)),
      modules: list(
        object({
          name: string(atMost(64), matching(PRINTABLE), atLeast(1)),
          srcversion: nullable(string(atMost(64), matching(PRINTABLE), atLeast(1))),
        }),
        atMost(32),
      ),
      gpus: list(
        object({
          product: string(atMost(128), matching(PRINTABLE), atLeast(1)),
          vbiosVersion: string(atMost(64), matching(PRINTABLE), atLeast(1)),
          gspFirmwareVersion: nullable(string(atMost(64), matching(PRINTABLE), atLeast(1))),
          ccState: nullable(string(atMost(64), matching(PRINTABLE), atLeast(1))),
        }),
        atMost(32),
      ),
      firmwareFiles: list(file, atMost(32)),
    }),
  ),
});
