// Reads what requirements.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { hex16, integer, positive, sha256, sha384, tdxRegister } from "../../protocol/entry/fields.shape.ts";
import { differ, PRINTABLE } from "../../protocol/entry/fields.ts";
import { type RebuildRule, rebuildRule } from "../../protocol/entry/rebuild-rule.shape.ts";
import { either, list, nullable, object, oneOf, optional } from "../../protocol/shape/containers.ts";
import { atLeast, atMost, from, matching, safeInteger, string, upTo } from "../../protocol/shape/scalars.ts";
import { rule } from "../../protocol/shape/shape.ts";

export type Requirements = {
  bootPath?: "uki-kernel" | "uki-disk" | undefined;
  rebuilds?: RebuildRule | null | undefined;
  tdx: {
    bodies: ("1.0" | "1.5" | "1.5-extended")[];
    requiredAttributes?:
      | ("sept-ve-disable" | "not-migratable" | "reserved-zero" | "xfam-mandatory")[]
      | undefined;
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
  gpu: {
    count?: number | undefined;
    architecture: "hopper" | "blackwell" | "rubin";
    mode?: "single" | "ppcie" | undefined;
    modeNotStated?: "accept" | "reject" | undefined;
    switches?:
      | {
          count: number;
          vbiosVersions?: string[] | undefined;
          rimTables?: string[] | undefined;
        }
      | null
      | undefined;
    driverVersions?: string[] | undefined;
    vbiosVersions?: string[] | undefined;
    rimTables?: string[] | undefined;
    fwids?: string[] | undefined;
    ccMode?: "on" | undefined;
    devtools?: false | undefined;
    /** Of the switches, too */
    revocation: "ocsp-stapled" | "crl" | "not-required";
  };
  binding: {
    format: "touchstone-binding/v1" | "ccc-ra-tls" | "dstack-ratls" | "contrast-atls";
    channel: "tls-spki" | "hpke";
    /** nonce: REPORTDATA holds the verifier's challenge; boot: evidence of the boot */
    freshness: "nonce" | "boot";
  };
};

export const requirements = object<Requirements>({
  bootPath: optional(oneOf("uki-kernel", "uki-disk")),
  rebuilds: optional(nullable(rebuildRule)),
  tdx: object({
    bodies: list(oneOf("1.0", "1.5", "1.5-extended"), rule(differ, "members must differ"), atLeast(1)),
    requiredAttributes: optional(
      list(
        oneOf("sept-ve-disable", "not-migratable", "reserved-zero", "xfam-mandatory"),
        rule(differ, "members must differ"),
      ),
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
  }),
  gpu: object({
    count: optional(safeInteger(from(1), upTo(16))),
    architecture: oneOf("hopper", "blackwell", "rubin"),
    mode: optional(oneOf("single", "ppcie")),
    modeNotStated: optional(oneOf("accept", "reject")),
    switches: optional(
      nullable(
        object({
          count: safeInteger(from(1), upTo(16)),
          vbiosVersions: optional(
            list(string(atMost(64), matching(PRINTABLE), atLeast(1)), atLeast(1), atMost(16)),
          ),
          rimTables: optional(list(sha256, atLeast(1), atMost(16))),
        }),
      ),
    ),
    driverVersions: optional(
      list(string(atMost(64), matching(PRINTABLE), atLeast(1)), atLeast(1), atMost(16)),
    ),
    vbiosVersions: optional(
      list(string(atMost(64), matching(PRINTABLE), atLeast(1)), atLeast(1), atMost(16)),
    ),
    rimTables: optional(list(sha256, atLeast(1), atMost(32))),
    fwids: optional(list(sha384, atLeast(1), atMost(32))),
    ccMode: optional(oneOf("on")),
    devtools: optional(oneOf(false)),
    revocation: oneOf("ocsp-stapled", "crl", "not-required"),
  }),
  binding: object({
    format: oneOf("touchstone-binding/v1", "ccc-ra-tls", "dstack-ratls", "contrast-atls"),
    channel: oneOf("tls-spki", "hpke"),
    freshness: oneOf("nonce", "boot"),
  }),
});

export type RaisedFloor = {
  platform?: number | undefined;
  "os-image"?: number | undefined;
  "kernel-patch-set"?: number | undefined;
  "driver-build"?: number | undefined;
  "gsp-firmware"?: number | undefined;
  "gpu-rim"?: number | undefined;
  "switch-rim"?: number | undefined;
};

export const raisedFloor = object<RaisedFloor>({
  platform: optional(integer),
  "os-image": optional(integer),
  "kernel-patch-set": optional(integer),
  "driver-build": optional(integer),
  "gsp-firmware": optional(integer),
  "gpu-rim": optional(integer),
  "switch-rim": optional(integer),
});
