// Trees with three levels of tiles, where a whole log of envelopes would take long to make.
import { beforeAll, describe, expect, it } from "vitest";
import { AuditFindings } from "../../src/auditor/audit-finding.ts";
import { TileReader } from "../../src/auditor/tile-reader.ts";
import { TreeReplay } from "../../src/auditor/tree-replay.ts";
import { hashLeaves } from "../../src/log/checking/checked-entry.ts";
import type { EntryChecker } from "../../src/log/checking/entry-checker.ts";
import { GrowingTree } from "../../src/log/tree/growing-tree.ts";
import { makeTree, type TestTree } from "../support/tree.ts";
import { flipBit, type Served, serveTree } from "./served-log.ts";

const SIZE = 65_536 + 256 + 3;
const entryOf = (i: number) => Uint8Array.of(i >> 16, (i >> 8) & 255, i & 255);

/** Looks at no entry. */
const hashing: EntryChecker = {
  ahead: 2,
  check: async (leaves) => ({ hashes: hashLeaves(await leaves), entries: [] }),
};

let tree: TestTree;
let served: Served;
beforeAll(() => {
  tree = makeTree(SIZE, entryOf);
  served = serveTree(
    tree,
    Array.from({ length: SIZE }, (_, i) => entryOf(i)),
    SIZE,
  );
});

async function replay(from: Served): Promise<{ root: Uint8Array; messages: string[] }> {
  const findings = new AuditFindings();
  const reader = new TileReader(async (path) => from.get(path));
  const replay = new TreeReplay(reader, findings, GrowingTree.empty(), SIZE);
  for await (const { hashes } of replay.ranges(hashing)) {
    for (const hash of hashes) replay.tree.append(hash);
    await replay.compareFull();
  }
  await replay.compareEdge();
  return {
    root: new Uint8Array(replay.tree.root()),
    messages: findings.list.map(({ code, message }) => `${code}: ${message.split(" ")[0]}`),
  };
}

describe("replaying three levels of tiles", () => {
  it("leads to the root, and agrees with every tile", async () => {
    const { root, messages } = await replay(served);
    expect(messages).toEqual([]);
    expect(root).toEqual(tree.roots[SIZE]);
  });

  it.each(["tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"])("finds a bit flipped in %s", async (path) => {
    const { root, messages } = await replay(flipBit(served, path, served.get(path)!.length - 1));
    expect(messages).toEqual([`tile-differs: ${path}`]);
    expect(root).toEqual(tree.roots[SIZE]);
  });

  it("finds a missing full tile of a higher level", async () => {
    const copy = new Map(served);
    copy.delete("tile/1/000");
    expect((await replay(copy)).messages).toEqual(["tile-missing: there"]);
  });

  it("ends where neither tile nor entries are to be had", async () => {
    const copy = new Map(served);
    copy.delete("tile/0/100");
    copy.delete("tile/entries/100");
    const { messages } = await replay(copy);
    expect(messages).toEqual(["bundle-missing: entry", "tile-missing: there"]);
  });
});
