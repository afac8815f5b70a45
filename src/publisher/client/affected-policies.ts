// Finds the policies that are served no more once something is revoked. It believes what the log answers: this is for the person who is
// about to revoke, and nothing is decided by it.
import * as z from "zod";
import { readAs } from "../../protocol/encoding/shape.ts";
import type { RevokedKey } from "../../protocol/entry/revocation.ts";
import { referencesOf } from "../../protocol/registration/references.ts";
import { askLog, type LogClient } from "./log-client.ts";
import { getEntry } from "./lookup.ts";

const policyList = z.object({
  policies: z.array(
    z.object({ name: z.string(), version: z.int(), index: z.int().min(0), revoked: z.boolean() }),
  ),
});
const found = z.object({
  entries: z.array(z.object({ index: z.int(), payloadDigest: z.string(), signers: z.array(z.string()) })),
});

export interface Revoked {
  /** Payload digests, hex. */
  readonly digests: readonly string[];
  readonly keys: readonly RevokedKey[];
}

/** "name@version" of each policy in force that is revoked by this, or names an entry that is. */
export async function policiesStoppedBy(client: LogClient, revoked: Revoked): Promise<string[]> {
  const { policies } = await askLog(client, "/v1/policies", (json) => readAs(policyList, json, "policies"));
  const stopped: string[] = [];
  for (const { name, version, index, revoked: already } of policies)
    if (!already && (await isStopped(client, index, revoked))) stopped.push(`${name}@${version}`);
  return stopped;
}

async function isStopped(client: LogClient, index: number, { digests, keys }: Revoked): Promise<boolean> {
  const { envelope, statement } = await getEntry(client, index);
  const signers = envelope.signatures.map(({ keyId }) => keyId);
  if (digests.includes(envelope.payloadDigest) || isSignedBy(keys, index, signers)) return true;
  const named = referencesOf(statement).map(({ digest }) => digest);
  if (named.some((digest) => digests.includes(digest))) return true;
  if (keys.length === 0) return false;
  for (const digest of new Set(named)) {
    const query = new URLSearchParams({ digest: `sha256:${digest}` });
    const { entries } = await askLog(client, `/v1/entries?${query}`, (json) => readAs(found, json, "page"));
    const entry = entries.find(({ payloadDigest }) => payloadDigest === digest);
    if (entry !== undefined && isSignedBy(keys, entry.index, entry.signers)) return true;
  }
  return false;
}

function isSignedBy(keys: readonly RevokedKey[], index: number, signers: readonly string[]): boolean {
  return keys.some(
    ({ keyId, fromIndex, toIndex }) => signers.includes(keyId) && fromIndex <= index && index < toIndex,
  );
}
