// Checks what a bundle shows of identities beside the entries themselves: all keys of their providers, and when the entries were there.
import type { LoggedEntry, PolicyBundle } from "../../protocol/bundle/policy-bundle.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import type { Status } from "../../protocol/entry/status.ts";
import type { Envelope } from "../../protocol/envelope/dsse.ts";
import { confirm, refuseUnconfirmed } from "../../protocol/identity/confirmation.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import { verifyInclusion } from "../../protocol/merkle/inclusion.ts";
import { parseTlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { checkSameProvider } from "../../protocol/registration/identities.ts";
import type { PlacedIdentityKeys } from "../../protocol/registration/in-force.ts";
import { asBundleError, refuseBroken } from "./bundle-error.ts";
import { type PlacedTrustRoot, trustRootAt } from "./trust-root-chain.ts";
import type { VerifiedEntry } from "./verify-bundle.ts";

/**
 * The keys of each provider, from its first version to the one that the status names: with one left out, a token could be judged by keys
 * that no longer counted.
 */
export async function chainProviders(
  entries: readonly VerifiedEntry<"identity-keys">[],
  status: Status,
): Promise<PlacedIdentityKeys[]> {
  const placed: PlacedIdentityKeys[] = [];
  const newest = new Map<string, PlacedIdentityKeys>();
  for (const { record, statement } of entries) {
    const next = { ...record, keys: statement.predicate };
    const before = newest.get(record.name);
    if (
      next.index <= (placed.at(-1)?.index ?? 0) ||
      next.keys.version !== (before?.keys.version ?? 0) + 1 ||
      next.keys.previous !== (before?.digest ?? null)
    )
      refuseBroken(
        "entry-wrong",
        `${describeReference(record)} does not follow what is shown of its provider`,
      );
    await asBundleError("entry-wrong", describeReference(record), () => checkSameProvider(next.keys, placed));
    placed.push(next);
    newest.set(record.name, next);
  }
  for (const [name, { digest, keys }] of newest) {
    const current = status.identityKeys.find((one) => one.name === name);
    if (current?.version !== keys.version || current.digest !== digest)
      refuseBroken("status-disagrees", `the status does not name identity-keys ${name}@${keys.version}`);
  }
  return placed;
}

/**
 * Whether every entry with an identity was soon under a cosigned checkpoint. Of revocations it is not asked: to believe one more than need
 * be is no danger.
 */
export async function verifyConfirmations(
  bundle: PolicyBundle,
  roots: readonly PlacedTrustRoot[],
): Promise<void> {
  for (const { index, envelope } of [bundle.policy, ...bundle.entries, ...bundle.rebuilds])
    if (envelope.recordedAt !== null) await verifyConfirmation(bundle, index, envelope, roots);
}

async function verifyConfirmation(
  { confirmations }: PolicyBundle,
  index: LoggedEntry["index"],
  envelope: Envelope,
  roots: readonly PlacedTrustRoot[],
): Promise<void> {
  const label = `${describeReference(envelope.statement)} at index ${index}`;
  await asBundleError("identity-unconfirmed", label, async () => {
    const shown = confirmations.find((one) => one.index === index);
    if (shown === undefined) return refuseUnconfirmed(index, envelope.recordedAt);
    const policyAt = (size: number) => parseTlogPolicy(trustRootAt(roots, size).logPolicy);
    const { size, root } = await confirm(envelope, index, shown.checkpoint, policyAt);
    verifyInclusion({ index, size, leafHash: hashLeaf(envelope.leaf), root, proof: shown.proof });
  });
}
