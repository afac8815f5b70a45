// Reads what the index needs of an entry, and keeps it packed: the entries of one step may all be as large as the log takes them, with hundreds
// of keys each, and the heap of the thread that adds them is small.
import { nativeSha256 } from "../../node/sha256.ts";
import { concatBytes } from "../../protocol/encoding/bytes.ts";
import { type Envelope, parseLeaf } from "../../protocol/envelope/dsse.ts";
import { KEY_LENGTH } from "../../protocol/lookup/prefix-tree.ts";
import type { Addition } from "../../protocol/lookup/stored-tree.ts";
import { keysOfEntry } from "./keys-of-entry.ts";

/** Keys that are spread out at once; those of one entry are fewer. */
const KEYS_AT_ONCE = 16_384;

export interface IndexedEntry {
  /** Its keys, 32 bytes each. */
  readonly keys: Uint8Array;
  /** Of a status that states an index: the size of that. */
  readonly stated: number | null;
}

export function readEntry(leaf: Uint8Array): IndexedEntry {
  const envelope = parseLeaf(leaf, nativeSha256);
  return { keys: concatBytes(...keysOfEntry(envelope)), stated: statedBy(envelope) };
}

function statedBy({ statement }: Envelope): number | null {
  return statement.kind === "status" ? (statement.predicate.index?.size ?? null) : null;
}

/** Every key of entries with its entry, in their order: some at once, and all of each entry. @param first index of the first of them. */
export function* additionsOf(entries: readonly IndexedEntry[], first: number): Generator<Addition[]> {
  let additions: Addition[] = [];
  for (const [i, { keys }] of entries.entries()) {
    for (const key of keysIn(keys)) additions.push({ key, index: first + i });
    if (additions.length < KEYS_AT_ONCE) continue;
    yield additions;
    additions = [];
  }
  if (additions.length > 0) yield additions;
}

/** Keys that are one after the other. */
export function keysIn(keys: Uint8Array): Uint8Array[] {
  return Array.from({ length: keys.length / KEY_LENGTH }, (_, i) =>
    keys.subarray(i * KEY_LENGTH, (i + 1) * KEY_LENGTH),
  );
}
