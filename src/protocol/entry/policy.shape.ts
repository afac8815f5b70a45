// Reads what policy.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { either, list, nullable, object, oneOf } from "../shape/containers.ts";
import { atLeast, atMost, from, matching, safeInteger, string, upTo } from "../shape/scalars.ts";
import { rule } from "../shape/shape.ts";
import {
  hex16,
  integer,
  name,
  origin,
  positive,
  releaseVersion,
  sha256,
  sha384,
  tdxRegister,
  time,
} from "./fields.shape.ts";
import { differ, PRINTABLE } from "./fields.ts";
import {
  asksForSwitchesInPpcie,
  beginsBeforeItExpires,
  hasDistinctProfiles,
  isChained,
  knowsTheMode,
} from "./policy.ts";
import { type RebuildRule, rebuildRule } from "./rebuild-rule.shape.ts";

export type TdxRequirements = {
  bodies: ("1.0" | "1.5" | "1.5-extended")[];
  requiredAttributes: ("sept-ve-disable" | "not-migratable" | "reserved-zero" | "xfam-mandatory")[];
  /** 48-byte TDX register, lower-case hex */
  mrConfigId: string;
  /** 48-byte TDX register, lower-case hex */
  mrOwner: string;
  /** 48-byte TDX register, lower-case hex */
  mrOwnerConfig: string;
  rtmr3:
    | {
        mode: "zero";
      }
    | {
        mode: "exact";
        /** 48-byte TDX register, lower-case hex */
        value: string;
      }
    | {
        mode: "replay";
        /** The first events of RTMR3, in order; the event log must replay to the register and begin with them */
        events: {
          name: string;
          /** SHA-256, lower-case hex */
          payloadSha256: string;
        }[];
      };
  mrSeam:
    | {
        mode: "allow";
        values: string[];
      }
    | {
        mode: "intel-signed";
      };
  /** Lowest TEE_TCB_SVN, component by component */
  minTeeTcbSvn: string;
  /** Accepted TCB statuses, in Intel's words */
  tcbStatuses: (
    | "UpToDate"
    | "SWHardeningNeeded"
    | "ConfigurationNeeded"
    | "ConfigurationAndSWHardeningNeeded"
    | "OutOfDate"
  )[];
  minTcbEvaluationDataNumber: number;
  mrServiceTd: "zero" | "zero-or-not-shown";
  debug: false;
};

export const tdxRequirements = object<TdxRequirements>({
  bodies: list(oneOf("1.0", "1.5", "1.5-extended"), rule(differ, "members must differ"), atLeast(1)),
  requiredAttributes: list(
    oneOf("sept-ve-disable", "not-migratable", "reserved-zero", "xfam-mandatory"),
    rule(differ, "members must differ"),
  ),
  mrConfigId: tdxRegister,
  mrOwner: tdxRegister,
  mrOwnerConfig: tdxRegister,
  rtmr3: either(
    object({
      mode: oneOf("zero"),
    }),
    object({
      mode: oneOf("exact"),
      value: tdxRegister,
    }),
    object({
      mode: oneOf("replay"),
      events: list(
        object({
          name: string(atMost(128), matching(PRINTABLE), atLeast(1)),
          payloadSha256: sha256,
        }),
        atLeast(1),
        atMost(64),
      ),
    }),
  ),
  mrSeam: either(
    object({
      mode: oneOf("allow"),
      values: list(tdxRegister, atLeast(1), atMost(32)),
    }),
    object({
      mode: oneOf("intel-signed"),
    }),
  ),
  minTeeTcbSvn: hex16,
  tcbStatuses: list(
    oneOf(
      "UpToDate",
      "SWHardeningNeeded",
      "ConfigurationNeeded",
      "ConfigurationAndSWHardeningNeeded",
      "OutOfDate",
    ),
    atLeast(1),
  ),
  minTcbEvaluationDataNumber: positive,
  mrServiceTd: oneOf("zero", "zero-or-not-shown"),
  debug: oneOf(false),
});

export type SwitchRequirements = {
  count: number;
  vbiosVersions: string[];
  /** tableDigest of each switch-rim that may be used */
  rimTables: string[];
};

export const switchRequirements = object<SwitchRequirements>({
  count: safeInteger(from(1), upTo(16)),
  vbiosVersions: list(string(atMost(64), matching(PRINTABLE), atLeast(1)), atLeast(1), atMost(16)),
  rimTables: list(sha256, atLeast(1), atMost(16)),
});

export type GpuRequirements = {
  count: number;
  architecture: "hopper" | "blackwell" | "rubin";
  /** single: each passed through for itself; ppcie: all of a board, with the switches between them */
  mode: "single" | "ppcie";
  modeNotStated: "accept" | "reject";
  /** The NVSwitches between the GPUs; null for single, and only then */
  switches: SwitchRequirements | null;
  driverVersions: string[];
  vbiosVersions: string[];
  /** tableDigest of each gpu-rim that may be used */
  rimTables: string[];
  fwids: string[];
  ccMode: "on";
  devtools: false;
  /** Of the switches, too */
  revocation: "ocsp-stapled" | "crl" | "not-required";
};

export const gpuRequirements = object<GpuRequirements>({
  count: safeInteger(from(1), upTo(16)),
  architecture: oneOf("hopper", "blackwell", "rubin"),
  mode: oneOf("single", "ppcie"),
  modeNotStated: oneOf("accept", "reject"),
  switches: nullable(switchRequirements),
  driverVersions: list(string(atMost(64), matching(PRINTABLE), atLeast(1)), atLeast(1), atMost(16)),
  vbiosVersions: list(string(atMost(64), matching(PRINTABLE), atLeast(1)), atLeast(1), atMost(16)),
  rimTables: list(sha256, atLeast(1), atMost(32)),
  fwids: list(sha384, atLeast(1), atMost(32)),
  ccMode: oneOf("on"),
  devtools: oneOf(false),
  revocation: oneOf("ocsp-stapled", "crl", "not-required"),
});

export type Profile = {
  /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
  id: string;
  platforms: {
    kind: "platform";
    /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
    name: string;
    /** Version, as its publisher writes it */
    version: string;
    /** SHA-256 of the referenced entry's DSSE payload */
    digest: string;
  }[];
  /** Reference to a os-image entry */
  osImage: {
    kind: "os-image";
    /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
    name: string;
    /** Version, as its publisher writes it */
    version: string;
    /** SHA-256 of the referenced entry's DSSE payload */
    digest: string;
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
  /** Reference to a gsp-firmware entry */
  gspFirmware: {
    kind: "gsp-firmware";
    /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
    name: string;
    /** Version, as its publisher writes it */
    version: string;
    /** SHA-256 of the referenced entry's DSSE payload */
    digest: string;
  };
  gpuRims: {
    kind: "gpu-rim";
    /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
    name: string;
    /** Version, as its publisher writes it */
    version: string;
    /** SHA-256 of the referenced entry's DSSE payload */
    digest: string;
  }[];
  switchRims: {
    kind: "switch-rim";
    /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
    name: string;
    /** Version, as its publisher writes it */
    version: string;
    /** SHA-256 of the referenced entry's DSSE payload */
    digest: string;
  }[];
  /** How the image is started: which of its measurements count */
  bootPath: "uki-kernel" | "uki-disk";
  tdx: TdxRequirements;
  gpu: GpuRequirements;
  binding: {
    format: "touchstone-binding/v1" | "ccc-ra-tls" | "dstack-ratls" | "contrast-atls";
    channel: "tls-spki" | "hpke";
    /** nonce: REPORTDATA holds the verifier's challenge; boot: evidence of the boot */
    freshness: "nonce" | "boot";
  };
};

export const profile = object<Profile>(
  {
    id: name,
    platforms: list(
      object({
        kind: oneOf("platform"),
        name,
        version: releaseVersion,
        digest: sha256,
      }),
      atLeast(1),
      atMost(64),
    ),
    osImage: object({
      kind: oneOf("os-image"),
      name,
      version: releaseVersion,
      digest: sha256,
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
    gspFirmware: object({
      kind: oneOf("gsp-firmware"),
      name,
      version: releaseVersion,
      digest: sha256,
    }),
    gpuRims: list(
      object({
        kind: oneOf("gpu-rim"),
        name,
        version: releaseVersion,
        digest: sha256,
      }),
      atLeast(1),
      atMost(16),
    ),
    switchRims: list(
      object({
        kind: oneOf("switch-rim"),
        name,
        version: releaseVersion,
        digest: sha256,
      }),
      atLeast(0),
      atMost(16),
    ),
    bootPath: oneOf("uki-kernel", "uki-disk"),
    tdx: tdxRequirements,
    gpu: gpuRequirements,
    binding: object({
      format: oneOf("touchstone-binding/v1", "ccc-ra-tls", "dstack-ratls", "contrast-atls"),
      channel: oneOf("tls-spki", "hpke"),
      freshness: oneOf("nonce", "boot"),
    }),
  },
  rule(
    asksForSwitchesInPpcie,
    "gpu.switches is null for the mode single, and only then; switchRims is empty where it is",
  ),
  rule(knowsTheMode, 'ppcie needs modeNotStated "reject"'),
);

export type SvnFloor = {
  platform: number;
  "os-image": number;
  "kernel-patch-set": number;
  "driver-build": number;
  "gsp-firmware": number;
  "gpu-rim": number;
  "switch-rim": number;
};

export const svnFloor = object<SvnFloor>({
  platform: integer,
  "os-image": integer,
  "kernel-patch-set": integer,
  "driver-build": integer,
  "gsp-firmware": integer,
  "gpu-rim": integer,
  "switch-rim": integer,
});

/** Which whole release sets are acceptable */
export type Policy = {
  /** Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes */
  name: string;
  /** Origin line of the log's checkpoints (C2SP tlog-checkpoint) */
  origin: string;
  version: number;
  /** Payload digest of version - 1; null for 1 */
  previous: string | null;
  /** RFC 3339, UTC, seconds */
  validFrom: string;
  /** RFC 3339, UTC, seconds */
  expires: string;
  /** Lowest acceptable svn of each kind */
  svnFloor: SvnFloor;
  /** Rebuilds by third parties; null: none are asked for */
  rebuilds: RebuildRule | null;
  profiles: Profile[];
};

export const policy = object<Policy>(
  {
    name,
    origin,
    version: positive,
    previous: nullable(sha256),
    validFrom: time,
    expires: time,
    svnFloor,
    rebuilds: nullable(rebuildRule),
    profiles: list(profile, atLeast(1), atMost(32)),
  },
  rule(beginsBeforeItExpires, "validFrom must be before expires"),
  rule(hasDistinctProfiles, "profile ids must differ"),
  rule(isChained, "previous is null for version 1 and only then"),
);
