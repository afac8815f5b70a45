// Finds the policies that are served no more once something is revoked. It believes what the log answers: this is for the person who is
// about to revoke, and nothing is decided by it.
import * as z from "zod";
import { readAs } from "../../protocol/encoding/shape.ts";
import type { RevokedIdentity, RevokedKey } from "../../protocol/entry/revocation.ts";
import { type Signers, signersOf } from "../../protocol/envelope/dsse.ts";
import { referencesOf } from "../../protocol/registration/references.ts";
import { askLog, type LogClient } from "./log-client.ts";
import { getEntry } from "./lookup.ts";

const policyList = z.object({
  policies: z.array(
    z.object({ name: z.string(), version: z.int(), index: z.int().min(0), revoked: z.boolean() }),
  ),
});
const found = z.object({
  entries: z.array(
    z.object({
      index: z.int(),
      payloadDigest: z.string(),
      signers: z.array(z.string()),
      identities: z.array(z.string()),
    }),
  ),
});

export interface Revoked {
  /** Payload digests, hex. */
  readonly digests: readonly string[];
  readonly keys: readonly RevokedKey[];
  readonly identities: readonly RevokedIdentity[];
}

/** "name@version" of each policy in force that is revoked by this, or names an entry that is. */
export async function policiesStoppedBy(client: LogClient, revoked: Revoked): Promise<string[]> {
  const { policies } = await askLog(client, "/v1/policies", (json) => readAs(policyList, json, "policies"));
  const stopped: string[] = [];
  for (const { name, version, index, revoked: already } of policies)
    if (!already && (await isStopped(client, index, revoked))) stopped.push(`${name}@${version}`);
  return stopped;
}

async function isStopped(client: LogClient, index: number, revoked: Revoked): Promise<boolean> {
  const { envelope, statement } = await getEntry(client, index);
  const { digests, keys, identities } = revoked;
  if (digests.includes(envelope.payloadDigest) || isSignedBy(revoked, index, signersOf(envelope)))
    return true;
  const named = referencesOf(statement).map(({ digest }) => digest);
  if (named.some((digest) => digests.includes(digest))) return true;
  if (keys.length + identities.length === 0) return false;
  for (const digest of new Set(named)) {
    const query = new URLSearchParams({ digest: `sha256:${digest}` });
    const { entries } = await askLog(client, `/v1/entries?${query}`, (json) => readAs(found, json, "page"));
    const entry = entries.find(({ payloadDigest }) => payloadDigest === digest);
    if (entry !== undefined && isSignedBy(revoked, entry.index, entry)) return true;
  }
  return false;
}

function isSignedBy(revoked: Revoked, index: number, { signers, identities }: Signers): boolean {
  const covers = ({ fromIndex, toIndex }: RevokedKey | RevokedIdentity) =>
    fromIndex <= index && index < toIndex;
  return (
    revoked.keys.some((range) => signers.includes(range.keyId) && covers(range)) ||
    revoked.identities.some((range) => identities.includes(range.rule) && covers(range))
  );
}
