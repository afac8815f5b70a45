// Appraises one machine: does its evidence match the policy? Every check is named, the set of checks is fixed before any is made,
// and only a verdict whose every check passed is "trusted".

import { gpuRim } from "../../protocol/entry/kinds/gpu-rim.ts";
import { switchRim } from "../../protocol/entry/kinds/switch-rim.ts";
import type { Predicate } from "../../protocol/entry/kinds.ts";
import type { Profile } from "../../protocol/entry/policy.ts";
import { describeReference, type Reference } from "../../protocol/entry/reference.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { MAX_CLOCK_SKEW } from "../../protocol/note/cosigned-checkpoint.ts";
import { stepOf } from "../bundle/bundle-error.ts";
import { rebuildWarnings } from "../bundle/rebuilds.ts";
import type { VerifyBundleOptions } from "../bundle/trust-pin.ts";
import { type VerifiedBundle, verifyBundle } from "../bundle/verify-bundle.ts";
import { type Check, CheckList } from "../check-list.ts";
import { type DeviceEvidence, type Evidence, parseEvidence } from "../evidence.ts";
import {
  type AppraisedGpu,
  checkGpuPolicy,
  GPU_POLICY_CHECKS,
  gpuWarnings,
  readableGpus,
} from "../nvidia/gpu-policy.ts";
import {
  type AppraisedSwitch,
  checkSwitchPolicy,
  readableSwitches,
  SWITCH_POLICY_CHECKS,
} from "../nvidia/switch-policy.ts";
import { checkTopology, TOPOLOGY_CHECKS } from "../nvidia/topology.ts";
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
import { BINDING_CHECKS, type Channel, checkBinding } from "./channel-binding.ts";
import { candidatesOf, checkTuple, derivationsOf, TUPLE_CHECKS } from "./tuple.ts";
import { isTrusted, type Verdict } from "./verdict.ts";

/** One for each step of verifyBundle, in order. */
const BUNDLE_STEPS = [
  "bundle.trust-root",
  "bundle.checkpoint",
  "bundle.status",
  "bundle.policy",
  "bundle.entries",
  "bundle.remembered-state",
] as const;

const BUNDLE_CHECKS = [...BUNDLE_STEPS, "bundle.time"] as const;

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

interface ProfileChecks {
  readonly checks: Check[];
  /** The times for which its devices' answers about revocation speak. */
  readonly notRevoked: readonly Window[];
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

/** What a profile asks of the GPUs, of the switches between them, and of how they are wired. */
async function checkDevices(
  profile: Profile,
  bundle: VerifiedBundle,
  evidence: Evidence,
  facts: Facts,
  { now, roots, verified }: AppraiseOptions,
): Promise<ProfileChecks> {
  const gpus: AppraisedGpu[] = withResults(evidence.gpus, facts.gpus);
  const switches: AppraisedSwitch[] = withResults(evidence.switches, facts.switches);
  const { signatures } = facts;
  const shared = {
    now,
    ...(roots && { root: roots.nvidia }),
    ...(signatures && { signatures }),
    ...(verified && { verified }),
  };
  const { claims } = evidence;
  const rims = rimsOf(profile.gpuRims, gpuRim.kind, bundle);
  const devices = { gpus: readableGpus(gpus), switches: readableSwitches(switches) };
  const allRead = devices.gpus.length === gpus.length && devices.switches.length === switches.length;
  const ofGpus = await checkGpuPolicy(gpus, profile.gpu, { ...shared, claims, switches, rims });
  const ofSwitches = await checkSwitchPolicy(switches, profile.gpu, {
    ...shared,
    rims: rimsOf(profile.switchRims, switchRim.kind, bundle),
  });
  return {
    checks: [...ofGpus.checks, ...ofSwitches.checks, ...checkTopology(allRead ? devices : null, profile.gpu)],
    notRevoked: [...ofGpus.notRevoked, ...ofSwitches.notRevoked],
  };
}

/** What this profile lets pass that a reader of the verdict should know. */
function warningsOf({ tdx, gpu }: Profile, facts: Facts): string[] {
  const quote = facts.tdx?.quote ?? null;
  return [
    ...(quote === null ? [] : tdxWarnings(quote, tdx)),
    ...gpuWarnings(facts.gpus, facts.switches, gpu),
  ];
}

function withResults<Result>(
  evidence: readonly DeviceEvidence[],
  results: readonly Result[],
): Array<{ evidence: DeviceEvidence; result: Result }> {
  return results.flatMap((result, i) => {
    const device = evidence[i];
    return device === undefined ? [] : [{ evidence: device, result }];
  });
}

function rimsOf<K extends typeof gpuRim.kind | typeof switchRim.kind>(
  references: readonly Reference[],
  kind: K,
  { entries }: VerifiedBundle,
): Array<{ rim: Predicate<K>; entry: string }> {
  return references.flatMap((reference) => {
    const statement = entries.get(reference.digest)?.statement;
    return statement?.kind === kind
      ? [{ rim: (statement as StatementOf<K>).predicate, entry: describeReference(reference) }]
      : [];
  });
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

/** When each part of a bundle ends, by the check that says so. */
function bundleEnds({ trustRoot, cosignedAt, status, policy }: VerifiedBundle) {
  return {
    "bundle.trust-root": Date.parse(trustRoot.expires),
    "bundle.checkpoint": cosignedAt.getTime() + trustRoot.maxCheckpointAge * 1000,
    "bundle.status": Date.parse(status.expires),
    "bundle.policy": Date.parse(policy.expires),
  };
}

/** A bundle that verified: what of it begins or ends with time is held against the time of the appraisal, which may be another. */
function bundleChecks(bundle: VerifiedBundle, now: Date): Check[] {
  const { policy, asOf } = bundle;
  const list = new CheckList(BUNDLE_CHECKS);
  const ends: Partial<Record<(typeof BUNDLE_STEPS)[number], number>> = bundleEnds(bundle);
  for (const id of BUNDLE_STEPS) {
    if (now.getTime() < (ends[id] ?? Number.POSITIVE_INFINITY)) list.pass(id);
    else
      list.fail(id, {
        detail: `was good when verified, at ${asOf.toISOString()}; fetch and verify a newer bundle`,
      });
  }
  checkClock(list, asOf, Date.parse(policy.validFrom), now);
  return list.checks;
}

/** Before the bundle was verified nobody knows that it was good, but clocks of machines differ by some minutes. */
function checkClock(
  list: CheckList<(typeof BUNDLE_CHECKS)[number]>,
  asOf: Date,
  validFrom: number,
  now: Date,
): void {
  const earliest = Math.max(asOf.getTime() - MAX_CLOCK_SKEW * 1000, validFrom);
  const detail = `clock-before-bundle: it is ${now.toISOString()}, and the bundle was verified at ${asOf.toISOString()} and is in force from ${new Date(validFrom).toISOString()}; set the clock`;
  if (now.getTime() < earliest) list.fail("bundle.time", { detail });
  else list.pass("bundle.time");
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
