// Adds entries to the prefix tree of the index and proves from it, wherever its pages are kept. Each page that changes is read and written
// once a call, so that the more entries come together, the less each of them costs.
import { type Hash, sha256 } from "../cryptography/hash.ts";
import { equalBytes } from "../encoding/bytes.ts";
import { appendEntry, bitOf, KEY_BITS, type LookupProof, NO_ENTRIES } from "./prefix-tree.ts";
import {
  decodePage,
  emptyPage,
  encodePage,
  hashPage,
  isLeaf,
  type Leaf,
  PAGE_LEVELS,
  type Page,
  type Slot,
  subtreeOf,
} from "./tree-page.ts";

/**
 * Pages by the hex digits that all keys below them begin with; the top one has none. A `Map` is one.
 * @example
 * ```ts
 * import type { PageStore } from "touchstone/protocol";
 * const inMemory: PageStore = new Map<string, Uint8Array>();
 * ```
 */
export interface PageStore {
  get(prefix: string): Uint8Array | undefined;
  set(prefix: string, page: Uint8Array): unknown;
}

/**
 * An entry that is found by a key.
 * @example
 * ```ts
 * import { type Addition, type Envelope, keyOfTerm, termsOf } from "touchstone/protocol";
 * const additions = (entry: Envelope, index: number): Addition[] =>
 *   termsOf(entry).map((term) => ({ key: keyOfTerm(term), index }));
 * ```
 */
export interface Addition {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** Index of the entry in the log. */
  readonly index: number;
}

/**
 * Adds entries to the tree.
 * @param additions in ascending order of their entries, each key once an entry, and none that is in the tree.
 * @returns the new root, 32 bytes.
 * @example
 * ```ts
 * import { addToTree, type Envelope, keyOfTerm, termsOf } from "touchstone/protocol";
 * const rootOfIndex = (entries: readonly Envelope[]): Uint8Array => {
 *   const found = entries.flatMap((entry, index) => termsOf(entry).map((term) => ({ key: keyOfTerm(term), index })));
 *   return addToTree(new Map(), found);
 * };
 * ```
 */
export function addToTree(pages: PageStore, additions: readonly Addition[], hash: Hash = sha256): Uint8Array {
  if (additions.length === 0) return rootOfTree(pages, hash);
  return addToPage(pages, "", readPage(pages, ""), additions, hash);
}

/** The root of the tree, 32 bytes; that of a tree without keys is 32 zero bytes. */
export function rootOfTree(pages: Pick<PageStore, "get">, hash: Hash = sha256): Uint8Array {
  return hashPage(readPage(pages, ""), hash);
}

/**
 * What a tree says of a key.
 * @example
 * ```ts
 * import type { Proven } from "touchstone/protocol";
 * const isThere = ({ valueHash }: Proven): boolean => valueHash !== null;
 * ```
 */
export interface Proven {
  /** Of all its entries; null where it has none. */
  readonly valueHash: Uint8Array | null;
  readonly proof: LookupProof;
}

/**
 * Proves which entries a key has, or that it has none.
 * @throws Error for a store that lacks a page.
 * @example
 * ```ts
 * import { keyOfTerm, type PageStore, type Proven, parseTerm, proveKey } from "touchstone/protocol";
 * const prove = (pages: PageStore, digest: string): Proven => proveKey(pages, keyOfTerm(parseTerm("digest", digest)));
 * ```
 */
export function proveKey(pages: Pick<PageStore, "get">, key: Uint8Array, hash: Hash = sha256): Proven {
  const siblings: Uint8Array[] = [];
  let prefix = "";
  let page = readPage(pages, prefix);
  let [start, width] = [0, 2 ** PAGE_LEVELS];
  for (let depth = 0; depth <= KEY_BITS; depth++) {
    const { end } = subtreeOf(page, start, width, hash);
    if (end !== null) return provenAt(end, key, siblings.reverse());
    if (width === 1) {
      prefix += start.toString(16);
      page = readPage(pages, prefix);
      [start, width] = [0, 2 ** PAGE_LEVELS];
    }
    width /= 2;
    const [left, right] = [start, start + width];
    const isRight = bitOf(key, depth) === 1;
    siblings.push(subtreeOf(page, isRight ? left : right, width, hash).hash);
    start = isRight ? right : left;
  }
  throw new Error(`the index has no leaf at the end of page ${prefix}`);
}

function provenAt(end: Leaf | "empty", key: Uint8Array, siblings: Uint8Array[]): Proven {
  if (end === "empty") return { valueHash: null, proof: { siblings, other: null } };
  return equalBytes(end.key, key)
    ? { valueHash: end.valueHash, proof: { siblings, other: null } }
    : { valueHash: null, proof: { siblings, other: end } };
}

/** Writes a page to which entries were added. @returns its hash. */
function addToPage(
  pages: PageStore,
  prefix: string,
  page: Page,
  additions: readonly Addition[],
  hash: Hash,
): Uint8Array {
  for (const [digit, group] of byDigit(additions, prefix.length).entries())
    if (group.length > 0)
      page[digit] = addToSlot(pages, prefix + digit.toString(16), page[digit] as Slot, group, hash);
  pages.set(prefix, encodePage(page));
  return hashPage(page, hash);
}

/** @param prefix that of the page below the slot. @param group at least one, whose keys all lead here. */
function addToSlot(
  pages: PageStore,
  prefix: string,
  slot: Slot,
  group: readonly Addition[],
  hash: Hash,
): Slot {
  const key = isLeaf(slot) ? slot.key : (group[0] as Addition).key;
  if ((slot === null || isLeaf(slot)) && group.every((addition) => equalBytes(addition.key, key))) {
    const valueHash = group.reduce(
      (value, { index }) => appendEntry(value, index, hash),
      slot?.valueHash ?? NO_ENTRIES,
    );
    return { key, valueHash };
  }
  const below = slot !== null && !isLeaf(slot) ? readPage(pages, prefix) : emptyPage();
  if (isLeaf(slot)) below[digitOf(slot.key, prefix.length)] = slot;
  return { page: addToPage(pages, prefix, below, group, hash) };
}

function byDigit(additions: readonly Addition[], position: number): Addition[][] {
  const groups: Addition[][] = emptyPage().map(() => []);
  for (const addition of additions) groups[digitOf(addition.key, position)]?.push(addition);
  return groups;
}

/** The hex digit of a key at a position, as a number. */
function digitOf(key: Uint8Array, position: number): number {
  const byte = key[position >> 1] as number;
  return position % 2 === 0 ? byte >> 4 : byte & 15;
}

/** A page that was never written is empty, which only the top one can be. */
function readPage(pages: Pick<PageStore, "get">, prefix: string): Page {
  const bytes = pages.get(prefix);
  if (bytes === undefined && prefix !== "") throw new Error(`the index lacks page ${prefix}: build it again`);
  return bytes === undefined ? emptyPage() : decodePage(bytes);
}
