// Auditing a log as a stranger would: only what it shows, with nothing of src/log. Entries → leaf hashes → root by merkletreejs,
// tiles → the same root, checkpoint → its signatures, and every checkpoint seen before is a beginning of this one.
import { createHash } from "node:crypto";
import { MerkleTree } from "merkletreejs";
import { expect } from "vitest";
import type { PublishedLog } from "../../src/log/published-log.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { hashLeaf, rootOf } from "../../src/protocol/merkle/hash.ts";
import { parseEntryBundle, TILE_WIDTH, tilesOfSize } from "../../src/protocol/merkle/tile.ts";
import { type Checkpoint, parseCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { authenticateCheckpoint } from "../../src/protocol/note/cosigned-checkpoint.ts";
import { parseNote } from "../../src/protocol/note/signed-note.ts";
import { parseTlogPolicy } from "../../src/protocol/note/tlog-policy.ts";

type Readable = Pick<PublishedLog, "published" | "tile" | "entryBundle">;

const node = (data: Buffer) => createHash("sha256").update(Buffer.of(1)).update(data).digest();

/** The root of RFC 6962 by an implementation that shares nothing with ours. */
export function independentRoot(leafHashes: readonly Uint8Array[]): Buffer {
  const tree = new MerkleTree(
    leafHashes.map((hash) => Buffer.from(hash)),
    node,
    { hashLeaves: false },
  );
  return tree.getRoot();
}

/** Every entry of the published tree, read through bundles and compared with the tiles. */
export async function readEverything(
  log: Readable,
): Promise<{ checkpoint: Checkpoint; leaves: Uint8Array[]; hashes: Uint8Array[] }> {
  const { checkpoint } = log.published()!;
  const leaves: Uint8Array[] = [];
  const levels: Uint8Array[][] = [];
  for (const { level, full, partial } of tilesOfSize(checkpoint.size)) {
    const hashes: Uint8Array[] = [];
    for (let index = 0; index < full + (partial > 0 ? 1 : 0); index++) {
      const width = index < full ? TILE_WIDTH : partial;
      const tile = await log.tile(level, index, width);
      expect(tile, `tile ${level}/${index}`).toHaveLength(32 * width);
      for (let i = 0; i < width; i++) hashes.push(tile!.slice(32 * i, 32 * i + 32));
      if (level === 0) leaves.push(...parseEntryBundle((await log.entryBundle(index, width))!, width));
    }
    levels.push(hashes);
  }
  levels.forEach((hashes, level) => {
    const below = levels[level - 1];
    const expected = below === undefined ? leaves.map((leaf) => hashLeaf(leaf)) : rootsOfTiles(below);
    expect(hashes.map(encodeHex), `tiles of level ${level}`).toEqual(expected.map(encodeHex));
  });
  return { checkpoint, leaves, hashes: levels[0]! };
}

function rootsOfTiles(hashes: readonly Uint8Array[]): Uint8Array[] {
  const tiles = Math.floor(hashes.length / TILE_WIDTH);
  return Array.from({ length: tiles }, (_, i) => rootOf(hashes.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH)));
}

/**
 * The whole audit. @param logPolicy the tlog-policy that the checkpoint must satisfy.
 * @param seen notes of checkpoints that were seen earlier, in any order.
 */
export async function auditAsStranger(
  log: Readable,
  logPolicy: string,
  seen: readonly string[] = [],
): Promise<Uint8Array[]> {
  const { checkpoint, leaves, hashes } = await readEverything(log);
  await authenticateCheckpoint(log.published()!.note, parseTlogPolicy(logPolicy));
  expect(encodeHex(independentRoot(hashes)), "root by merkletreejs").toBe(encodeHex(checkpoint.root));
  for (const note of seen) {
    const earlier = parseCheckpoint(parseNote(note).text);
    expect(earlier.size).toBeLessThanOrEqual(checkpoint.size);
    expect(encodeHex(independentRoot(hashes.slice(0, earlier.size))), `fork at size ${earlier.size}`).toBe(
      encodeHex(earlier.root),
    );
  }
  return leaves;
}
