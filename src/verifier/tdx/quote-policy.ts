// Checks what a genuine quote must show beyond being genuine: TCB status, floors, no debug TD, no service TD, the TDX module (docs/appraisal.md §4).

import { decodeHex } from "../../protocol/encoding/hex.ts";
import type { TdxRequirements } from "../../protocol/entry/policy.ts";
import { type Check, CheckList } from "../check-list.ts";
import type { TdReport, TdxQuote } from "./quote.ts";
import type { TcbResult } from "./tcb.ts";
import type { TdxResult } from "./verify-quote.ts";

/** The part of a profile's `tdx` that needs no log entry and no event log. */
export type TdxPolicy = Pick<
  TdxRequirements,
  "tcbStatuses" | "minTcbEvaluationDataNumber" | "minTeeTcbSvn" | "mrSeam" | "mrServiceTd" | "debug"
>;

/** Only an up-to-date platform, no debug TD, no service TD, any TDX module of Intel's that the collateral knows. */
export const STRICT_TDX_POLICY: TdxPolicy = {
  tcbStatuses: ["UpToDate"],
  minTcbEvaluationDataNumber: 1,
  minTeeTcbSvn: "00".repeat(16),
  mrSeam: { mode: "intel-signed" },
  mrServiceTd: "zero",
  debug: false,
};

export const TDX_POLICY_CHECKS = [
  "tdx.policy.tcb-status",
  "tdx.policy.tcb-evaluation-data-number",
  "tdx.policy.tee-tcb-svn",
  "tdx.policy.mr-seam",
  "tdx.policy.debug",
  "tdx.policy.service-td",
] as const;

/**
 * Makes every check of the policy that the result has the data for; those that it has not stay "not-evaluated". Says nothing about
 * whether the quote is genuine: `result.accepted` does, and a quote must have both.
 */
export function checkTdxPolicy(result: TdxResult, policy: TdxPolicy): Check[] {
  const checks = new CheckList(TDX_POLICY_CHECKS);
  if (result.tcb !== null) {
    checkTcb(checks, result.tcb, policy);
  }
  if (result.quote !== null) {
    checkBody(checks, result.quote.body, policy);
    checkServiceTds(checks, result.quote);
  }
  return checks.checks;
}

type PolicyChecks = CheckList<(typeof TDX_POLICY_CHECKS)[number]>;

function checkTcb(checks: PolicyChecks, tcb: TcbResult, policy: TdxPolicy): void {
  const accepted: readonly string[] = policy.tcbStatuses;
  const parts = `platform ${tcb.platform}, TDX module ${tcb.tdxModule ?? "part of it"}, quoting enclave ${tcb.quotingEnclave}`;
  passOrFail(checks, "tdx.policy.tcb-status", accepted.includes(tcb.status), {
    expected: accepted.join(" or "),
    actual: tcb.status,
    detail: [parts, ...tcb.advisoryIds].join(", "),
  });
  const number = tcb.tcbEvaluationDataNumber;
  passOrFail(checks, "tdx.policy.tcb-evaluation-data-number", number >= policy.minTcbEvaluationDataNumber, {
    expected: `at least ${policy.minTcbEvaluationDataNumber}`,
    actual: String(number),
    detail: `the collateral is Intel's TCB evaluation ${number}`,
  });
}

function checkBody(checks: PolicyChecks, body: TdReport, { minTeeTcbSvn, mrSeam }: TdxPolicy): void {
  const svns = [body.teeTcbSvn, ...(body.teeTcbSvn2 === null ? [] : [body.teeTcbSvn2])];
  passOrFail(
    checks,
    "tdx.policy.tee-tcb-svn",
    svns.every((svn) => reaches(svn, minTeeTcbSvn)),
    {
      expected: `at least ${minTeeTcbSvn}`,
      actual: svns.join(" at launch, now "),
      detail: "every component of TEE_TCB_SVN, and of TEE_TCB_SVN_2 where there is one, must reach the floor",
    },
  );
  passOrFail(
    checks,
    "tdx.policy.mr-seam",
    mrSeam.mode === "intel-signed" || mrSeam.values.includes(body.mrSeam),
    {
      expected: mrSeam.mode === "allow" ? mrSeam.values.join(" or ") : "any module that the collateral lists",
      actual: body.mrSeam,
      detail: "MRSEAM is the SHA-384 of the TDX module",
    },
  );
  // Bits 0 to 7 are the TUD group: any of them makes the TD untrusted; bit 0 is DEBUG (Intel TDX Module Base Specification, ATTRIBUTES).
  passOrFail(checks, "tdx.policy.debug", body.tdAttributes.startsWith("00"), {
    expected: "TD_ATTRIBUTES bits 0 to 7 zero",
    actual: body.tdAttributes,
    detail: "the host can read the memory of a debug TD",
  });
}

/** An extended body tells of service TDs that are bound now, and of those that were bound when the TD was first built, maybe elsewhere. */
function checkServiceTds(checks: PolicyChecks, { body, extended }: TdxQuote): void {
  const bound = extended && {
    "initial service TD": extended.initialServiceTdHash + extended.initialServiceTdAttributes,
    "current service TD": extended.currentServiceTdHash + extended.currentServiceTdAttributes,
  };
  const shown = Object.entries({ MRSERVICETD: body.mrServiceTd ?? "", ...bound });
  const other = shown.filter(([, value]) => !/^0*$/.test(value));
  passOrFail(checks, "tdx.policy.service-td", other.length === 0, {
    expected: `${shown.map(([name]) => name).join(", ")} zero`,
    actual:
      other.map(([name, value]) => `${name} ${value}`).join(", ") ||
      (body.mrServiceTd ?? "none in a TDX 1.0 body"),
    detail: "a service TD could migrate this TD or change its state",
  });
}

function reaches(svn: string, floor: string): boolean {
  const lowest = decodeHex(floor);
  return decodeHex(svn).every((component, i) => component >= (lowest[i] ?? 255));
}

function passOrFail(
  checks: PolicyChecks,
  id: (typeof TDX_POLICY_CHECKS)[number],
  good: boolean,
  finding: { expected: string; actual: string; detail: string },
): void {
  if (good) checks.pass(id, finding);
  else checks.fail(id, finding);
}
