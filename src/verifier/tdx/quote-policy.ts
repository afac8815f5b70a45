// Checks what a genuine quote must show beyond being genuine: form, TCB status, floors, attributes, no debug TD, no service TD, the TDX
// module (docs/appraisal.md §4). A field that the quote's form lacks is said to be not shown, and passes only where the policy says so.

import { decodeHex } from "../../protocol/encoding/hex.ts";
import { TDX_BODIES, type TdxRequirements } from "../../protocol/entry/policy.ts";
import { type Check, CheckList } from "../check-list.ts";
import { brokenAttributeRules, warningOfRule } from "./attribute-rules.ts";
import type { TdReport, TdxQuote } from "./quote.ts";
import type { TcbResult } from "./tcb.ts";
import { TDX_POLICY_CHECKS } from "./tdx-checks.ts";
import type { TdxResult } from "./verify-quote.ts";

/** The part of a profile's `tdx` that needs no log entry and no event log. */
export type TdxPolicy = Pick<
  TdxRequirements,
  | "bodies"
  | "requiredAttributes"
  | "tcbStatuses"
  | "minTcbEvaluationDataNumber"
  | "minTeeTcbSvn"
  | "mrSeam"
  | "mrServiceTd"
  | "debug"
>;

/**
 * What is asked of a quote alone: an up-to-date platform, no debug TD, no service TD that the quote shows, any TDX module of Intel's that
 * the collateral knows. What it does not ask for, `tdxWarnings` says.
 */
export const QUOTE_ALONE_POLICY: TdxPolicy = {
  bodies: [...TDX_BODIES],
  requiredAttributes: [],
  tcbStatuses: ["UpToDate"],
  minTcbEvaluationDataNumber: 1,
  minTeeTcbSvn: "00".repeat(16),
  mrSeam: { mode: "intel-signed" },
  mrServiceTd: "zero-or-not-shown",
  debug: false,
};

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
    checkForm(checks, result.quote, policy);
    checkBody(checks, result.quote.body, policy);
    checkAttributes(checks, result.quote, policy);
    checkServiceTds(checks, result.quote, policy);
  }
  return checks.checks;
}

/** What a quote shows, or cannot show, that this policy lets pass: one sentence each. */
export function tdxWarnings(
  { body, attributes, extended }: Pick<TdxQuote, "body" | "attributes" | "extended">,
  policy: TdxPolicy,
): string[] {
  const broken = brokenAttributeRules(attributes).filter((rule) => !policy.requiredAttributes.includes(rule));
  const unknown = Object.entries(extended ?? {}).flatMap(([field, value]) =>
    /ServiceTd/.test(field) || /^0*$/.test(value) ? [] : [field],
  );
  const silent = body.mrServiceTd === null && policy.mrServiceTd === "zero-or-not-shown";
  return [
    ...broken.map(warningOfRule),
    ...(silent ? ["MRSERVICETD is not shown by this quote: a service TD may be bound to the TD"] : []),
    ...(unknown.length === 0 ? [] : [`compared with nothing, and not zero: ${unknown.join(", ")}`]),
  ];
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
  const svns = body.teeTcbSvn2 === null ? [body.teeTcbSvn] : [body.teeTcbSvn, body.teeTcbSvn2];
  passOrFail(
    checks,
    "tdx.policy.tee-tcb-svn",
    svns.every((svn) => reaches(svn, minTeeTcbSvn)),
    {
      expected: `at least ${minTeeTcbSvn}`,
      actual: `${body.teeTcbSvn} at launch, now ${body.teeTcbSvn2 ?? NOT_SHOWN}`,
      detail: "every component of TEE_TCB_SVN, and of TEE_TCB_SVN_2 where it is shown, must reach the floor",
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

function checkForm(checks: PolicyChecks, { bodyForm }: TdxQuote, { bodies }: TdxPolicy): void {
  passOrFail(checks, "tdx.policy.body", bodies.includes(bodyForm), {
    expected: bodies.join(" or "),
    actual: bodyForm,
    detail: "the form of the TD report says which fields it can show",
  });
}

function checkAttributes(
  checks: PolicyChecks,
  { body, attributes }: TdxQuote,
  { requiredAttributes }: TdxPolicy,
): void {
  const broken = brokenAttributeRules(attributes).filter((rule) => requiredAttributes.includes(rule));
  passOrFail(checks, "tdx.policy.attributes", broken.length === 0, {
    expected: requiredAttributes.join(", ") || "nothing beyond the platform's",
    actual: `TD_ATTRIBUTES ${body.tdAttributes}, XFAM ${body.xfam}`,
    detail: broken.map(warningOfRule).join("; ") || "every attribute that is required is there",
  });
}

const NOT_SHOWN = "not shown by this quote";

/** An extended body tells of service TDs that are bound now, and of those that were bound when the TD was first built, maybe elsewhere. */
function checkServiceTds(
  checks: PolicyChecks,
  { body, extended }: TdxQuote,
  { mrServiceTd }: TdxPolicy,
): void {
  const bound = extended && {
    "initial service TD": extended.initialServiceTdHash + extended.initialServiceTdAttributes,
    "current service TD": extended.currentServiceTdHash + extended.currentServiceTdAttributes,
  };
  const shown = Object.entries({ MRSERVICETD: body.mrServiceTd ?? "", ...bound });
  const other = shown.filter(([, value]) => !/^0*$/.test(value));
  const silenceAccepted = mrServiceTd === "zero-or-not-shown";
  const good = other.length === 0 && (body.mrServiceTd !== null || silenceAccepted);
  passOrFail(checks, "tdx.policy.service-td", good, {
    expected: `${shown.map(([name]) => name).join(", ")} zero${silenceAccepted ? ", or not shown" : ""}`,
    actual: other.map(([name, value]) => `${name} ${value}`).join(", ") || (body.mrServiceTd ?? NOT_SHOWN),
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
