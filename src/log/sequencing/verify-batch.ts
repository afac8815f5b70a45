// Verifies the signatures of entries that are in a log already, or were in one.
import { entryVerifier } from "../../node/ed25519.ts";
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import {
  type Envelope,
  type KeyLookup,
  type VerifiedEnvelope,
  verifyEnvelope,
} from "../../protocol/envelope/dsse.ts";
import type { TokenKeyLookup } from "../../protocol/identity/verify-token.ts";
import { BatchRefusedError } from "../errors.ts";

/** The keys that a log knows. */
type KnownKeys = Pick<KeyRing, "lookup" | "providers">;

/**
 * Verifies envelopes with the keys of the log's trust roots and providers, and of those earlier among the envelopes. A trust root may be signed with
 * its own keys: whether they count is for registration to say.
 * @throws VerificationError, or for several envelopes BatchRefusedError around it, naming the first that fails.
 */
export async function verifyBatch(
  envelopes: readonly Envelope[],
  keys: KnownKeys,
): Promise<VerifiedEnvelope[]> {
  const introduced = new KeyRing();
  const lookup: KeyLookup = (keyId) => keys.lookup(keyId) ?? introduced.lookup(keyId);
  const providers: TokenKeyLookup = (issuer, kid) => [
    ...keys.providers(issuer, kid),
    ...introduced.providers(issuer, kid),
  ];
  const verify = entryVerifier(envelopes.length);
  let ready: Promise<void> = Promise.resolve();
  const results = await Promise.allSettled(
    envelopes.map(async (envelope) => {
      const { statement } = envelope;
      if (statement.kind === "trust-root") ready = ready.then(() => introduced.add(statement.predicate.keys));
      if (statement.kind === "identity-keys")
        ready = ready.then(() => introduced.addProvider(statement.predicate));
      await ready;
      return verifyEnvelope(envelope, lookup, verify, providers);
    }),
  );
  return results.map((result, position) => {
    if (result.status === "fulfilled") return result.value;
    throw envelopes.length === 1 ? result.reason : new BatchRefusedError(position, result.reason);
  });
}
