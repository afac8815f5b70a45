// Keeps the prefix tree in pages of four levels: what a key's next hex digit leads to. How a page is written is private to whoever stores it;
// no proof and no root depends on it.
import type { Hash } from "../cryptography/hash.ts";
import { ByteReader } from "../encoding/bytes.ts";
import { HASH_LENGTH, hashChildren } from "../merkle/hash.ts";
import { EMPTY_SUBTREE, hashKey, KEY_LENGTH } from "./prefix-tree.ts";

/** Levels of the binary tree in a page, and what its lowest one has. */
export const PAGE_LEVELS = 4;
const SLOTS = 2 ** PAGE_LEVELS;

/** A key that is the only one below its slot. */
export interface Leaf {
  readonly key: Uint8Array;
  readonly valueHash: Uint8Array;
}

/** What is below a hex digit: nothing, one key, or a page of two keys and more, by its hash. */
export type Slot = null | Leaf | { readonly page: Uint8Array };
/** Sixteen of them. */
export type Page = Slot[];

export function emptyPage(): Page {
  return new Array<Slot>(SLOTS).fill(null);
}

export function isLeaf(slot: Slot): slot is Leaf {
  return slot !== null && "key" in slot;
}

/** A subtree of a page: its slots from `start` to before `end`. */
export type Subtree =
  | { readonly hash: Uint8Array; readonly end: null }
  /** Nothing is below it, or one key: a path ends here. */
  | { readonly hash: Uint8Array; readonly end: Leaf | "empty" };

/** The subtree over the slots from `start` to before `start + width`, a power of two. */
export function subtreeOf(page: Page, start: number, width: number, hash: Hash): Subtree {
  if (width === 1) return subtreeOfSlot(page[start] as Slot, hash);
  const left = subtreeOf(page, start, width / 2, hash);
  const right = subtreeOf(page, start + width / 2, width / 2, hash);
  // A subtree that has one key is that key's leaf, and one that has none is empty.
  if (right.end === "empty" && left.end !== null) return left;
  if (left.end === "empty" && right.end !== null) return right;
  return { hash: hashChildren(left.hash, right.hash, hash), end: null };
}

function subtreeOfSlot(slot: Slot, hash: Hash): Subtree {
  if (slot === null) return { hash: EMPTY_SUBTREE, end: "empty" };
  if (isLeaf(slot)) return { hash: hashKey(slot.key, slot.valueHash, hash), end: slot };
  return { hash: slot.page, end: null };
}

/** The hash of everything in and below a page. */
export function hashPage(page: Page, hash: Hash): Uint8Array {
  return subtreeOf(page, 0, SLOTS, hash).hash;
}

const EMPTY = 0;
const LEAF = 1;
const PAGE = 2;

/** One byte for each slot, then what is in those that are not empty: key and value hash, or the hash of a page. */
export function encodePage(page: Page): Uint8Array {
  const contents = page.flatMap(contentOf);
  const bytes = new Uint8Array(SLOTS + HASH_LENGTH * contents.length);
  for (const [i, slot] of page.entries()) bytes[i] = slot === null ? EMPTY : isLeaf(slot) ? LEAF : PAGE;
  for (const [i, content] of contents.entries()) bytes.set(content, SLOTS + HASH_LENGTH * i);
  return bytes;
}

/** Of 32 bytes each. */
function contentOf(slot: Slot): Uint8Array[] {
  if (slot === null) return [];
  return isLeaf(slot) ? [slot.key, slot.valueHash] : [slot.page];
}

/** @throws MalformedError when it is not what encodePage writes. */
export function decodePage(bytes: Uint8Array): Page {
  const reader = new ByteReader(bytes, "page of the index");
  const tags = reader.take(SLOTS, "tags");
  return Array.from(tags, (tag) => {
    if (tag === LEAF)
      return { key: reader.take(KEY_LENGTH, "key"), valueHash: reader.take(HASH_LENGTH, "value hash") };
    return tag === PAGE ? { page: reader.take(HASH_LENGTH, "hash") } : null;
  });
}
