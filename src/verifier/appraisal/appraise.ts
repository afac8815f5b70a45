// Appraises one machine: does its evidence match the policy? Every check is named, the set of checks is fixed before any is made,
// and only a verdict whose every check passed is "trusted".

import type { Profile } from "../../protocol/entry/policy.ts";
import { stepOf } from "../bundle/bundle-error.ts";
import { rebuildWarnings } from "../bundle/rebuilds.ts";
import type { VerifyBundleOptions } from "../bundle/trust-pin.ts";
import { type VerifiedBundle, verifyBundle } from "../bundle/verify-bundle.ts";
import { type Check, CheckList } from "../check-list.ts";
import { type Evidence, parseEvidence } from "../evidence.ts";
import { GPU_POLICY_CHECKS, gpuWarnings } from "../nvidia/gpu-policy.ts";
import { SWITCH_POLICY_CHECKS } from "../nvidia/switch-policy.ts";
import { TOPOLOGY_CHECKS } from "../nvidia/topology.ts";
import {
  GPU_REPORT_CHECKS,
  type GpuResult,
  mergeGpuChecks,
  verifyGpuReport,
} from "../nvidia/verify-report.ts";
import {
  mergeSwitchChecks,
  SWITCH_REPORT_CHECKS,
  type SwitchResult,
  verifySwitchReport,
} from "../nvidia/verify-switch.ts";
import { gpuRequestNonce } from "../ra-tls/binding.ts";
import { parseEventLog } from "../tdx/event-log.ts";
import type { EventLog } from "../tdx/logged-event.ts";
import { checkTdxPolicy, TDX_POLICY_CHECKS, tdxWarnings } from "../tdx/quote-policy.ts";
import { TDX_CHECKS, type TdxResult, verifyTdxQuote } from "../tdx/verify-quote.ts";
import type { VerifiedCache } from "../verified-cache.ts";
import { SignatureMemo } from "../x509/signature-memo.ts";
import type { Window } from "../x509/validity.ts";
import { BUNDLE_CHECKS, BUNDLE_STEPS, bundleChecks, bundleEnds } from "./bundle-in-time.ts";
import { BINDING_CHECKS, type Channel, checkBinding } from "./channel-binding.ts";
import { checkDevices, type ProfileChecks } from "./check-devices.ts";
import { candidatesOf, checkTuple, derivationsOf, TUPLE_CHECKS } from "./tuple.ts";
import { isTrusted, type Verdict } from "./verdict.ts";

const EVIDENCE_CHECKS = ["evidence.format", "evidence.event-log"] as const;

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

/**
 * @example
 * ```ts
 * import type { AppraiseOptions } from "touchstone/verifier";
 * const options = (nonce: Uint8Array, key: Uint8Array): AppraiseOptions => ({ now: new Date(), nonce, channel: { type: "tls-spki", key } });
 * ```
 */
export interface AppraiseOptions {
  /** The time to judge the evidence at. */
  readonly now: Date;
  /** The challenge that the verifier sent, 32 bytes; null when it sent none. */
  readonly nonce: Uint8Array | null;
  readonly channel: Channel;
  /** Roots to pin instead of Intel's and NVIDIA's: for made-up evidence (touchstone/testing) only. */
  readonly roots?: { readonly intel: Uint8Array; readonly nvidia: Uint8Array };
  /** What earlier appraisals verified of collateral, certificates, OCSP answers and CRLs. They are judged at each `now` all the same. */
  readonly verified?: VerifiedCache;
}

/**
 * Verifies a bundle and appraises evidence with it, in one call. A bundle that is refused makes a rejected verdict.
 * @param bundle the bundle's bytes; @param evidence the bytes of evidence.json. Hostile bytes in either never throw.
 * @returns the verdict, and the verified bundle whose `state` the caller must remember; null when it was refused.
 * @example
 * ```ts
 * import { appraise, type AppraiseOptions, type TrustPin } from "touchstone/verifier";
 * const judge = async (bundle: Uint8Array, evidence: Uint8Array, pin: TrustPin, options: AppraiseOptions): Promise<boolean> => {
 *   const { verdict } = await appraise(bundle, evidence, { ...options, pin, policy: "production", remembered: null });
 *   return verdict.verdict === "trusted";
 * };
 * ```
 */
export async function appraise(
  bundle: Uint8Array,
  evidence: Uint8Array,
  options: AppraiseOptions & VerifyBundleOptions,
): Promise<{ verdict: Verdict; bundle: VerifiedBundle | null }> {
  const verified = await verifyBundle(bundle, options).catch((error: unknown) =>
    rejectBundle(error, options.now),
  );
  if ("verdict" in verified) return { verdict: verified, bundle: null };
  return { verdict: await appraiseEvidence(verified, evidence, options), bundle: verified };
}

/**
 * Appraises evidence with a bundle that was verified before, for as long as what it says is in force and fresh.
 * @example
 * ```ts
 * import { appraiseEvidence, type AppraiseOptions, type VerifiedBundle } from "touchstone/verifier";
 * const isTrusted = async (policy: VerifiedBundle, evidence: Uint8Array, options: AppraiseOptions): Promise<boolean> =>
 *   (await appraiseEvidence(policy, evidence, options)).verdict === "trusted";
 * ```
 */
export async function appraiseEvidence(
  bundle: VerifiedBundle,
  bytes: Uint8Array,
  options: AppraiseOptions,
): Promise<Verdict> {
  return judgeFacts(bundle, await establishFacts(bytes, options), options);
}

/** Holds what is true of the evidence against every profile, and takes the nearest. */
export async function judgeFacts(
  bundle: VerifiedBundle,
  facts: Facts,
  options: AppraiseOptions,
): Promise<Verdict> {
  const ofProfile = new Map<Profile, ProfileChecks>();
  for (const profile of bundle.policy.profiles)
    ofProfile.set(profile, await checkProfile(profile, bundle, facts, options));
  const results = await Promise.all(
    candidatesOf(bundle).map(async (candidate) => ({
      profile: candidate.profile,
      derivations: derivationsOf(candidate),
      checks: [
        ...(ofProfile.get(candidate.profile)?.checks ?? []),
        ...(await checkTuple(candidate, facts.tdx?.quote?.body ?? null, facts.log)),
      ],
    })),
  );
  const nearest = results.sort((a, b) => distance(a.checks) - distance(b.checks))[0];
  const evaluated = [...bundleChecks(bundle, options.now), ...facts.checks, ...(nearest?.checks ?? [])];
  const checks = inOrder(evaluated);
  const trusted = isTrusted(checks);
  const notRevoked = (nearest && ofProfile.get(nearest.profile)?.notRevoked) ?? [];
  return {
    verdict: trusted ? "trusted" : "rejected",
    profile: nearest?.profile.id ?? null,
    checks,
    warnings: [
      ...rebuildWarnings(bundle.rebuilds),
      ...(nearest === undefined ? [] : warningsOf(nearest.profile, facts)),
    ],
    derivations: nearest?.derivations ?? null,
    policy: { name: bundle.policy.name, version: bundle.policy.version, index: bundle.policyIndex },
    checkpoint: { origin: bundle.checkpoint.origin, size: bundle.checkpoint.size },
    asOf: options.now.toISOString(),
    validUntil: trusted ? earliestEnd(bundle, facts, notRevoked).toISOString() : null,
  };
}

/** What is true of the evidence whatever the policy says. What is null was not given, and nothing that rests on it is evaluated. */
export interface Facts {
  readonly evidence: Evidence | null;
  readonly log: EventLog | null;
  readonly tdx: TdxResult | null;
  readonly gpus: readonly GpuResult[];
  readonly switches: readonly SwitchResult[];
  readonly checks: readonly Check[];
  /** What was verified for them, and is asked again for every profile. */
  readonly signatures?: SignatureMemo;
}

async function establishFacts(
  bytes: Uint8Array,
  { now, nonce, channel, roots, verified }: AppraiseOptions,
): Promise<Facts> {
  const list = new CheckList(EVIDENCE_CHECKS);
  const evidence = (await list.attempt("evidence.format", () => parseEvidence(bytes))) ?? null;
  if (evidence === null)
    return { evidence, log: null, tdx: null, gpus: [], switches: [], checks: list.checks };
  const { eventLog } = evidence.tdx;
  const log =
    eventLog &&
    (await list.attempt("evidence.event-log", () => parseEventLog(eventLog.format, eventLog.data)));
  if (eventLog === undefined) list.pass("evidence.event-log", { detail: "none given" });
  const shared = { now, ...(verified && { verified }) };
  const signatures = new SignatureMemo();
  const ofDevice = {
    ...shared,
    signatures,
    nonce: gpuRequestNonce(channel.key, nonce ?? evidence.nonce),
    ...(roots && { root: roots.nvidia }),
  };
  const [tdx, gpus, switches] = await Promise.all([
    verifyTdxQuote(evidence.tdx.quote, evidence.tdx.collateral, {
      ...shared,
      ...(roots && { root: roots.intel }),
    }),
    Promise.all(evidence.gpus.map((gpu) => verifyGpuReport(gpu, ofDevice))),
    Promise.all(evidence.switches.map((device) => verifySwitchReport(device, ofDevice))),
  ]);
  return {
    evidence,
    log: log ?? null,
    tdx,
    gpus,
    switches,
    checks: [...list.checks, ...tdx.checks, ...mergeGpuChecks(gpus), ...mergeSwitchChecks(switches)],
    signatures,
  };
}

/** What a profile asks for on any of its platforms. Made once for each profile: it verifies signatures, and platforms may be many. */
async function checkProfile(
  profile: Profile,
  bundle: VerifiedBundle,
  facts: Facts,
  options: AppraiseOptions,
): Promise<ProfileChecks> {
  const { evidence, log, tdx } = facts;
  const body = tdx?.quote?.body ?? null;
  const input = evidence && body && { evidence, body, log, channel: options.channel, nonce: options.nonce };
  const devices = evidence && (await checkDevices(profile, bundle, evidence, facts, options));
  const checks = [
    ...(tdx === null ? [] : checkTdxPolicy(tdx, profile.tdx)),
    ...(devices?.checks ?? []),
    ...(await checkBinding(profile.binding, input)),
  ];
  return { checks, notRevoked: devices?.notRevoked ?? [] };
}

/** What this profile lets pass that a reader of the verdict should know. */
function warningsOf({ tdx, gpu }: Profile, facts: Facts): string[] {
  const quote = facts.tdx?.quote ?? null;
  return [
    ...(quote === null ? [] : tdxWarnings(quote, tdx)),
    ...gpuWarnings(facts.gpus, facts.switches, gpu),
  ];
}

/** How far a candidate is from matching. The tuple says which release it is, so a difference there weighs most. */
function distance(checks: readonly Check[]): number {
  const bad = checks.filter(({ outcome }) => outcome !== "pass");
  return bad.length + bad.filter(({ id }) => id.startsWith("tuple.")).length * APPRAISAL_CHECKS.length;
}

/** Every check of APPRAISAL_CHECKS, once: those that nobody made are there as not evaluated. */
function inOrder(evaluated: readonly Check[]): Check[] {
  const byId = new Map(evaluated.map((check) => [check.id, check]));
  const missing = new CheckList(APPRAISAL_CHECKS).checks;
  return missing.map((check) => byId.get(check.id) ?? check);
}

/** When the first thing ends that a trusted verdict rests on. */
function earliestEnd(bundle: VerifiedBundle, facts: Facts, notRevoked: readonly Window[]): Date {
  const chains = [...facts.gpus, ...facts.switches].map(({ chainValid }) => chainValid);
  const windows = [facts.tdx?.collateralValid, ...chains, ...notRevoked];
  const ends = windows.flatMap((window) => (window ? [window.until.getTime()] : []));
  return new Date(Math.min(...Object.values(bundleEnds(bundle)), ...ends));
}

/** The verdict for a bundle that verifyBundle refused with this error: its step failed, and nothing after it was evaluated. */
export function rejectBundle(error: unknown, now: Date): Verdict {
  const detail = error instanceof Error ? error.message : "cannot be read";
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const failed = (stepOf(code) ?? 1) - 1;
  const list = new CheckList(BUNDLE_STEPS);
  for (const id of BUNDLE_STEPS.slice(0, failed)) list.pass(id);
  list.fail(BUNDLE_STEPS[failed] ?? "bundle.trust-root", { detail });
  return {
    verdict: "rejected",
    profile: null,
    checks: inOrder(list.checks),
    warnings: [],
    derivations: null,
    policy: null,
    checkpoint: null,
    asOf: now.toISOString(),
    validUntil: null,
  };
}
