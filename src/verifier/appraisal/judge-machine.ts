// Judges a machine: what is true of its evidence, held against every profile of the policy. Bundlers make a chunk of this and all about TDX
// and NVIDIA, which whoever only verifies bundles does not load.
import type { Profile } from "../../protocol/entry/policy.ts";
import { rebuildWarnings } from "../bundle/rebuilds.ts";
import type { VerifiedBundle } from "../bundle/verify-bundle.ts";
import { type Check, CheckList } from "../check-list.ts";
import { type Evidence, parseEvidence } from "../evidence.ts";
import type { GpuResult } from "../nvidia/verify-report.ts";
import type { SwitchResult } from "../nvidia/verify-switch.ts";
import { gpuRequestNonce } from "../ra-tls/own-binding.ts";
import { parseEventLog } from "../tdx/event-log.ts";
import type { EventLog } from "../tdx/logged-event.ts";
import { checkTdxPolicy, tdxWarnings } from "../tdx/quote-policy.ts";
import { type TdxResult, verifyTdxQuote } from "../tdx/verify-quote.ts";
import { SignatureMemo } from "../x509/signature-memo.ts";
import type { Window } from "../x509/validity.ts";
import { APPRAISAL_CHECKS, EVIDENCE_CHECKS, inOrder } from "./appraisal-checks.ts";
import type { AppraiseOptions } from "./appraise.ts";
import { bundleChecks, bundleEnds } from "./bundle-in-time.ts";
import { checkBinding } from "./channel-binding.ts";
import { checkDevices, type ProfileChecks, verifyDevices } from "./judge-devices.ts";
import { candidatesOf, checkTuple, derivationsOf } from "./tuple.ts";
import { isTrusted, type Verdict } from "./verdict.ts";

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
  const ofNearest = nearest && ofProfile.get(nearest.profile);
  return {
    verdict: trusted ? "trusted" : "rejected",
    profile: nearest?.profile.id ?? null,
    checks,
    warnings: [...rebuildWarnings(bundle.rebuilds), ...(ofNearest?.warnings ?? [])],
    derivations: nearest?.derivations ?? null,
    policy: { name: bundle.policy.name, version: bundle.policy.version, index: bundle.policyIndex },
    checkpoint: { origin: bundle.checkpoint.origin, size: bundle.checkpoint.size },
    asOf: options.now.toISOString(),
    validUntil: trusted ? earliestEnd(bundle, facts, ofNearest?.notRevoked ?? []).toISOString() : null,
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

export async function establishFacts(
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
  const [tdx, devices] = await Promise.all([
    verifyTdxQuote(evidence.tdx.quote, evidence.tdx.collateral, {
      ...shared,
      ...(roots && { root: roots.intel }),
    }),
    verifyDevices(evidence, {
      ...shared,
      signatures,
      nonce: gpuRequestNonce(channel.key, nonce ?? evidence.nonce),
      ...(roots && { root: roots.nvidia }),
    }),
  ]);
  return {
    evidence,
    log: log ?? null,
    tdx,
    gpus: devices.gpus,
    switches: devices.switches,
    checks: [...list.checks, ...tdx.checks, ...devices.checks],
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
  const quote = tdx?.quote ?? null;
  const warnings = [...(quote === null ? [] : tdxWarnings(quote, profile.tdx)), ...(devices?.warnings ?? [])];
  return { checks, warnings, notRevoked: devices?.notRevoked ?? [] };
}

/** How far a candidate is from matching. The tuple says which release it is, so a difference there weighs most. */
function distance(checks: readonly Check[]): number {
  const bad = checks.filter(({ outcome }) => outcome !== "pass");
  return bad.length + bad.filter(({ id }) => id.startsWith("tuple.")).length * APPRAISAL_CHECKS.length;
}

/** When the first thing ends that a trusted verdict rests on. */
function earliestEnd(bundle: VerifiedBundle, facts: Facts, notRevoked: readonly Window[]): Date {
  const chains = [...facts.gpus, ...facts.switches].map(({ chainValid }) => chainValid);
  const windows = [facts.tdx?.collateralValid, ...chains, ...notRevoked];
  const ends = windows.flatMap((window) => (window ? [window.until.getTime()] : []));
  return new Date(Math.min(...Object.values(bundleEnds(bundle)), ...ends));
}
