// Verifies a policy bundle, offline, at a time that the caller states. Six steps, in the order of docs/formats.md:
// trust root, checkpoint, status, policy, entries, remembered state. Anything missing or unknown rejects.
import type { LoggedEntry, PolicyBundle } from "../../protocol/bundle/policy-bundle.ts";
import { parsePolicyBundle } from "../../protocol/bundle/policy-bundle.ts";
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import { formatTime } from "../../protocol/entry/fields.ts";
import type { Kind } from "../../protocol/entry/kinds.ts";
import { type Policy, svnFloorOf } from "../../protocol/entry/policy.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import type { Status } from "../../protocol/entry/status.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { signersOf, verifyEnvelope } from "../../protocol/envelope/dsse.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import { verifyInclusion } from "../../protocol/merkle/inclusion.ts";
import type { Checkpoint } from "../../protocol/note/checkpoint.ts";
import {
  authenticateCheckpoint,
  checkFreshness,
  MAX_CLOCK_SKEW,
} from "../../protocol/note/cosigned-checkpoint.ts";
import { parseTlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { authorise } from "../../protocol/registration/authorisation.ts";
import { checkTokens } from "../../protocol/registration/identities.ts";
import {
  isRevoked,
  NOTHING_IN_FORCE,
  type PlacedIdentityKeys,
  type Revoked,
} from "../../protocol/registration/in-force.ts";
import { checkOrigin } from "../../protocol/registration/origin.ts";
import { checkProfiles, type EntryRecord, referencesOf } from "../../protocol/registration/references.ts";
import { recordOf } from "../../protocol/registration/register.ts";
import { isIndexedAs } from "../../protocol/registration/succession.ts";
import { asBundleError, refuseBroken, refuseUnacceptable } from "./bundle-error.ts";
import { chainProviders, verifyConfirmations } from "./identities.ts";
import { type CountedRebuild, countRebuilds } from "./rebuilds.ts";
import type { RememberedState } from "./remembered-state.ts";
import { verifyRemembered } from "./remembered-tree.ts";
import type { VerifyBundleOptions } from "./trust-pin.ts";
import { type PlacedTrustRoot, trustRootAt, verifyTrustRootChain } from "./trust-root-chain.ts";

/**
 * An entry whose signatures, authorisation and inclusion were verified.
 * @example
 * ```ts
 * import type { VerifiedEntry } from "touchstone/verifier";
 * const indexOf = ({ record }: VerifiedEntry): number => record.index;
 * ```
 */
export interface VerifiedEntry<K extends Kind = Kind> {
  readonly record: EntryRecord;
  readonly statement: K extends Kind ? StatementOf<K> : never;
}

/**
 * @example
 * ```ts
 * import type { VerifiedBundle } from "touchstone/verifier";
 * const describe = ({ policy, checkpoint }: VerifiedBundle): string => `${policy.name} ${policy.version} at size ${checkpoint.size}`;
 * ```
 */
export interface VerifiedBundle {
  readonly trustRoot: TrustRoot;
  readonly checkpoint: Checkpoint;
  /** Time of the oldest cosignature of its quorum: from here it is good for the trust root's maxCheckpointAge. */
  readonly cosignedAt: Date;
  readonly status: Status;
  readonly policy: Policy;
  readonly policyIndex: number;
  /** Every entry that the policy refers to, by payload digest. */
  readonly entries: ReadonlyMap<string, VerifiedEntry>;
  /** Rebuilds of them by the keys that the policy names. */
  readonly rebuilds: readonly CountedRebuild[];
  /** What to remember now; pass it to the next verification. */
  readonly state: RememberedState;
  /** The time that it was verified at. Nothing is judged by it at an earlier one. */
  readonly asOf: Date;
}

/**
 * Verifies a policy bundle.
 * @param bytes the bundle as it was fetched, at most 8 MiB.
 * @throws MalformedError when it cannot be read.
 * @throws VerificationError (a BrokenCode) when something in it is forged or damaged.
 * @throws PolicyError (a NotAcceptableCode) when it is authentic but expired, revoked, rolled back or historical.
 * @example
 * ```ts
 * import { type StateStore, type TrustPin, type VerifiedBundle, verifyBundle } from "touchstone/verifier";
 * const check = async (bytes: Uint8Array, pin: TrustPin, store: StateStore): Promise<VerifiedBundle> => {
 *   const remembered = await store.load(pin.origin);
 *   const verified = await verifyBundle(bytes, { pin, policy: "production", now: new Date(), remembered });
 *   await store.save(verified.state, remembered);
 *   return verified;
 * };
 * ```
 */
export async function verifyBundle(bytes: Uint8Array, options: VerifyBundleOptions): Promise<VerifiedBundle> {
  const bundle = parsePolicyBundle(bytes);
  const keys = new KeyRing();
  const roots = await verifyTrustRootChain(bundle, keys, options);
  const { checkpoint, cosignedAt } = await verifyCheckpoint(
    bundle,
    everythingIn(bundle),
    newest(roots).root,
    options.now,
  );
  const { policy: wanted, now, remembered } = options;
  const base = { roots, keys, wanted, now, remembered };
  const status = await verifyStatus(bundle, { ...base, identityKeys: [], revoked: NOTHING_IN_FORCE });
  const providers = await verifyProviders(bundle, status.predicate, base);
  const revoked = await collectRevoked(bundle, status.predicate, providers);
  const context = { ...providers, revoked };
  const policy = await verifyPolicy(bundle, status.predicate, revoked, context);
  const entries = await verifyEntries(bundle, policy, revoked, context);
  const rebuilds = await verifyRebuilds(bundle, policy, revoked, context);
  await verifyConfirmations(bundle, roots);
  const state = {
    origin: checkpoint.origin,
    trustRootVersion: newest(roots).root.version,
    statusSequence: status.predicate.sequence,
    checkpoint: { note: bundle.checkpoint, cosignedAt: formatTime(cosignedAt) },
    policies: { [policy.name]: policy.predicate.version },
    fork: null,
  };
  await verifyRemembered(bundle, state, options.remembered);
  return {
    trustRoot: newest(roots).root,
    checkpoint,
    cosignedAt,
    status: status.predicate,
    policy: policy.predicate,
    policyIndex: bundle.policy.index,
    entries,
    rebuilds,
    state,
    asOf: options.now,
  };
}

/** What an entry is judged by. */
export interface Context {
  readonly roots: readonly PlacedTrustRoot[];
  readonly keys: KeyRing;
  /** Name of the policy that was asked for. */
  readonly wanted: string;
  readonly now: Date;
  readonly remembered: RememberedState | null;
  /** Keys of providers of identities, and what is revoked: by them tokens are judged. */
  readonly identityKeys: readonly PlacedIdentityKeys[];
  readonly revoked: Revoked;
}

function everythingIn(bundle: PolicyBundle): LoggedEntry[] {
  const { trustRoots, status, policy, entries, rebuilds, identityKeys, revocations } = bundle;
  return [...trustRoots, status, policy, ...entries, ...rebuilds, ...identityKeys, ...revocations];
}

/** Step 2: log key and quorum of the newest trust root, fresh; everything that is shown is in that tree. */
export async function verifyCheckpoint(
  bundle: Pick<PolicyBundle, "origin" | "checkpoint">,
  shown: readonly LoggedEntry[],
  root: TrustRoot,
  now: Date,
): Promise<Pick<VerifiedBundle, "checkpoint" | "cosignedAt">> {
  const policy = parseTlogPolicy(root.logPolicy);
  const cosigned = await asBundleError("checkpoint-not-authentic", "checkpoint", () =>
    authenticateCheckpoint(bundle.checkpoint, policy),
  );
  const { checkpoint } = cosigned;
  if (checkpoint.origin !== root.origin || bundle.origin !== root.origin) {
    refuseBroken(
      "checkpoint-not-authentic",
      `the checkpoint is of ${checkpoint.origin}, the trust root of ${root.origin}`,
    );
  }
  const time = await asBundleError("checkpoint-stale", "checkpoint", () =>
    checkFreshness(cosigned, policy, { now, maxAge: root.maxCheckpointAge }),
  );
  for (const entry of shown) await requireIncluded(entry, checkpoint);
  // Null under a quorum of nobody, which no checkpoint of a maximum age has.
  return { checkpoint, cosignedAt: new Date((time ?? 0) * 1000) };
}

async function requireIncluded(
  { index, envelope, proof }: LoggedEntry,
  { size, root }: Checkpoint,
): Promise<void> {
  await asBundleError("not-included", `${describeReference(envelope.statement)} at index ${index}`, () =>
    verifyInclusion({ index, size, leafHash: hashLeaf(envelope.leaf), root, proof }),
  );
}

/** Step 3: signed, in force, not older than remembered, and saying the same as the bundle about trust root and policy. */
export async function verifyStatus(
  bundle: Pick<PolicyBundle, "status">,
  context: Omit<Context, "wanted">,
): Promise<StatementOf<"status">> {
  const { statement, record } = await verifyEntry(bundle.status, "status", "status-not-authorised", context);
  const status = statement.predicate;
  const root = newest(context.roots);
  requireStatusInForce(status, root.root, context.now);
  if (status.sequence < (context.remembered?.statusSequence ?? 0)) {
    refuseUnacceptable(
      "status-rolled-back",
      `sequence ${status.sequence} is older than ${context.remembered?.statusSequence}, which was seen before`,
    );
  }
  if (
    status.trustRoot.version !== root.root.version ||
    status.trustRoot.digest !== root.digest ||
    status.treeSize <= root.index ||
    status.treeSize > record.index ||
    !isIndexedAs(status, root.root)
  ) {
    refuseBroken(
      "status-disagrees",
      `it does not summarise the log as trust root version ${root.root.version} has it, which the bundle shows`,
    );
  }
  return statement;
}

/** @throws PolicyError "status-expired", also for one from the future or one that lasts longer than the trust root allows. */
export function requireStatusInForce(status: Status, root: TrustRoot, now: Date): void {
  const issued = Date.parse(status.issuedAt);
  const expires = Date.parse(status.expires);
  if (issued > now.getTime() + MAX_CLOCK_SKEW * 1000) {
    refuseUnacceptable(
      "status-expired",
      `the status is from the future, ${status.issuedAt}; check the clock`,
    );
  }
  if (now.getTime() >= expires || expires - issued > root.maxStatusAge * 1000) {
    refuseUnacceptable("status-expired", `the status was good until ${status.expires}; fetch a newer bundle`);
  }
}

/** Step 3 goes on: the keys of providers are authorised, and all that there are of each. Tokens are judged by them from here on. */
async function verifyProviders(
  bundle: PolicyBundle,
  status: Status,
  base: Omit<Context, "identityKeys" | "revoked">,
): Promise<Context> {
  const revoked = { ...status, revokedDigests: new Set(status.revokedDigests) };
  const entries: VerifiedEntry<"identity-keys">[] = [];
  for (const logged of bundle.identityKeys) {
    const context = { ...base, identityKeys: [], revoked };
    entries.push(await verifyEntry(logged, "identity-keys", "entry-not-authorised", context));
  }
  const identityKeys = await chainProviders(entries, status);
  for (const { keys } of identityKeys) await base.keys.addProvider(keys);
  return { ...base, identityKeys, revoked };
}

/** Everything revoked, by the status and by any revocation that the bundle shows beside it. */
async function collectRevoked(bundle: PolicyBundle, status: Status, context: Context): Promise<Revoked> {
  const revokedDigests = new Set(status.revokedDigests);
  const revokedKeys = [...status.revokedKeys];
  const revokedIdentities = [...status.revokedIdentities];
  for (const entry of bundle.revocations) {
    const { statement } = await verifyEntry(entry, "revocation", "entry-not-authorised", context);
    for (const digest of statement.predicate.digests) revokedDigests.add(digest);
    revokedKeys.push(...statement.predicate.keys);
    revokedIdentities.push(...statement.predicate.identities);
  }
  const revoked = { revokedDigests, revokedKeys, revokedIdentities };
  requireStatusNotRevoked(bundle.status, revoked);
  return revoked;
}

/** @throws PolicyError "entry-revoked" */
export function requireStatusNotRevoked({ index, envelope }: LoggedEntry, revoked: Revoked): void {
  const digest = envelope.payloadDigest;
  if (isRevoked(revoked, { kind: "status", index, digest, ...signersOf(envelope) })) {
    refuseUnacceptable("entry-revoked", "the status was signed with a revoked key");
  }
}

/** Step 4: the one that was asked for, threshold, the newest by the status, in force, not older than remembered. */
async function verifyPolicy(
  bundle: PolicyBundle,
  status: Status,
  revoked: Revoked,
  context: Context,
): Promise<StatementOf<"policy">> {
  const { statement, record } = await verifyEntry(bundle.policy, "policy", "policy-not-authorised", context);
  const policy = statement.predicate;
  if (policy.name !== context.wanted)
    refuseUnacceptable("policy-not-asked-for", `asked for policy ${context.wanted}, got ${policy.name}`);
  const label = `policy ${policy.name} version ${policy.version}`;
  const current = status.policies.find(({ name }) => name === policy.name);
  if (bundle.historical || (current !== undefined && current.version > policy.version)) {
    refuseUnacceptable("policy-historical", `${label} is not the newest; fetch the current bundle`);
  }
  if (
    current?.version !== policy.version ||
    current.digest !== record.digest ||
    status.treeSize <= record.index
  ) {
    refuseBroken("status-disagrees", `the status does not name ${label} with this digest`);
  }
  if (isRevoked(revoked, record)) refuseUnacceptable("policy-revoked", `${label} is revoked`);
  requirePolicyInForce(policy, newest(context.roots).root, context.now);
  const seen = context.remembered?.policies[policy.name] ?? 0;
  if (policy.version < seen)
    refuseUnacceptable("policy-rolled-back", `${label} is older than version ${seen}, which was seen before`);
  return statement;
}

function requirePolicyInForce(policy: Policy, root: TrustRoot, now: Date): void {
  const from = Date.parse(policy.validFrom);
  const until = Date.parse(policy.expires);
  if (now.getTime() < from || now.getTime() >= until || until - from > root.maxPolicyLifetime * 1000) {
    refuseUnacceptable(
      "policy-not-in-force",
      `policy ${policy.name} is in force from ${policy.validFrom} until ${policy.expires}, and it is ${now.toISOString()}`,
    );
  }
}

/** Step 5: every entry that the policy names, and no other, is there, authorised at its index, not revoked, above the floor. */
async function verifyEntries(
  bundle: PolicyBundle,
  policy: StatementOf<"policy">,
  revoked: Revoked,
  context: Context,
): Promise<Map<string, VerifiedEntry>> {
  const references = referencesOf(policy);
  const entries = new Map<string, VerifiedEntry>();
  for (const logged of bundle.entries) {
    const { payloadDigest, statement } = logged.envelope;
    if (entries.has(payloadDigest) || !references.some(({ digest }) => digest === payloadDigest))
      refuseBroken("entry-wrong", `entry ${logged.index} is there twice, or the policy does not name it`);
    const entry = await verifyEntry(logged, statement.kind, "entry-not-authorised", context);
    if (isRevoked(revoked, entry.record))
      refuseUnacceptable("entry-revoked", `${describeReference(statement)} is revoked`);
    entries.set(payloadDigest, entry);
  }
  for (const reference of references) {
    const label = describeReference(reference);
    const record = entries.get(reference.digest)?.record;
    if (record === undefined) refuseBroken("entry-missing", `${label} is not in the bundle`);
    if (describeReference(record) !== label)
      refuseBroken("entry-wrong", `${label} is ${describeReference(record)}`);
    if ((record.svn ?? -1) < svnFloorOf(policy.predicate, reference))
      refuseUnacceptable("entry-below-svn-floor", `${label} has svn ${record.svn}`);
  }
  await asBundleError("entry-wrong", "policy", () =>
    checkProfiles(policy, (digest) => entries.get(digest)?.record),
  );
  return entries;
}

/** Step 5 goes on: every rebuild is authorised at its index and not revoked, and enough of the keys that the policy names got the same. */
async function verifyRebuilds(
  bundle: PolicyBundle,
  policy: StatementOf<"policy">,
  revoked: Revoked,
  context: Context,
): Promise<CountedRebuild[]> {
  const entries: VerifiedEntry[] = [];
  for (const logged of bundle.rebuilds) {
    const { kind } = logged.envelope.statement;
    const entry = await verifyEntry(logged, kind, "entry-not-authorised", context);
    if (isRevoked(revoked, entry.record))
      refuseUnacceptable("entry-revoked", `${describeReference(entry.statement)} is revoked`);
    entries.push(entry);
  }
  return countRebuilds(policy.predicate, referencesOf(policy), entries);
}

/** Signatures, kind and authorisation at its index by the trust root that was in force there. */
async function verifyEntry<K extends Kind>(
  { index, envelope }: LoggedEntry,
  kind: K,
  code: "status-not-authorised" | "policy-not-authorised" | "entry-not-authorised",
  { roots, keys, identityKeys, revoked }: Omit<Context, "wanted">,
): Promise<VerifiedEntry<K>> {
  const label = `${describeReference(envelope.statement)} at index ${index}`;
  if (envelope.statement.kind !== kind) refuseBroken(code, `${label} is not a ${kind}`);
  const verified = await asBundleError(code, label, async () => {
    const signed = await verifyEnvelope(envelope, keys.lookup, undefined, keys.providers);
    const root = trustRootAt(roots, index);
    checkOrigin(envelope.statement, root);
    const { signers, identities } = signed;
    authorise(root, { ...envelope.statement, signers, identities });
    const below = identityKeys.filter((placed) => placed.index < index);
    checkTokens(signed, { root, identityKeys: below, revoked });
    return signed;
  });
  return {
    record: recordOf(verified, index),
    statement: envelope.statement as VerifiedEntry<K>["statement"],
  };
}

export function newest(roots: readonly PlacedTrustRoot[]): PlacedTrustRoot {
  const last = roots.at(-1);
  if (last === undefined) throw new TypeError("a bundle has at least one trust root");
  return last;
}
