// Reads entries as a log holds them and verifies their signatures with the keys of its trust roots, as everybody does who decides a log
// again. What each key may sign is for the registration rules to say.
import { nativeSha256 } from "../../node/sha256.ts";
import type { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import type { VerifySignature } from "../../protocol/cryptography/signature.ts";
import type { IdentityKeys } from "../../protocol/entry/identity-keys.ts";
import {
  type Envelope,
  parseLeaf,
  type VerifiedEnvelope,
  verifyEnvelope,
} from "../../protocol/envelope/dsse.ts";
import { MAX_LEAF_BYTES } from "../../protocol/envelope/dsse-format.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";

/** What is wrong with an entry by itself. */
export interface EntryProblem {
  readonly code: "entry-malformed" | "entry-signature";
  readonly message: string;
}

/** An entry whose signatures all verify, or what is wrong with it. */
export type CheckedEntry =
  | { readonly envelope: VerifiedEnvelope; readonly problem: null }
  | { readonly envelope: null; readonly problem: EntryProblem };

/** Finds keys of trust roots and of providers. */
export type KnownKeys = Pick<KeyRing, "lookup" | "providers">;

export type ReadEntry = Envelope | EntryProblem;

/** A key of a trust root, SPKI in base64; or those of a provider of identities. */
export type LoggedKeys = string | Pick<IdentityKeys, "issuer" | "keys">;

/** @throws MalformedError for what is no usable key. */
export function addKeys(ring: KeyRing, keys: LoggedKeys): Promise<void> {
  return typeof keys === "string" ? ring.add([keys]) : ring.addProvider(keys);
}

/** @param keys gets those of every trust root and provider among the entries. */
export async function readEntries(leaves: readonly Uint8Array[], keys: KeyRing): Promise<ReadEntry[]> {
  const entries: ReadEntry[] = [];
  for (const leaf of leaves) entries.push(await readEntry(leaf, keys));
  return entries;
}

function readEntry(leaf: Uint8Array, keys: KeyRing): ReadEntry | Promise<ReadEntry> {
  try {
    const envelope = parseLeaf(leaf, nativeSha256);
    const { statement } = envelope;
    if (statement.kind === "trust-root")
      return keys.add(statement.predicate.keys).then(() => envelope, malformed);
    if (statement.kind === "identity-keys")
      return keys.addProvider(statement.predicate).then(() => envelope, malformed);
    return envelope;
  } catch (error) {
    return malformed(error);
  }
}

function malformed(error: unknown): EntryProblem {
  if (!(error instanceof MalformedError)) throw error;
  return { code: "entry-malformed", message: error.message };
}

/** @param verify checks one signature. */
export function verifyEntries(
  entries: readonly ReadEntry[],
  keys: KnownKeys,
  verify: VerifySignature,
): Promise<CheckedEntry[]> {
  return Promise.all(entries.map((entry) => verifyEntry(entry, keys, verify)));
}

async function verifyEntry(
  entry: ReadEntry,
  keys: KnownKeys,
  verify: VerifySignature,
): Promise<CheckedEntry> {
  if ("code" in entry) return { envelope: null, problem: entry };
  try {
    return { envelope: await verifyEnvelope(entry, keys.lookup, verify, keys.providers), problem: null };
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    return { envelope: null, problem: { code: "entry-signature", message: error.message } };
  }
}

const leafInput = new Uint8Array(1 + MAX_LEAF_BYTES);

/** As hashLeaf of protocol/merkle, without a new buffer for every leaf. */
export function hashLeaves(leaves: readonly Uint8Array[]): Uint8Array[] {
  return leaves.map((leaf) => {
    leafInput.set(leaf, 1);
    return nativeSha256(leafInput.subarray(0, 1 + leaf.length));
  });
}
