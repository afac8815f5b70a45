// Defines the kind status: everything in force, summarised. It closes the gap that a log alone leaves open: inclusion proves presence,
// never absence.
import type { Status } from "./status.shape.ts";

export type { Status } from "./status.shape.ts";

export function isIssuedBeforeItExpires({ issuedAt, expires }: Status): boolean {
  return issuedAt < expires;
}

/** Whether the first one, and no other, follows nothing. */
export function isChained({ sequence, previous }: Status): boolean {
  return (sequence === 1) === (previous === null);
}

/** Whether the index, where there is one, is of the entries that the status summarises. */
export function isIndexOfItsTree({ index, treeSize }: Status): boolean {
  return index === null || index.size === treeSize;
}
