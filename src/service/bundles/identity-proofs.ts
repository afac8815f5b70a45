// Adds to a bundle what entries with identities need: all keys of their providers, and proof of when the entries were there at the latest.
import type { PublishedLog, ReadEntry } from "../../log/published-log.ts";
import type { Confirmation } from "../../protocol/bundle/policy-bundle.ts";
import type { Envelope } from "../../protocol/envelope/dsse.ts";
import { readToken } from "../../protocol/identity/token.ts";
import type { InForce } from "../../protocol/registration/in-force.ts";
import { readLoggedEntry } from "../entries/read-entry.ts";

/** Every entry with keys of the providers of these entries, oldest first. */
export async function keysOfProviders(
  log: PublishedLog,
  { identityKeys }: InForce,
  entries: readonly ReadEntry[],
): Promise<ReadEntry[]> {
  const issuers = new Set(entries.flatMap(({ envelope }) => issuersOf(envelope)));
  const own = identityKeys.filter(({ keys }) => issuers.has(keys.issuer));
  return Promise.all(own.map(({ index }) => readLoggedEntry(log, index)));
}

function issuersOf({ signatures }: Envelope): string[] {
  return signatures.flatMap(({ identity }) => (identity ? [readToken(identity.jwt).claims.iss] : []));
}

/** The first checkpoint over each of these entries that has an identity; nothing else shows better when it was there. */
export async function confirmationsOf(
  log: PublishedLog,
  entries: readonly ReadEntry[],
): Promise<Confirmation[]> {
  const confirmations: Confirmation[] = [];
  for (const { index, envelope } of entries) {
    const covering = envelope.recordedAt === null ? undefined : await log.firstCheckpointCovering(index + 1);
    if (covering === undefined) continue;
    const proof = await log.proveInclusion(index, covering.size);
    confirmations.push({ index, checkpoint: covering.note, proof });
  }
  return confirmations;
}
