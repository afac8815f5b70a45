// Hashes the prefix tree of the index and verifies what it proves: which entries a key has, or that it has none (docs/formats.md, "Index").
// A key is a path of 256 bits; a subtree with one key is that key's leaf, so the tree is no deeper than keys have bits in common.
import { type Hash, sha256 } from "../cryptography/hash.ts";
import { concatBytes, equalBytes, uint64 } from "../encoding/bytes.ts";
import { VerificationError } from "../errors.ts";
import { HASH_LENGTH, hashChildren } from "../merkle/hash.ts";

/** Why a proof of the index is refused. */
export type LookupProofCode = "lookup-proof";

export const KEY_LENGTH = 32;
export const KEY_BITS = 8 * KEY_LENGTH;
/** 32 zero bytes: the hash of a subtree without keys. No other subtree has it, since nobody knows what hashes to it. */
export const EMPTY_SUBTREE: Uint8Array = new Uint8Array(HASH_LENGTH);
/** 32 zero bytes: the value hash of no entries. */
export const NO_ENTRIES: Uint8Array = new Uint8Array(HASH_LENGTH);

/**
 * The value hash of entries and one more: `H(value hash ‖ index)`, the index as u64. So adding an entry to a key that has a million
 * of them costs one hash, and the newest of them can be proven without the others.
 */
export function appendEntry(valueHash: Uint8Array, index: number, hash: Hash = sha256): Uint8Array {
  return hash(concatBytes(valueHash, uint64(index)));
}

/** The one input buffer of all leaves, as inner nodes have one. */
const leafInput = new Uint8Array(1 + KEY_LENGTH + HASH_LENGTH);

/** The value hash of a key's entries, given in ascending order. @param before value hash of those that come before them. */
export function hashEntries(
  indices: readonly number[],
  before = NO_ENTRIES,
  hash: Hash = sha256,
): Uint8Array {
  return indices.reduce((value, index) => appendEntry(value, index, hash), before);
}

/** `H(00 ‖ key ‖ value hash)`. Inner nodes are `H(01 ‖ left ‖ right)`, as in the tree of entries. */
export function hashKey(key: Uint8Array, valueHash: Uint8Array, hash: Hash = sha256): Uint8Array {
  leafInput.set(key, 1);
  leafInput.set(valueHash, 1 + KEY_LENGTH);
  return hash(leafInput);
}

/** Bit `depth` of a key, from the most significant: 1 leads to the right. */
export function bitOf(key: Uint8Array, depth: number): 0 | 1 {
  return (((key[depth >> 3] as number) >> (7 - (depth & 7))) & 1) as 0 | 1;
}

/**
 * Where the path of a key ends: a proof leads from there to the root.
 * @example
 * ```ts
 * import type { LookupProof } from "touchstone/protocol";
 * const depthOf = ({ siblings }: LookupProof): number => siblings.length;
 * ```
 */
export interface LookupProof {
  /** Hashes of the siblings on the path, the deepest first; at most 256. */
  readonly siblings: readonly Uint8Array[];
  /** Of a key without entries: the only key below the end of the path, or null where there is none. Null for a key with entries. */
  readonly other: { readonly key: Uint8Array; readonly valueHash: Uint8Array } | null;
}

/**
 * What a proof says: exactly these entries have the key, or none has.
 * @example
 * ```ts
 * import { keyOfTerm, type LookupClaim, parseTerm } from "touchstone/protocol";
 * const none = (digest: string, root: Uint8Array): LookupClaim => ({
 *   key: keyOfTerm(parseTerm("digest", digest)), indices: [], before: null, root,
 * });
 * ```
 */
export interface LookupClaim {
  readonly key: Uint8Array;
  /** Ascending. Empty: there are none. */
  readonly indices: readonly number[];
  /** Value hash of older entries, where `indices` are only the newest; null where they are all. */
  readonly before: Uint8Array | null;
  /** Root of the tree. */
  readonly root: Uint8Array;
}

/**
 * Checks that in the tree with this root the key has exactly these entries, or after others exactly these, or none.
 * @throws VerificationError `lookup-proof` in every other case, hashes of another length and indices out of order included.
 * @example
 * ```ts
 * import { addToTree, keyOfTerm, parseTerm, proveKey, verifyLookupProof } from "touchstone/protocol";
 * const pages = new Map<string, Uint8Array>();
 * const key = keyOfTerm(parseTerm("name", "os-image/acme/guest"));
 * const root = addToTree(pages, [{ key, index: 3 }]);
 * verifyLookupProof({ key, indices: [3], before: null, root }, proveKey(pages, key).proof); // throws unless it holds
 * ```
 */
export function verifyLookupProof(claim: LookupClaim, proof: LookupProof, hash: Hash = sha256): void {
  const { key, root } = claim;
  const { siblings } = proof;
  if (![key, root, ...siblings].every((bytes) => bytes.length === HASH_LENGTH))
    fail("a hash is not 32 bytes long");
  if (siblings.length > KEY_BITS) fail("the proof is too long");
  let current = endOfPath(claim, proof, hash);
  siblings.forEach((sibling, i) => {
    const isRight = bitOf(key, siblings.length - 1 - i) === 1;
    current = isRight ? hashChildren(sibling, current, hash) : hashChildren(current, sibling, hash);
  });
  if (!equalBytes(current, root)) fail("the proof does not lead to the root");
}

/** The hash of the subtree at which the path ends. */
function endOfPath({ key, indices, before }: LookupClaim, proof: LookupProof, hash: Hash): Uint8Array {
  const { siblings, other } = proof;
  if (indices.length > 0) {
    if (other !== null) fail("a key with entries is shown with another key");
    return hashKey(key, hashEntries(ascending(indices), ownBefore(before), hash), hash);
  }
  if (before !== null) fail("there is something before no entries");
  if (other === null) return EMPTY_SUBTREE;
  if (![other.key, other.valueHash].every((bytes) => bytes.length === HASH_LENGTH))
    fail("a hash is not 32 bytes long");
  if (equalBytes(other.key, key)) fail("the key has entries");
  for (let depth = 0; depth < siblings.length; depth++)
    if (bitOf(other.key, depth) !== bitOf(key, depth)) fail("the other key is not on the path of this one");
  return hashKey(other.key, other.valueHash, hash);
}

function ascending(indices: readonly number[]): readonly number[] {
  if (!indices.every((index, i) => Number.isSafeInteger(index) && index > (indices[i - 1] ?? -1)))
    fail("the entries are not in ascending order");
  return indices;
}

function ownBefore(before: Uint8Array | null): Uint8Array {
  if (before === null) return NO_ENTRIES;
  if (before.length !== HASH_LENGTH) fail("a hash is not 32 bytes long");
  // One answer, one form: all entries are shown with null.
  if (equalBytes(before, NO_ENTRIES)) fail("there is nothing before the entries");
  return before;
}

function fail(detail: string): never {
  throw new VerificationError<LookupProofCode>("lookup-proof", `proof of the index: ${detail}`);
}
