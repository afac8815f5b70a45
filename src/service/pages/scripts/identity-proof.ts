// Checks what an entry with an identity needs beside its own bytes: all keys of its provider, and a checkpoint that confirms when it was
// there.
import type { KeyRing } from "../../../protocol/cryptography/key-ring.ts";
import type { Status } from "../../../protocol/entry/status.ts";
import { type Envelope, type VerifiedEnvelope, verifyEnvelope } from "../../../protocol/envelope/dsse.ts";
import { confirm } from "../../../protocol/identity/confirmation.ts";
import { hashLeaf } from "../../../protocol/merkle/hash.ts";
import { verifyInclusion } from "../../../protocol/merkle/inclusion.ts";
import { parseTlogPolicy, type TlogPolicy } from "../../../protocol/note/tlog-policy.ts";
import { parseTlogProof } from "../../../protocol/note/tlog-proof.ts";
import { authorise } from "../../../protocol/registration/authorisation.ts";
import { checkTokens } from "../../../protocol/registration/identities.ts";
import { checkOrigin } from "../../../protocol/registration/origin.ts";
import { recordOf } from "../../../protocol/registration/register.ts";
import { chainProviders } from "../../../verifier/bundle/identities.ts";
import { type PlacedTrustRoot, trustRootAt } from "../../../verifier/bundle/trust-root-chain.ts";
import type { VerifiedEntry } from "../../../verifier/bundle/verify-bundle.ts";
import { type Fetch, fetchJson, fetchLogged, requireLogged } from "./fetch-logged.ts";

export interface IdentityContext {
  readonly roots: readonly PlacedTrustRoot[];
  /** Of the newest trust root. */
  readonly policy: TlogPolicy;
  readonly keys: KeyRing;
  readonly status: Status;
  readonly fetch: Fetch;
}

/** Verifies the tokens of an entry as a bundle's are. @throws the error of what does not hold. */
export async function verifyIdentities(
  index: number,
  envelope: Envelope,
  context: IdentityContext,
): Promise<VerifiedEnvelope> {
  const { roots, keys, status } = context;
  const identityKeys = await readProviders(context);
  for (const placed of identityKeys) await keys.addProvider(placed.keys);
  const verified = await verifyEnvelope(envelope, keys.lookup, undefined, keys.providers);
  const revoked = { ...status, revokedDigests: new Set(status.revokedDigests) };
  const below = identityKeys.filter((placed) => placed.index < index);
  checkTokens(verified, { root: trustRootAt(roots, index), identityKeys: below, revoked });
  await requireConfirmed(index, envelope, context);
  return verified;
}

async function readProviders({ roots, policy, keys, status, fetch }: IdentityContext) {
  const indexes: number[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: { entries: Array<{ index: number }>; next?: string | null } = await fetchJson(
      fetch,
      `v1/entries?kind=identity-keys&limit=100${cursor}`,
    );
    indexes.push(...page.entries.map((entry) => entry.index));
    cursor = page.next ? `&cursor=${page.next}` : null;
  }
  const entries: VerifiedEntry<"identity-keys">[] = [];
  for (const at of indexes.sort((a, b) => a - b)) {
    const { envelope } = await fetchLogged(at, fetch);
    const { statement } = envelope;
    if (statement.kind !== "identity-keys") throw new Error(`entry ${at} is no identity-keys`);
    await requireLogged(at, hashLeaf(envelope.leaf), policy, fetch);
    const verified = await verifyEnvelope(envelope, keys.lookup);
    const root = trustRootAt(roots, at);
    checkOrigin(statement, root);
    authorise(root, { ...statement, signers: verified.signers, identities: verified.identities });
    entries.push({ record: recordOf(verified, at), statement });
  }
  return chainProviders(entries, status);
}

async function requireConfirmed(
  index: number,
  envelope: Envelope,
  { roots, fetch }: IdentityContext,
): Promise<void> {
  const note = new TextDecoder().decode(await fetch(`v1/confirmations/${index}`));
  const policyAt = (size: number) => parseTlogPolicy(trustRootAt(roots, size).logPolicy);
  const { size, root } = await confirm(envelope, index, note, policyAt);
  const { proof } = parseTlogProof(await fetch(`v1/entries/${index}/proof?size=${size}`, "text/plain"));
  verifyInclusion({ index, size, leafHash: hashLeaf(envelope.leaf), root, proof });
}
