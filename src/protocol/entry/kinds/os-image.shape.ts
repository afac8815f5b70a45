// Reads what os-image.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, nullable, object, oneOf } from "../../shape/containers.ts";
import { atLeast, atMost, boolean, matching, string } from "../../shape/scalars.ts";
import { rule } from "../../shape/shape.ts";
import { type Attachment, attachment } from "../attachment.shape.ts";
import {
  fileName,
  integer,
  name,
  positive,
  releaseVersion,
  sha256,
  sha384,
  tdxRegister,
  time,
  uuid,
} from "../fields.shape.ts";
import { PRINTABLE } from "../fields.ts";
import { type Derivation, derivation, type MeasuredEvent, measuredEvent } from "../measured-event.shape.ts";
import { type Builder, builder, type Provenance, provenance, type Source, source } from "../release.shape.ts";
import { differInBoot, listsEventsOnce } from "./os-image.ts";

export type RemovedFromTcb = {
  packages: string[];
  daemons: string[];
  kernelModules: string[];
};

export const removedFromTcb = object<RemovedFromTcb>({
  packages: list(string(atMost(128), matching(PRINTABLE), atLeast(1)), atMost(512)),
  daemons: list(string(atMost(128), matching(PRINTABLE), atLeast(1)), atMost(512)),
  kernelModules: list(string(atMost(128), matching(PRINTABLE), atLeast(1)), atMost(512)),
});

export type OsImage = {
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
  rootfs: {
    format: "erofs";
    /** SHA-256 of the whole image file */
    sha256: string;
    /** Length in bytes */
    size: number;
    /** Bytes */
    blockSize: number;
    uuid: string;
    /** Build time of the superblock */
    buildTime: string;
    /** Feature flags, unknown bits as hex */
    features: string[];
    mkfsArguments: string[];
    /** SOURCE_DATE_EPOCH of the build, seconds */
    sourceDateEpoch: number | null;
  };
  verity: {
    rootHash: string;
    algorithm: "sha256" | "sha384" | "sha512";
    salt: string;
    hashType: 1;
    /** Bytes */
    dataBlockSize: number;
    /** Bytes */
    hashBlockSize: number;
    dataBlocks: number;
    uuid: string | null;
  };
  uki: {
    /** Relative file name */
    fileName: string;
    /** SHA-256, lower-case hex */
    sha256: string;
    size: number;
    /** Authenticode digests; RTMR1 measures the SHA-384 */
    authenticode: {
      /** SHA-256, lower-case hex */
      sha256: string;
      /** SHA-384, lower-case hex */
      sha384: string;
    };
    /** Sections in file order, digests over VirtualSize bytes */
    sections: {
      name: string;
      size: number;
      /** SHA-256, lower-case hex */
      sha256: string;
      /** SHA-384, lower-case hex */
      sha384: string;
    }[];
    signatures: {
      /** Digest of the PKCS#7 blob */
      sha256: string;
      subject: string | null;
    }[];
  };
  commandLine: {
    text: string;
    /** SHA-384 of the UTF-16LE text with a final NUL, as the kernel's EFI stub measures it */
    measuredAs: string;
  };
  lockdown: "none" | "integrity" | "confidentiality";
  secureBoot: {
    enabled: boolean;
    pk: {
      /** SHA-256, lower-case hex */
      sha256: string;
      /** Digest of its EV_EFI_VARIABLE_DRIVER_CONFIG event */
      eventSha384: string;
    } | null;
    kek: {
      /** SHA-256, lower-case hex */
      sha256: string;
      /** Digest of its EV_EFI_VARIABLE_DRIVER_CONFIG event */
      eventSha384: string;
    } | null;
    db: {
      /** SHA-256, lower-case hex */
      sha256: string;
      /** Digest of its EV_EFI_VARIABLE_DRIVER_CONFIG event */
      eventSha384: string;
    } | null;
    dbx: {
      /** SHA-256, lower-case hex */
      sha256: string;
      /** Digest of its EV_EFI_VARIABLE_DRIVER_CONFIG event */
      eventSha384: string;
    } | null;
  };
  moduleSigning: {
    enforced: boolean;
    /** SHA-256 of each certificate that may sign modules */
    certificates: string[];
  };
  /** Reference to a kernel-patch-set entry */
  kernelPatchSet: {
    kind: "kernel-patch-set";
    /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
    name: string;
    /** Version, as its publisher writes it */
    version: string;
    /** SHA-256 of the referenced entry's DSSE payload */
    digest: string;
  };
  /** Reference to a driver-build entry */
  driverBuild: {
    kind: "driver-build";
    /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
    name: string;
    /** Version, as its publisher writes it */
    version: string;
    /** SHA-256 of the referenced entry's DSSE payload */
    digest: string;
  };
  /** Where the driver build and the GSP firmware are in the image; null: it was not checked */
  contents: {
    /** Program that unpacked the image */
    checkedWith: string;
    files: {
      role: "module" | "library" | "firmware";
      /** Absolute path in the image */
      path: string;
      /** SHA-256 of the file as it is there */
      sha256: string;
    }[];
  } | null;
  measurements: {
    bootPath: "uki-kernel" | "uki-disk";
    layout: "edk2-before-202411" | "edk2-202411" | "edk2-202505";
    /** 48-byte TDX register, lower-case hex */
    rtmr1: string;
    /** 48-byte TDX register, lower-case hex */
    rtmr2: string;
    /** computed: from artefacts alone; observed: on a machine, in a quote or event log */
    derivation: Derivation;
    /** The event log or artefacts that they come from */
    from: string;
    events: MeasuredEvent[] | null;
    /** The same list, where it does not fit */
    attachment: Attachment | null;
  }[];
  removedFromTcb: RemovedFromTcb;
};

export const osImage = object<OsImage>({
  name,
  version: releaseVersion,
  channel: name,
  svn: integer,
  builder,
  source,
  provenance: nullable(provenance),
  rootfs: object({
    format: oneOf("erofs"),
    sha256,
    size: positive,
    blockSize: positive,
    uuid,
    buildTime: time,
    features: list(string(atMost(64), matching(PRINTABLE), atLeast(1)), atMost(64)),
    mkfsArguments: list(string(atMost(256), matching(PRINTABLE), atLeast(1)), atMost(64)),
    sourceDateEpoch: nullable(integer),
  }),
  verity: object({
    rootHash: string(matching(/^(?:[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/)),
    algorithm: oneOf("sha256", "sha384", "sha512"),
    salt: string(matching(/^(?:[0-9a-f]{2}){0,256}$/)),
    hashType: oneOf(1),
    dataBlockSize: positive,
    hashBlockSize: positive,
    dataBlocks: positive,
    uuid: nullable(uuid),
  }),
  uki: object({
    fileName,
    sha256,
    size: positive,
    authenticode: object({
      sha256,
      sha384,
    }),
    sections: list(
      object({
        name: string(matching(/^[.A-Za-z0-9_$-]{1,8}$/)),
        size: integer,
        sha256,
        sha384,
      }),
      atMost(96),
    ),
    signatures: list(
      object({
        sha256,
        subject: nullable(string(atMost(512), matching(PRINTABLE), atLeast(1))),
      }),
      atMost(16),
    ),
  }),
  commandLine: object({
    text: string(atMost(4096), matching(PRINTABLE), atLeast(1)),
    measuredAs: sha384,
  }),
  lockdown: oneOf("none", "integrity", "confidentiality"),
  secureBoot: object({
    enabled: boolean(),
    pk: nullable(
      object({
        sha256,
        eventSha384: sha384,
      }),
    ),
    kek: nullable(
      object({
        sha256,
        eventSha384: sha384,
      }),
    ),
    db: nullable(
      object({
        sha256,
        eventSha384: sha384,
      }),
    ),
    dbx: nullable(
      object({
        sha256,
        eventSha384: sha384,
      }),
    ),
  }),
  moduleSigning: object({
    enforced: boolean(),
    certificates: list(sha256, atMost(16)),
  }),
  kernelPatchSet: object({
    kind: oneOf("kernel-patch-set"),
    name,
    version: releaseVersion,
    digest: sha256,
  }),
  driverBuild: object({
    kind: oneOf("driver-build"),
    name,
    version: releaseVersion,
    digest: sha256,
  }),
  contents: nullable(
    object({
      checkedWith: string(atMost(64), matching(PRINTABLE), atLeast(1)),
      files: list(
        object({
          role: oneOf("module", "library", "firmware"),
          path: string(atMost(512), matching(PRINTABLE), atLeast(1)),
          sha256,
        }),
        atMost(128),
      ),
    }),
  ),
  measurements: list(
    object(
      {
        bootPath: oneOf("uki-kernel", "uki-disk"),
        layout: oneOf("edk2-before-202411", "edk2-202411", "edk2-202505"),
        rtmr1: tdxRegister,
        rtmr2: tdxRegister,
        derivation,
        from: string(atMost(512), matching(PRINTABLE), atLeast(1)),
        events: nullable(list(measuredEvent, atMost(128))),
        attachment: nullable(attachment),
      },
      rule(listsEventsOnce, "events are listed or attached, not both"),
    ),
    atLeast(1),
    atMost(8),
    rule(differInBoot, "one of the rows is of a boot path and layout that another has"),
  ),
  removedFromTcb,
});
