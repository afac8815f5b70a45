// The contract of LogStore, as tests that run on every back end: compare-and-swap, all or nothing, what is found again, one writer.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ClusterStore } from "../../../src/log/store/leadership.ts";
import type { LogReader, SearchQuery } from "../../../src/log/store/log-store.ts";
import { openCluster, openSnapshot, openStore } from "../../../src/log/store/open-store.ts";
import type { StoreLocation } from "../../../src/log/store/store-location.ts";
import { GrowingTree } from "../../../src/log/tree/growing-tree.ts";
import { TileNodes } from "../../../src/log/tree/tile-nodes.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { hashLeaf } from "../../../src/protocol/merkle/hash.ts";
import { NOW } from "../../support/clock.ts";
import { sha256Of } from "../../support/release-predicates.ts";
import { leaf, oneEntry } from "./entries.ts";
import type { StoreUnderTest } from "./stores.ts";

const find = async (store: LogReader, query: SearchQuery) => (await store.search(query)).indexes;

export function describeContract(under: StoreUnderTest): void {
  let folder: string;
  let located: StoreLocation;
  let stop: (() => void | Promise<void>) | undefined;
  const location = () => located;
  const open = () => openStore(location(), NOW, under.sessions);

  beforeAll(() => {
    stop = under.start?.();
  });
  afterAll(() => stop?.());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "touchstone-store-"));
    located = under.locate(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  describe("append", () => {
    it("is a compare-and-swap on the tree size", async () => {
      const store = await open();
      await store.append(0, oneEntry(0));
      await expect(store.append(0, oneEntry(0))).rejects.toMatchObject({ name: "ConflictError" });
      await expect(store.append(2, oneEntry(2))).rejects.toMatchObject({ name: "ConflictError" });
      await expect(
        store.append(1, { ...oneEntry(1), head: { size: 3, root: new Uint8Array(32) } }),
      ).rejects.toMatchObject({
        name: "ConflictError",
      });
      expect((await store.head()).size).toBe(1);
      await store.close();
    });

    it("writes everything or nothing", async () => {
      const store = await open();
      await store.append(0, oneEntry(0));
      const same = { payloadDigest: sha256Of("payload 0") };
      await expect(store.append(1, oneEntry(1, same))).rejects.toThrow(under.notUnique);
      await expect(store.append(1, oneEntry(1, { name: "vm-0" }))).rejects.toThrow(under.notUnique);
      expect((await store.head()).size).toBe(1);
      expect((await store.readTile(0, 0))?.hashes).toHaveLength(32);
      expect(await store.readLeaves(0, 9)).toHaveLength(1);
      expect(await find(store, { digest: sha256Of("digest 1"), before: 9, limit: 9 })).toEqual([]);
      await store.append(1, oneEntry(1));
      await store.close();
    });

    it("leaves no attachment of an append that fails", async () => {
      const store = await open();
      await store.append(0, oneEntry(0));
      const digest = sha256Of("leaf");
      const same = oneEntry(1, { payloadDigest: sha256Of("payload 0") });
      const noTile = { level: 0, index: -1, hashes: new Uint8Array(32), inner: null };
      for (const append of [same, { ...oneEntry(1), tiles: [noTile] }]) {
        await expect(
          store.append(1, { ...append, attachments: [{ digest, bytes: leaf }] }),
        ).rejects.toThrow();
        expect(await store.attachment(digest)).toBeUndefined();
      }
      expect((await store.head()).size).toBe(1);
      await store.close();
    });

    it("reads the path from a hash to the root of its tile, once the tile is full", async (context) => {
      const store = await open();
      const readPath = store.readPath?.bind(store) ?? context.skip("reading parts of tiles is optional");
      const tree = GrowingTree.empty();
      const append = (size: number) => {
        const from = tree.size;
        while (tree.size < size) tree.append(hashLeaf(Buffer.from(`${tree.size}`)));
        const entries = Array.from({ length: size - from }, (_, i) => {
          const index = from + i;
          const payloadDigest = sha256Of(`payload ${index}`);
          return oneEntry(0, { index, payloadDigest, name: `vm-${index}`, tokens: [], digests: [] }).entries;
        }).flat();
        return store.append(from, {
          entries,
          tiles: tree.takeWrites(),
          attachments: [],
          head: { size, root: tree.root() },
        });
      };
      await append(255);
      expect(await readPath(0, 0)).toBeUndefined();
      await append(257);
      expect(await readPath(1, 0)).toBeUndefined();
      // Two tiles in one append, of which one was begun and the other is written full.
      await append(769);
      for (const index of [0, 1, 2]) {
        const tile = await store.readTile(0, index);
        const nodes = TileNodes.of({ hashes: tile?.hashes ?? leaf, inner: null });
        for (let i = 0; i < 256; i++) {
          expect((await readPath(index, i))?.map(encodeHex)).toEqual(nodes.path(i).map(encodeHex));
        }
      }
      expect(await readPath(3, 0)).toBeUndefined();
      await store.close();
    });

    it("reads what it is given before anybody can change it, and is carried out in order", async () => {
      const store = await open();
      const [first, second] = [oneEntry(0, { leaf: Buffer.from("first") }), oneEntry(1)];
      const document = { digest: sha256Of("leaf"), bytes: leaf.slice() };
      const appends = [store.append(0, { ...first, attachments: [document] }), store.append(1, second)];
      const views = [...first.entries.map((entry) => entry.leaf), ...first.tiles.map(({ hashes }) => hashes)];
      for (const view of [...views, first.head.root, document.bytes]) view.fill(7);
      await Promise.all(appends);
      expect(await store.readEntries([0, 1])).toEqual([Buffer.from("first"), Buffer.from(leaf)]);
      expect((await store.readTile(0, 0))?.hashes.subarray(0, 32)).toEqual(Buffer.from(hashLeaf(leaf)));
      expect(Buffer.from((await store.attachment(document.digest))!).toString()).toBe("leaf");
      expect((await store.head()).size).toBe(2);
      await store.close();
    });

    it("never shows a reader the half of it", async () => {
      const store = await open();
      const entries = Array.from({ length: 300 }, (_, i) => oneEntry(i).entries).flat();
      const tree = GrowingTree.empty();
      for (const entry of entries) tree.append(hashLeaf(entry.leaf));
      const appended = store.append(0, {
        entries,
        tiles: tree.takeWrites(),
        attachments: [],
        head: { size: 300, root: tree.root() },
      });
      let isOver = false;
      void appended.finally(() => {
        isOver = true;
      });
      const seen = new Set<string>();
      while (!isOver) {
        const { size } = await store.head();
        const leaves = await store.readLeaves(0, size);
        seen.add(`${size} ${leaves.length} ${(await store.readTile(1, 0)) !== undefined || size === 0}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (const line of seen) expect(["0 0 true", "300 300 true"]).toContain(line);
      await store.close();
    });

    it("survives closing and opening again", async () => {
      const store = await open();
      await store.append(0, oneEntry(0));
      const checkpoint = { size: 1, cosignedAt: 10, note: "note" };
      await store.addCheckpoint(checkpoint);
      await store.close();
      const again = await open();
      expect((await again.head()).size).toBe(1);
      expect(await again.newestCheckpoint()).toEqual(checkpoint);
      await again.close();
      await again.close();
      await expect(again.append(1, oneEntry(1))).rejects.toThrow();
    });
  });

  describe("a probe", () => {
    it("writes, changes nothing, and fails where nothing can be written", async () => {
      const store = await open();
      await store.append(0, oneEntry(0));
      await store.probe();
      expect((await store.head()).size).toBe(1);
      const unblock = under.saboteur.blockWrites(location());
      await expect(store.probe()).rejects.toThrow(under.blocked);
      await expect(store.append(1, oneEntry(1))).rejects.toThrow(under.blocked);
      unblock();
      await store.probe();
      await store.append(1, oneEntry(1));
      await store.close();
    });
  });

  describe("a second writer", () => {
    it("fails at once in this process and in another, while readers are let in", async () => {
      const store = await open();
      await store.append(0, oneEntry(0));
      await expect(open()).rejects.toMatchObject({ code: "log-in-use" });
      const begun = performance.now();
      const child = join(import.meta.dirname, "../../support/second-writer.ts");
      const output = execFileSync(
        process.execPath,
        ["--experimental-strip-types", child, JSON.stringify(location())],
        {
          encoding: "utf8",
        },
      );
      expect(output).toMatch(/^log-in-use: .*one writer/);
      expect(performance.now() - begun).toBeLessThan(20_000);
      const reader = await openSnapshot(location());
      expect((await reader.head()).size).toBe(1);
      await reader.close();
      await store.close();
      expect(
        execFileSync(process.execPath, ["--experimental-strip-types", child, JSON.stringify(location())], {
          encoding: "utf8",
        }),
      ).toBe("opened\n");
    });
  });

  describe("an epoch", () => {
    const me = { id: "me", address: "https://me.example" };
    const campaign = (cluster: ClusterStore) => cluster.leadership.campaign(me, new AbortController().signal);

    it("is raised by everybody who writes, and says who that is", async () => {
      await (await open()).close();
      const cluster = await openCluster(location(), () => NOW, under.sessions);
      expect(await cluster.leadership.leader()).toBeNull();
      const epochs: number[] = [];
      for (let i = 0; i < 3; i++) {
        const writer = await campaign(cluster);
        epochs.push(writer.epoch);
        expect(await cluster.leadership.leader()).toEqual({ ...me, epoch: writer.epoch });
        expect(Math.abs(writer.takenAt.getTime() - NOW.getTime())).toBeLessThan(under.clockTolerance);
        await writer.renew();
        expect(writer.lost.aborted).toBe(false);
        await writer.close();
        expect(await cluster.leadership.leader()).toBeNull();
      }
      expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
      await cluster.close();
    });

    it("that is over commits nothing any more, not even what was sent before", async () => {
      await (await open()).close();
      const cluster = await openCluster(location(), () => NOW, under.sessions);
      const writer = await campaign(cluster);
      await writer.append(0, oneEntry(0));
      under.saboteur.beginEpoch(location());
      const late = [
        writer.append(1, oneEntry(1)),
        writer.addCheckpoint({ size: 1, cosignedAt: 10, note: "late" }),
        writer.renew(),
      ];
      for (const call of late) await expect(call).rejects.toMatchObject({ name: "LeadershipLostError" });
      expect(writer.lost.reason).toMatchObject({ name: "LeadershipLostError" });
      expect((await cluster.reader.head()).size).toBe(1);
      expect(await cluster.reader.newestCheckpoint()).toBeUndefined();
      await writer.close();
      const next = await campaign(cluster);
      await next.append(1, oneEntry(1));
      await next.close();
      await cluster.close();
    });

    it("is not campaigned for by who has given up", async () => {
      await (await open()).close();
      const cluster = await openCluster(location(), () => NOW, under.sessions);
      const reason = new Error("stopped");
      await expect(cluster.leadership.campaign(me, AbortSignal.abort(reason))).rejects.toBe(reason);
      await cluster.close();
    });
  });

  describe("a reader", () => {
    const never = () => new AbortController().signal;
    const nothing = { size: 0, cosignedAt: null };

    it("is told of appends and checkpoints, its own time being over, and that it should stop", async () => {
      const store = await open();
      const cluster = await openCluster(location(), () => NOW, under.sessions);
      const { reader } = cluster;
      await reader.changed(nothing, 1, never());
      await reader.changed(nothing, 60_000, AbortSignal.abort());
      const stop = new AbortController();
      const waiting = reader.changed(nothing, 60_000, stop.signal);
      stop.abort();
      await waiting;
      const appended = reader.changed(nothing, 60_000, never());
      await store.append(0, oneEntry(0));
      await appended;
      await reader.changed(nothing, 60_000, never());
      const published = reader.changed({ size: 1, cosignedAt: null }, 60_000, never());
      await store.addCheckpoint({ size: 1, cosignedAt: 10, note: "note" });
      await published;
      await cluster.close();
      await store.close();
    });
  });

  describe("what was stored", () => {
    it("is found by digest, identity and index, and not before it is there", async () => {
      const store = await open();
      await store.append(0, oneEntry(0));
      await store.append(1, oneEntry(1, { kind: "revocation" }));
      const known = (i: number, kind: string) => ({
        index: i,
        kind,
        name: `vm-${i}`,
        version: "1",
        digest: sha256Of(`payload ${i}`),
      });
      const identities = [
        known(0, "platform"),
        known(1, "platform"),
        known(1, "revocation"),
        known(0, "platform"),
      ];
      const tokens = [sha256Of("token 1"), sha256Of("token 2")];
      const found = await store.lookup({ digests: [sha256Of("payload 2")], identities, tokens });
      expect(found).toEqual({
        entries: [],
        identities: [known(0, "platform"), known(1, "revocation")],
        attachments: [],
        tokens: [sha256Of("token 1")],
      });
      expect(await store.lookup({})).toEqual({ entries: [], identities: [], attachments: [], tokens: [] });
      expect(await store.readEntries([1, 0, 1])).toHaveLength(3);
      await expect(store.readEntries([0, 2])).rejects.toThrow(/missing/);
      const query = { before: 9, limit: 9 };
      expect(await find(store, { ...query, publisher: sha256Of("key") })).toEqual([1, 0]);
      expect(await find(store, { ...query, publisher: sha256Of("key"), limit: 1 })).toEqual([1]);
      expect(await find(store, { ...query, kind: "platform" })).toEqual([0]);
      expect(await find(store, { ...query, name: "vm-1", before: 1 })).toEqual([]);
      await store.close();
    });

    it("is searched page by page, which neither skip nor repeat, whatever conditions meet", async () => {
      const store = await open();
      const kinds = ["platform", "os-image", "policy"] as const;
      const facts = (i: number) => ({
        kind: kinds[i % 3]!,
        name: `vm-${i % 5}`,
        version: String(i % 2 === 0 ? i : 1),
        signers: [sha256Of(`key ${i % 4}`)],
        digests: [sha256Of(`digest ${i % 7}`)],
      });
      // Two entries of one kind, name and version cannot be: the names of those are their own.
      const entryOf = (i: number) => ({ ...facts(i), ...(i % 2 === 1 && { name: `odd-${i}` }) });
      for (let i = 0; i < 60; i++) await store.append(i, oneEntry(i, entryOf(i)));
      const queries: Array<Partial<SearchQuery>> = [
        {},
        { kind: "policy" },
        { version: "1", kind: "policy" },
        { name: "vm-0", version: "10" },
        { publisher: sha256Of("key 2"), kind: "os-image" },
        { kind: "platform", name: "vm-4" },
        { publisher: sha256Of("key 1"), kind: "platform", version: "1" },
        { name: "nobody", kind: "platform" },
      ];
      for (const query of queries) {
        const expected = Array.from({ length: 60 }, (_, i) => 59 - i).filter((i) => {
          const { kind, name, version, signers } = entryOf(i);
          return (
            (query.kind ?? kind) === kind &&
            (query.name ?? name) === name &&
            (query.version ?? version) === version &&
            (query.publisher ?? signers[0]) === signers[0]
          );
        });
        const found: number[] = [];
        for (let before: number | null = 60; before !== null; ) {
          const page = await store.search({ ...query, before, limit: 4 });
          expect(page.indexes.length).toBeLessThanOrEqual(4);
          found.push(...page.indexes);
          before = page.next;
        }
        expect(found, JSON.stringify(query)).toEqual(expected);
      }
      await store.close();
    });

    it("says which entries determine what was in force at a size", async () => {
      const store = await open();
      const kinds = ["trust-root", "policy", "status", "policy", "revocation", "status", "policy"] as const;
      const names = ["root", "a", "status", "a", "r", "status", "b"];
      for (const [i, kind] of kinds.entries())
        await store.append(i, oneEntry(i, { kind, name: names[i]!, version: String(i), tokens: [] }));
      expect(await store.entriesInForce(7)).toEqual([0, 3, 4, 5, 6]);
      for (const [i, tokens] of [["one"], ["two", "three"], []].entries())
        await store.append(7 + i, oneEntry(7 + i, { tokens: tokens.map(sha256Of) }));
      await store.append(10, oneEntry(10, { kind: "identity-keys", tokens: [] }));
      await store.append(11, oneEntry(11, { kind: "identity-keys", tokens: [] }));
      expect(await store.entriesInForce(12)).toEqual([0, 3, 4, 5, 6, 8, 10, 11]);
      expect(await store.entriesInForce(8)).toEqual([0, 3, 4, 5, 6, 7]);
      expect(await store.entriesInForce(3)).toEqual([0, 1, 2]);
      expect(await store.entriesInForce(0)).toEqual([]);
      await store.close();
    });

    it("keeps every checkpoint, also two of one size, and the order in which they came", async () => {
      const store = await open();
      expect(await store.newestCheckpoint()).toBeUndefined();
      const first = { size: 1, cosignedAt: 10, note: "first" };
      const renewed = { size: 1, cosignedAt: 20, note: "renewed" };
      const larger = { size: 3, cosignedAt: 30, note: "larger" };
      for (const checkpoint of [first, renewed, larger]) await store.addCheckpoint(checkpoint);
      expect(await store.newestCheckpoint()).toEqual(larger);
      expect(await store.checkpointsFrom(0, 9)).toEqual([first, renewed, larger]);
      expect(await store.checkpointsFrom(2, 9)).toEqual([larger]);
      expect(await store.checkpointsFrom(0, 1)).toEqual([first]);
      expect(await store.firstCheckpointCovering(1)).toEqual(first);
      expect(await store.firstCheckpointCovering(2)).toEqual(larger);
      expect(await store.firstCheckpointCovering(4)).toBeUndefined();
      await store.close();
    });

    it("is told at once to who knows some of it: the head, the newest checkpoint, and the next entries", async () => {
      const store = await open();
      const empty = await store.news(0, 9);
      expect([empty.head, empty.checkpoint, empty.leaves]).toEqual([await store.head(), undefined, []]);
      const leaves = [0, 1, 2].map((i) => Buffer.from(`leaf ${i}`));
      for (const [i, leaf] of leaves.entries()) await store.append(i, oneEntry(i, { leaf }));
      const checkpoints = [1, 2].map((size) => ({ size, cosignedAt: 10 + size, note: `note ${size}` }));
      for (const checkpoint of checkpoints) await store.addCheckpoint(checkpoint);
      const [head, checkpoint] = [await store.head(), checkpoints[1]];
      expect(head.size).toBe(3);
      expect(await store.news(0, 9)).toEqual({ head, checkpoint, leaves });
      expect(await store.news(1, 1)).toEqual({ head, checkpoint, leaves: leaves.slice(1, 2) });
      expect(await store.news(3, 9)).toEqual({ head, checkpoint, leaves: [] });
      expect(await store.news(7, 9)).toEqual({ head, checkpoint, leaves: [] });
      await store.close();
    });

    it("holds an attachment once, from the append on that brings it", async () => {
      const store = await open();
      const digest = sha256Of("leaf");
      const attachments = [{ digest, bytes: leaf }];
      await store.append(0, { ...oneEntry(0), attachments });
      await store.append(1, { ...oneEntry(1), attachments });
      expect(Buffer.from((await store.attachment(digest))!).toString()).toBe("leaf");
      const named = (size: number) => ({ digest, size });
      const { attachments: held } = await store.lookup({ attachments: [named(5), named(4), named(4)] });
      expect(held).toEqual([named(4)]);
      expect(await store.attachment(sha256Of("other"))).toBeUndefined();
      await store.close();
    });
  });

  describe("a snapshot", () => {
    it("stays as it was while the log goes on, and says what it holds", async () => {
      const store = await open();
      const attachments = [{ digest: sha256Of("leaf"), bytes: leaf }];
      await store.append(0, { ...oneEntry(0), attachments });
      const snapshot = await openSnapshot(location());
      expect((await snapshot.head()).size).toBe(1);
      await store.append(1, oneEntry(1));
      expect((await snapshot.head()).size).toBe(1);
      const { inspection } = snapshot;
      expect(await inspection.integrity()).toEqual([]);
      expect(await inspection.counts()).toEqual({
        entries: 1,
        newest: 0,
        digests: 1,
        signers: 1,
        tokens: 1,
        tiles: 1,
      });
      const by = {
        digests: [sha256Of("digest 0")],
        signers: [sha256Of("key")],
        tokens: [sha256Of("token 0")],
      };
      expect(await inspection.leadsTo(0, by)).toBe(true);
      expect(await inspection.leadsTo(1, by)).toBe(false);
      expect(await inspection.indexOf(sha256Of("payload 0"))).toBe(0);
      expect(await inspection.indexOf(sha256Of("payload 1"))).toBeUndefined();
      expect(await inspection.leadsTo(0, { ...by, signers: [sha256Of("other")] })).toBe(false);
      expect(await inspection.leadsTo(0, { ...by, tokens: [sha256Of("token 1")] })).toBe(false);
      expect(inspection.digestRows(by.digests)).toBe(1);
      expect(await inspection.attachmentDigests()).toEqual([sha256Of("leaf")]);
      await snapshot.close();
      await store.close();
    });
  });
}
