// Our own vectors: made by scripts/make-vectors.ts, published with the project, read here as a second implementation would.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { makeVectors, VECTORS } from "../../scripts/make-vectors.ts";
import { concatBytes } from "../../src/protocol/encoding/bytes.ts";
import { decodeHex, encodeHex } from "../../src/protocol/encoding/hex.ts";
import { verifyConsistency } from "../../src/protocol/merkle/consistency.ts";
import { hashLeaf, rootOf } from "../../src/protocol/merkle/hash.ts";
import { verifyInclusion } from "../../src/protocol/merkle/inclusion.ts";
import { parseEntryBundle, parseTilePath } from "../../src/protocol/merkle/tile.ts";
import { parseCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { verifyCosignedCheckpoint } from "../../src/protocol/note/cosigned-checkpoint.ts";
import { parsePrivateKey, parseVerifierKey } from "../../src/protocol/note/key.ts";
import { parseTlogPolicy } from "../../src/protocol/note/tlog-policy.ts";
import { parseTlogProof, verifyTlogProof } from "../../src/protocol/note/tlog-proof.ts";
import { outcomeOf } from "../support/refusals.ts";

const read = <T>(name: string): T => JSON.parse(readFileSync(`${VECTORS}${name}`, "utf8")) as T;

interface Key {
  name: string;
  keyId: string;
  type: number;
  seed: string;
  vkey: string;
  privateKey: string;
}
const keys = read<{ log: Key; witnesses: Key[] }>("keys.json");
const tree = read<{
  entries: string[];
  leafHashes: string[];
  roots: string[];
  inclusion: Array<{ index: number; size: number; proof: string[] }>;
  consistency: Array<{ from: number; to: number; proof: string[] }>;
}>("tree.json");
const tiles = read<{
  size: number;
  tiles: Array<{ path: string; bytes: string }>;
  paths: Array<{ level: number | "entries"; index: number; width: number; path: string }>;
}>("tiles.json");
const notes = read<{
  policy: string;
  checkpoints: Array<{ size: number; text: string; cosigned: Array<{ timestamp: number }>; note: string }>;
}>("checkpoints.json");
const proofs = read<{ cases: Array<{ leafHash: string; text: string; outcome: string }> }>("proofs.json");

const hash = (hex: string | undefined): Uint8Array => decodeHex(hex ?? "");

describe("the log's own vectors", () => {
  it("are what scripts/make-vectors.ts writes today", async () => {
    expect({
      "keys.json": keys,
      "tree.json": tree,
      "tiles.json": tiles,
      "checkpoints.json": notes,
      "proofs.json": proofs,
    }).toEqual(JSON.parse(JSON.stringify(await makeVectors())));
  });

  it("have keys whose texts, seeds and ids belong together", async () => {
    for (const key of [keys.log, ...keys.witnesses]) {
      const { verifierKey, seed } = await parsePrivateKey(key.privateKey);
      expect(verifierKey).toEqual(parseVerifierKey(key.vkey));
      expect([verifierKey.name, verifierKey.keyId, verifierKey.type]).toEqual([
        key.name,
        key.keyId,
        key.type,
      ]);
      expect(encodeHex(seed)).toBe(key.seed);
    }
  });

  it("have the leaf hashes, roots and proofs of their entries", () => {
    expect(tree.entries.map((entry) => encodeHex(hashLeaf(hash(entry))))).toEqual(tree.leafHashes);
    tree.roots.forEach((root, size) => {
      expect(encodeHex(rootOf(tree.leafHashes.slice(0, size).map(hash)))).toBe(root);
    });
    for (const { index, size, proof } of tree.inclusion) {
      const claim = { index, size, leafHash: hash(tree.leafHashes[index]), root: hash(tree.roots[size]) };
      verifyInclusion({ ...claim, proof: proof.map(hash) });
    }
    for (const { from, to, proof } of tree.consistency) {
      verifyConsistency({
        fromSize: from,
        fromRoot: hash(tree.roots[from]),
        toSize: to,
        toRoot: hash(tree.roots[to]),
        proof: proof.map(hash),
      });
    }
    expect([tree.inclusion.length, tree.consistency.length]).toEqual([15, 15]);
  });

  it("have the tile and the bundle of their entries, under their paths", () => {
    const [tile, bundle] = tiles.tiles;
    expect(parseTilePath(tile?.path ?? "")).toEqual({ level: 0, index: 0, width: 5 });
    expect(tile?.bytes).toBe(encodeHex(concatBytes(...tree.leafHashes.map(hash))));
    expect(parseTilePath(bundle?.path ?? "")).toEqual({ level: "entries", index: 0, width: 5 });
    expect(parseEntryBundle(hash(bundle?.bytes), tiles.size).map(encodeHex)).toEqual(tree.entries);
    for (const { path, ...parts } of tiles.paths) expect(parseTilePath(path)).toEqual(parts);
  });

  it("have checkpoints that verify under their policy at the time of their last cosignature", async () => {
    const policy = parseTlogPolicy(notes.policy);
    for (const { size, text, cosigned, note } of notes.checkpoints) {
      const now = new Date((cosigned[1]?.timestamp ?? 0) * 1000);
      const result = await verifyCosignedCheckpoint(note, policy, { now, maxAge: 60 });
      expect(result.checkpoint).toEqual(parseCheckpoint(text));
      expect([result.checkpoint.size, encodeHex(result.checkpoint.root)]).toEqual([size, tree.roots[size]]);
      expect(result.cosignatures.map(({ timestamp }) => timestamp)).toEqual(cosigned.map((c) => c.timestamp));
      const late = { now: new Date(now.getTime() + 1000), maxAge: 60 };
      expect(await outcomeOf(() => verifyCosignedCheckpoint(note, policy, late))).toBe("checkpoint-stale");
    }
    expect(notes.checkpoints).toHaveLength(6);
  });

  it("have proofs that end as they say", async () => {
    const policy = parseTlogPolicy(notes.policy);
    for (const { leafHash, text, outcome } of proofs.cases) {
      const ended = await outcomeOf(() => verifyTlogProof(parseTlogProof(text), hash(leafHash), policy));
      expect(ended, text).toBe(outcome);
    }
    expect(proofs.cases).toHaveLength(12);
  });
});
