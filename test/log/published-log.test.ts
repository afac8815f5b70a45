// What is read of a store that has less than what is shown: a replica that is behind, asked by a process that led a moment ago.
import { expect, test } from "vitest";
import { Publication, type Published } from "../../src/log/checkpointing/publication.ts";
import { PublishedLog } from "../../src/log/published-log.ts";
import type { LogReader } from "../../src/log/store/log-store.ts";
import { GrowingTree } from "../../src/log/tree/growing-tree.ts";
import { Prover } from "../../src/log/tree/prover.ts";
import { hashLeaf } from "../../src/protocol/merkle/hash.ts";

const SHOWN = 300;
const STORED = 200;

function open(stored: number): PublishedLog {
  const leaves = Array.from({ length: SHOWN }, (_, i) => Uint8Array.of(i >> 8, i));
  const there = GrowingTree.empty();
  for (const leaf of leaves.slice(0, stored)) there.append(hashLeaf(leaf));
  const tiles = there.takeWrites();
  const shown = GrowingTree.empty();
  for (const leaf of leaves) shown.append(hashLeaf(leaf));
  const store = {
    readTile: async (level: number, index: number) =>
      tiles.find((tile) => tile.level === level && tile.index === index),
    readLeaves: async (start: number, end: number) => leaves.slice(start, Math.min(end, stored)),
  } as Partial<LogReader> as LogReader;
  const published = { checkpoint: { size: SHOWN }, edge: shown.edge() } as Published;
  const prover = new Prover(store, () => published.edge);
  return new PublishedLog(store, prover, new Publication(published));
}

test("no part of a tile or a bundle passes for all of it, and no proof is made of what is not there", async () => {
  const behind = open(STORED);
  await expect(behind.tile(0, 0, 256)).rejects.toThrow("not 256 hashes wide");
  await expect(behind.tile(0, 1, 44)).rejects.toThrow("tile 1 of level 0 is missing");
  await expect(behind.entryBundle(0, 256)).rejects.toThrow("entry 200 is missing");
  await expect(behind.proveInclusion(7, SHOWN)).rejects.toThrow("not 256 hashes wide");
  await expect(behind.proveConsistency(250, SHOWN)).rejects.toThrow("hashes wide");
  await expect(behind.rootAt(201)).rejects.toThrow("not 201 hashes wide");
});

test("what is there is answered", async () => {
  const behind = open(STORED);
  expect(await behind.tile(0, 0, STORED)).toHaveLength(32 * STORED);
  expect(await behind.proveInclusion(7, STORED)).toEqual(await open(SHOWN).proveInclusion(7, STORED));
});
