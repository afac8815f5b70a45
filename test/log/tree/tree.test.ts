// The tree in tiles: the same as an independent tree over the same leaf hashes, tile for tile, at every size, and so is every proof.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TileWrite } from "../../../src/log/store/log-store.ts";
import type { StoredTile, TileStore } from "../../../src/log/store/tile-store.ts";
import { GrowingTree } from "../../../src/log/tree/growing-tree.ts";
import { Prover } from "../../../src/log/tree/prover.ts";
import { TileNodes } from "../../../src/log/tree/tile-nodes.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { verifyConsistency } from "../../../src/protocol/merkle/consistency.ts";
import { rootOf } from "../../../src/protocol/merkle/hash.ts";
import { verifyInclusion } from "../../../src/protocol/merkle/inclusion.ts";
import { TILE_WIDTH, tilesOfSize } from "../../../src/protocol/merkle/tile.ts";
import { independentRoot } from "../../support/stranger.ts";

const MAX = 70_000;
const leafHashes = Array.from(
  { length: MAX },
  (_, i) => new Uint8Array(createHash("sha256").update(`leaf ${i}`).digest()),
);

/** A tile store in memory that keeps copies, and refuses a tile that does not continue the one before it. */
class MemoryTiles implements TileStore {
  readonly tiles = new Map<string, StoredTile>();

  write(writes: readonly TileWrite[]): void {
    for (const { level, index, hashes, inner } of writes) {
      const key = `${level}/${index}`;
      const before = this.tiles.get(key)?.hashes ?? new Uint8Array(0);
      expect(Buffer.from(hashes.subarray(0, before.length)).equals(before)).toBe(true);
      this.tiles.set(key, { hashes: hashes.slice(), inner: inner?.slice() ?? null });
    }
  }

  async readTile(level: number, index: number): Promise<StoredTile | undefined> {
    return this.tiles.get(`${level}/${index}`);
  }

  async readLeaves(): Promise<Uint8Array[]> {
    return [];
  }
}

/** The hashes of one tile level, by the definition of tlog-tiles: roots of whole runs of 256^level leaves. */
const LEVELS: Uint8Array[][] = [leafHashes];
for (let level = 1; level <= 2; level++) {
  const below = LEVELS[level - 1]!;
  LEVELS.push(
    Array.from({ length: Math.floor(below.length / TILE_WIDTH) }, (_, i) =>
      rootOf(below.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH)),
    ),
  );
}

async function expectTilesOf(size: number, store: TileStore): Promise<void> {
  for (const { level, full, partial } of tilesOfSize(size)) {
    for (const [index, width] of [
      ...(full > 0 ? [[full - 1, TILE_WIDTH]] : []),
      ...(partial > 0 ? [[full, partial]] : []),
    ]) {
      const expected = LEVELS[level]!.slice(index! * TILE_WIDTH, index! * TILE_WIDTH + width!);
      const stored = await store.readTile(level, index!);
      expect(encodeHex(stored!.hashes), `tile ${level}/${index} of size ${size}`).toBe(
        encodeHex(Buffer.concat(expected)),
      );
      expect(stored!.inner === null).toBe(width! < TILE_WIDTH);
    }
  }
}

describe("the growing tree", () => {
  it("writes the tiles that the sizes up to 70,000 have, however the leaves are split into batches", {
    timeout: 120_000,
  }, async () => {
    const store = new MemoryTiles();
    let tree = GrowingTree.empty();
    const stops = new Set([
      1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_791, 65_792, 65_793, 70_000,
    ]);
    for (let size = 0, step = 1; size < MAX; step = (step * 7 + 3) % 509 || 1) {
      const end = Math.min(MAX, size + step, ...[...stops].filter((stop) => stop > size));
      while (size < end) tree.append(leafHashes[size++]!);
      store.write(tree.takeWrites());
      await expectTilesOf(size, store);
      if (stops.has(size)) {
        const head = { size, root: tree.root() };
        expect(encodeHex(head.root)).toBe(encodeHex(rootOf(leafHashes.slice(0, size))));
        tree = await GrowingTree.load(store, head);
        expect(encodeHex(tree.rootWith(leafHashes.slice(size, size + 3)))).toBe(
          encodeHex(rootOf(leafHashes.slice(0, size + 3))),
        );
        expect(tree.size).toBe(size);
      }
    }
    expect(store.tiles.size).toBe(273 + 1 + 1 + 1 + 1);
  });

  it("gives away tiles and edges that later leaves do not change", () => {
    const tree = GrowingTree.empty();
    const given: Array<{ readonly bytes: () => Uint8Array; readonly was: string }> = [];
    const give = (bytes: () => Uint8Array) => given.push({ bytes, was: encodeHex(bytes()) });
    for (const [i, hash] of leafHashes.slice(0, 600).entries()) {
      tree.append(hash);
      const edge = tree.edge();
      const { level, full } = tilesOfSize(i + 1)[0]!;
      give(() => edge.edgeTile(level, full)?.hashes ?? new Uint8Array(0));
      for (const { hashes, inner } of i % 3 === 0 ? tree.takeWrites() : []) {
        give(() => hashes);
        give(() => inner ?? new Uint8Array(0));
      }
    }
    for (const { bytes, was } of given) expect(encodeHex(bytes())).toBe(was);
  });

  it("refuses to start on a tile that is missing, too narrow or changed", async () => {
    const store = new MemoryTiles();
    const tree = GrowingTree.empty();
    for (const hash of leafHashes.slice(0, 300)) tree.append(hash);
    store.write(tree.takeWrites());
    const head = { size: 300, root: tree.root() };
    const tile = store.tiles.get("0/1")!;
    const broken = [
      undefined,
      { ...tile, hashes: tile.hashes.slice(0, 32) },
      { ...tile, hashes: tile.hashes.toReversed() },
    ];
    for (const change of broken) {
      if (change === undefined) store.tiles.delete("0/1");
      else store.tiles.set("0/1", change);
      await expect(GrowingTree.load(store, head)).rejects.toMatchObject({
        name: "StartRefusedError",
        code: "log-damaged",
      });
    }
  });
});

describe("the prover", () => {
  const store = new MemoryTiles();
  const tree = GrowingTree.empty();
  for (const hash of leafHashes) tree.append(hash);
  store.write(tree.takeWrites());
  const prover = new Prover(store, () => tree);
  const size = fc.integer({ min: 1, max: MAX });

  it("proves every leaf in every earlier tree", async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(MAX), async (n, at) => {
        const index = at % n;
        const proof = await prover.inclusion(index, n);
        const root = await prover.rootAt(n);
        verifyInclusion({ index, size: n, leafHash: leafHashes[index]!, root, proof });
      }),
      { numRuns: 400 },
    );
  });

  it("proves every earlier tree to be a beginning of every later one", async () => {
    await fc.assert(
      fc.asyncProperty(size, size, async (a, b) => {
        const [fromSize, toSize] = [Math.min(a, b), Math.max(a, b)];
        const [fromRoot, toRoot] = [await prover.rootAt(fromSize), await prover.rootAt(toSize)];
        verifyConsistency({
          fromSize,
          fromRoot,
          toSize,
          toRoot,
          proof: await prover.consistency(fromSize, toSize),
        });
      }),
      { numRuns: 400 },
    );
  });

  it("has the roots of an independent tree", async () => {
    for (const n of [1, 255, 256, 257, 4097, 65_536, 69_999]) {
      expect(encodeHex(await prover.rootAt(n))).toBe(encodeHex(independentRoot(leafHashes.slice(0, n))));
    }
  });

  it("never answers out of a tile as it was before it grew", async () => {
    const growing = new MemoryTiles();
    const edge = GrowingTree.empty();
    // One that holds the right edge itself, and one that has tiles alone, as a mirror.
    const provers = [new Prover(growing, () => edge), new Prover(growing, () => GrowingTree.empty())];
    for (const n of [1, 3, 200, 255, 256, 257, 300, 511, 512, 513, 1000]) {
      while (edge.size < n) edge.append(leafHashes[edge.size]!);
      growing.write(edge.takeWrites());
      const root = edge.root();
      // Twice: what the first round leaves in memory answers the second.
      for (const again of [...provers, ...provers]) {
        for (const index of [0, 1, 199, 254, 255, 256, 511, n - 2, n - 1].filter((i) => i >= 0 && i < n)) {
          const { leafHash, proof } = await again.prove(index, n);
          expect(encodeHex(leafHash)).toBe(encodeHex(leafHashes[index]!));
          verifyInclusion({ index, size: n, leafHash, root, proof });
        }
      }
    }
  });

  it("reads no tile twice as a whole, and no more than paths where there are more than it keeps", async () => {
    const read: string[] = [];
    const inParts = {
      readTile(level: number, index: number) {
        read.push(`${level}/${index}`);
        return store.readTile(level, index);
      },
      readLeaves: async () => [],
      readPath: async (index: number, i: number) => TileNodes.of((await store.readTile(0, index))!).path(i),
    };
    const again = new Prover(inParts, () => tree);
    const root = tree.root();
    for (const step of [97, 101]) {
      for (let index = 0; index < MAX; index += step) {
        const { leafHash, proof } = await again.prove(index, MAX);
        expect(encodeHex(leafHash)).toBe(encodeHex(leafHashes[index]!));
        verifyInclusion({ index, size: MAX, leafHash, root, proof });
      }
    }
    expect(new Set(read).size).toBe(read.length);
    expect(read.filter((tile) => tile.startsWith("0/"))).toHaveLength(256);
  });

  it("refuses leaves and trees that do not exist", async () => {
    await expect(prover.inclusion(5, 5)).rejects.toThrow(RangeError);
    await expect(prover.consistency(0, 5)).rejects.toThrow(RangeError);
    await expect(prover.consistency(6, 5)).rejects.toThrow(RangeError);
  });
});
