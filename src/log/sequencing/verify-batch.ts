// Checks what needs no index: whether envelopes are logged already, and every signature.

import { entryVerifier } from "../../node/ed25519.ts";
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import {
  type Envelope,
  type KeyLookup,
  type VerifiedEnvelope,
  verifyEnvelope,
} from "../../protocol/envelope/dsse.ts";
import { findKnown } from "../../protocol/registration/register.ts";
import { BatchRefusedError } from "../errors.ts";
import { withSigners } from "../store/entry-record.ts";
import type { EntryLookup } from "../store/log-store.ts";

/** The index of each envelope whose payload is in the log. @throws PolicyError "identity-taken", or BatchRefusedError around it. */
export async function findLogged(
  store: EntryLookup,
  envelopes: readonly Envelope[],
): Promise<Array<number | undefined>> {
  return mapBatch(envelopes, async (envelope) => {
    const { kind, name, version } = envelope.statement;
    const taken = await store.findByIdentity(kind, name, version);
    return findKnown({ findByIdentity: () => taken }, envelope)?.index;
  });
}

/**
 * Verifies the envelopes that are not in the log yet, with the keys of the log's trust roots and of those earlier in the batch.
 * A trust root may be signed with its own keys: whether they count is for registration to say.
 */
export async function verifyBatch(
  envelopes: readonly Envelope[],
  logged: ReadonlyArray<number | undefined>,
  keys: KeyLookup,
): Promise<VerifiedEnvelope[]> {
  const introduced = new KeyRing();
  const lookup: KeyLookup = (keyId) => keys(keyId) ?? introduced.lookup(keyId);
  const verify = entryVerifier(envelopes.length);
  let ready: Promise<void> = Promise.resolve();
  return mapBatch(envelopes, async (envelope, position) => {
    if (logged[position] !== undefined) return withSigners(envelope);
    const { statement } = envelope;
    if (statement.kind === "trust-root") ready = ready.then(() => introduced.add(statement.predicate.keys));
    await ready;
    return verifyEnvelope(envelope, lookup, verify);
  });
}

/** Maps all envelopes at once. The first in order that fails names the batch's refusal. */
async function mapBatch<T>(
  envelopes: readonly Envelope[],
  map: (envelope: Envelope, position: number) => Promise<T>,
): Promise<T[]> {
  const results = await Promise.allSettled(envelopes.map(map));
  return results.map((result, position) => {
    if (result.status === "fulfilled") return result.value;
    throw envelopes.length === 1 ? result.reason : new BatchRefusedError(position, result.reason);
  });
}
