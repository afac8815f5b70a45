// Names every check of an appraisal, and puts those that were made in the order of the list.
import { type Check, CheckList } from "../check-list.ts";
import {
  GPU_POLICY_CHECKS,
  GPU_REPORT_CHECKS,
  SWITCH_POLICY_CHECKS,
  SWITCH_REPORT_CHECKS,
  TOPOLOGY_CHECKS,
} from "../nvidia/device-checks.ts";
import { TDX_CHECKS, TDX_POLICY_CHECKS } from "../tdx/tdx-checks.ts";
import { BUNDLE_CHECKS } from "./bundle-in-time.ts";

export const EVIDENCE_CHECKS = ["evidence.format", "evidence.event-log"] as const;

export const TUPLE_CHECKS = [
  "tuple.mrtd",
  "tuple.rtmr0",
  "tuple.td-attributes",
  "tuple.xfam",
  "tuple.rtmr1",
  "tuple.rtmr2",
  "tuple.rtmr3",
  "tuple.mr-config-id",
  "tuple.mr-owner",
  "tuple.mr-owner-config",
] as const;

export const BINDING_CHECKS = [
  "binding.channel",
  "binding.nonce",
  "binding.report-data",
  "binding.claims",
] as const;

/**
 * Every check of an appraisal, in order. docs/appraisal.md says of each what it shows and which specification it follows.
 * @example
 * ```ts
 * import { APPRAISAL_CHECKS } from "touchstone/verifier";
 * const isCheck = (id: string): boolean => APPRAISAL_CHECKS.some((known) => known === id);
 * ```
 */
export const APPRAISAL_CHECKS = [
  ...BUNDLE_CHECKS,
  ...EVIDENCE_CHECKS,
  ...TDX_CHECKS,
  ...TDX_POLICY_CHECKS,
  ...TUPLE_CHECKS,
  ...GPU_REPORT_CHECKS,
  ...GPU_POLICY_CHECKS,
  ...SWITCH_REPORT_CHECKS,
  ...SWITCH_POLICY_CHECKS,
  ...TOPOLOGY_CHECKS,
  ...BINDING_CHECKS,
] as const;

/** Every check of APPRAISAL_CHECKS, once: those that nobody made are there as not evaluated. */
export function inOrder(evaluated: readonly Check[]): Check[] {
  const byId = new Map(evaluated.map((check) => [check.id, check]));
  const missing = new CheckList(APPRAISAL_CHECKS).checks;
  return missing.map((check) => byId.get(check.id) ?? check);
}
