// Makes the predicates of a policy, a revocation and a status.
import { formatTime } from "../../src/protocol/entry/fields.ts";
import type { Predicate } from "../../src/protocol/entry/kinds.ts";
import { parseStatement, type StatementOf } from "../../src/protocol/envelope/statement.ts";
import { draftStatus } from "../../src/protocol/registration/draft-status.ts";
import type { InForce } from "../../src/protocol/registration/in-force.ts";
import { NOW } from "./clock.ts";
import { sha256Of, sha384Of } from "./release-predicates.ts";
import type { ReleaseSet } from "./release-set.ts";
import { referenceOf } from "./signing.ts";
import { ORIGIN } from "./witnesses.ts";

export function policyPredicate(
  set: ReleaseSet,
  change: Partial<Predicate<"policy">> = {},
  now: Date = NOW,
): Predicate<"policy"> {
  const zero = "0".repeat(96);
  return {
    name: "production",
    origin: ORIGIN,
    version: 1,
    previous: null,
    validFrom: formatTime(new Date(now.getTime() - 3_600_000)),
    expires: formatTime(new Date(now.getTime() + 30 * 86_400_000)),
    svnFloor: {
      "os-image": 0,
      "kernel-patch-set": 0,
      "driver-build": 0,
      "gsp-firmware": 0,
      "gpu-rim": 0,
      "switch-rim": 0,
      platform: 0,
    },
    rebuilds: null,
    profiles: [
      {
        id: "h100",
        platforms: [referenceOf(set.platform)],
        osImage: referenceOf(set.image),
        kernelPatchSet: referenceOf(set.kernel),
        driverBuild: referenceOf(set.driver),
        gspFirmware: referenceOf(set.gsp),
        gpuRims: [referenceOf(set.rim)],
        switchRims: [],
        bootPath: "uki-kernel",
        tdx: {
          mrConfigId: zero,
          mrOwner: zero,
          mrOwnerConfig: zero,
          rtmr3: { mode: "zero" },
          mrSeam: { mode: "intel-signed" },
          minTeeTcbSvn: "0".repeat(32),
          tcbStatuses: ["UpToDate"],
          minTcbEvaluationDataNumber: 1,
          bodies: ["1.0", "1.5"],
          requiredAttributes: ["sept-ve-disable", "not-migratable", "reserved-zero", "xfam-mandatory"],
          mrServiceTd: "zero-or-not-shown",
          debug: false,
        },
        gpu: {
          count: 1,
          architecture: "hopper",
          mode: "single",
          modeNotStated: "reject",
          switches: null,
          driverVersions: ["580.95.05"],
          vbiosVersions: ["96.00.9F.00.01"],
          rimTables: [sha256Of("table")],
          fwids: [sha384Of("fwid")],
          ccMode: "on",
          devtools: false,
          revocation: "ocsp-stapled",
        },
        binding: { format: "touchstone-binding/v1", channel: "tls-spki", freshness: "nonce" },
      },
    ],
    ...change,
  };
}

export function revocationPredicate(change: Partial<Predicate<"revocation">>): Predicate<"revocation"> {
  return {
    name: "cve",
    version: "1",
    origin: ORIGIN,
    digests: [],
    keys: [],
    identities: [],
    reason: "a test",
    advisory: null,
    ...change,
  };
}

/** The true status of a state, good for a day; `change` makes it lie. */
export function statusPredicate(
  inForce: InForce,
  change: Partial<Predicate<"status">> = {},
  now: Date = NOW,
): Predicate<"status"> {
  const { predicate } = parseStatement(draftStatus(inForce, now)) as StatementOf<"status">;
  return { ...predicate, expires: formatTime(new Date(now.getTime() + 86_400_000)), ...change };
}
