// A batch while it is decided: each entry against those before it, groups whole or not at all, and nothing left of what was refused.
import { describe, expect, it } from "vitest";
import { BatchView } from "../../../src/log/sequencing/batch-view.ts";
import { entriesBefore } from "../../../src/log/sequencing/entries-before.ts";
import { PendingBatch } from "../../../src/log/sequencing/pending-batch.ts";
import { withSigners } from "../../../src/log/store/entry-record.ts";
import type { EntryLookup, Found, Lookup } from "../../../src/log/store/log-store.ts";
import { GrowingTree } from "../../../src/log/tree/growing-tree.ts";
import { nativeSha256 } from "../../../src/node/sha256.ts";
import { sha256 } from "../../../src/protocol/cryptography/hash.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import type { Envelope } from "../../../src/protocol/envelope/dsse.ts";
import { hashLeaf, rootOf } from "../../../src/protocol/merkle/hash.ts";
import type { InForce } from "../../../src/protocol/registration/in-force.ts";
import { recordOf } from "../../../src/protocol/registration/register.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate, revocationPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { kernelPredicate } from "../../support/release-predicates.ts";
import { inOrder, signReleaseSet } from "../../support/release-set.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";

const log = await FoundedLog.found();
const { inForce, keys } = log;
const [a, b, c] = (await signPlatforms(keys, "vm", 3)).map(withSigners) as [Signed, Signed, Signed];
const set = await signReleaseSet(keys);
type Signed = ReturnType<typeof withSigners>;

const NOTHING: Found = { entries: [], identities: [], attachments: [], tokens: [] };
const storeOf = (found: Partial<Found> = {}): EntryLookup => ({
  lookup: async () => ({ ...NOTHING, ...found }),
});
function foundedTree(): GrowingTree {
  const tree = GrowingTree.empty();
  tree.append(hashLeaf(log.envelopes[0]!.leaf));
  return tree;
}
const begin = (envelopes: readonly Signed[], found?: Partial<Found>) =>
  PendingBatch.begin(storeOf(found), inForce, foundedTree(), envelopes, () => undefined);

/** Signed by a key that has no such role. */
const refused = async () =>
  withSigners(await signStatement("policy", policyPredicate(set), [keys.publisher]));

describe("a batch", () => {
  it("gives new entries the next indexes, with their hashes in the tree, and has them in force", async () => {
    const batch = await begin([a, b]);
    expect([...batch.accept([a], NOW), ...batch.accept([b], NOW)]).toEqual([
      { outcome: "new", index: 1, entry: batch.accepted[0] },
      { outcome: "new", index: 2, entry: batch.accepted[1] },
    ]);
    expect(batch.accepted).toEqual(
      [a, b].map((envelope) => ({
        envelope,
        leafHash: hashLeaf(envelope.leaf, nativeSha256),
        attachments: [],
      })),
    );
    expect(batch.inForce.size).toBe(3);
  });

  it("knows what the store has and what came earlier in it, and adds neither again", async () => {
    const batch = await begin([a, b], { identities: [recordOf(a, 40)] });
    expect(batch.accept([a, b, b], NOW)).toEqual([
      { outcome: "known", index: 40 },
      { outcome: "new", index: 1, entry: batch.accepted[0] },
      { outcome: "known", index: 1 },
    ]);
    expect(batch.accepted).toHaveLength(1);
  });

  it("lets an entry refer to those before it in the batch", async () => {
    const release = inOrder(set).map(withSigners);
    const policy = withSigners(await signStatement("policy", policyPredicate(set), [keys.policy]));
    const batch = await begin([...release, policy]);
    expect(batch.accept([...release, policy], NOW).at(-1)).toMatchObject({
      outcome: "new",
      index: release.length + 1,
    });
    expect(batch.inForce.policies.get("production")?.index).toBe(release.length + 1);
  });

  it("closes the log by the tree that it has with what came before in the batch", async () => {
    const leaves = [log.envelopes[0]!, a].map(({ leaf }) => hashLeaf(leaf));
    const successor = { origin: "next.example/log", finalSize: 2, finalRoot: encodeHex(rootOf(leaves)) };
    const root = await signStatement("trust-root", await log.nextRoot({ successor }), keys.root.slice(0, 1));
    const lines = [a, withSigners(root)];
    const batch = await begin(lines);
    expect(batch.accept(lines, NOW).at(-1)).toMatchObject({ outcome: "new", index: 2 });
  });

  it("refuses an entry alone as it is, and an entry of several by its place", async () => {
    const bad = await refused();
    const batch = await begin([a, b, bad]);
    expect(() => batch.accept([bad], NOW)).toThrow(expect.objectContaining({ code: "not-authorised" }));
    expect(() => batch.accept([a, b, bad], NOW)).toThrow(
      expect.objectContaining({
        name: "BatchRefusedError",
        position: 2,
        cause: expect.objectContaining({ code: "not-authorised" }),
      }),
    );
  });

  it("keeps nothing of a group of which one is refused, and all of those before it", async () => {
    const batch = await begin([a, b, c]);
    batch.accept([a], NOW);
    const before = batch.inForce;
    const bad = await refused();
    expect(() => batch.accept([b, bad], NOW)).toThrow("entry 2 of the batch");
    expect(batch.accepted.map(({ envelope }) => envelope)).toEqual([a]);
    expect(batch.inForce).toBe(before);
    expect(batch.accept([c, b, a], NOW)).toMatchObject([
      { outcome: "new", index: 2 },
      { outcome: "new", index: 3 },
      { outcome: "known", index: 1 },
    ]);
  });

  it("refuses what has expired when it comes in, and not what a log holds already", async () => {
    const expired = withSigners(
      await signStatement("status", statusPredicate(inForce, {}, new Date(NOW.getTime() - 9 * 86_400_000)), [
        keys.status,
      ]),
    );
    const batch = await begin([expired]);
    expect(() => batch.accept([expired], NOW)).toThrow(expect.objectContaining({ code: "document-expired" }));
    expect(batch.accept([expired], null)).toMatchObject([{ outcome: "new", index: 1 }]);
    expect(batch.accept([expired], NOW)).toEqual([{ outcome: "known", index: 1 }]);
  });
});

it("holds the index that a status states against the one that was drawn for the batch, and else against the log's", async () => {
  const indexed = await FoundedLog.found({ index: true });
  const [atStart, atEnd] = ["aa".repeat(32), "bb".repeat(32)];
  const stating = async (size: number, root: string, state: InForce) =>
    withSigners(
      await signStatement("status", statusPredicate(state, { treeSize: size, index: { size, root } }), [
        keys.status,
      ]),
    );
  const ofLog = await stating(1, atStart, indexed.inForce);
  const wrong = await stating(1, atEnd, indexed.inForce);
  const batch = await PendingBatch.begin(storeOf(), indexed.inForce, foundedTree(), [ofLog, a], (size) =>
    size === 1 ? atStart : undefined,
  );
  expect(() => batch.accept([wrong], NOW)).toThrow(expect.objectContaining({ code: "status-not-true" }));
  expect(batch.accept([ofLog, a], NOW)).toHaveLength(2);
  const drafted = await stating(3, atEnd, batch.inForce);
  expect(() => batch.accept([drafted], NOW)).toThrow(expect.objectContaining({ code: "status-not-true" }));
  batch.drawIndex(atEnd);
  expect(batch.accept([drafted], NOW)).toMatchObject([{ outcome: "new", index: 3 }]);
});

describe("documents that come with a batch", () => {
  const bytes = new Uint8Array(Buffer.from('["one"]'));
  const digest = encodeHex(sha256(bytes));
  const attachment = { digest, size: bytes.length, mediaType: "application/json" as const };
  const { patches, ...predicate } = kernelPredicate();
  const naming = async () =>
    withSigners(
      await signStatement(
        "kernel-patch-set",
        { ...predicate, patches: { ...patches, count: 1, inline: null, attachment } },
        [keys.publisher],
      ),
    );
  const missing = expect.objectContaining({ code: "attachment-missing" });

  it("are stored with the entry that names them, and the others are left behind", async () => {
    const kernel = await naming();
    const batch = await begin([kernel, a]);
    batch.accept(
      [kernel, a],
      NOW,
      new Map([
        [digest, bytes],
        ["00".repeat(32), bytes],
      ]),
    );
    expect(batch.accepted.map(({ attachments }) => attachments)).toEqual([[{ digest, bytes }], []]);
  });

  it("are not stored again where the store has them, and are missed where it has another size", async () => {
    const kernel = await naming();
    const batch = await begin([kernel], { attachments: [attachment] });
    batch.accept([kernel], NOW);
    expect(batch.accepted[0]?.attachments).toEqual([]);
    const other = await begin([kernel], { attachments: [{ digest, size: bytes.length + 1 }] });
    expect(() => other.accept([kernel], NOW)).toThrow(missing);
  });

  it("of a group that is refused are not there for the next", async () => {
    const [kernel, bad] = [await naming(), await refused()];
    const batch = await begin([kernel, bad]);
    expect(() => batch.accept([kernel, bad], NOW, new Map([[digest, bytes]]))).toThrow(
      "entry 2 of the batch",
    );
    expect(() => batch.accept([kernel], NOW)).toThrow(missing);
  });
});

describe("the view of a batch", () => {
  const view = (envelopes: readonly Envelope[], store: EntryLookup = storeOf()) =>
    BatchView.load(store, inForce, envelopes, {
      tree: () => new Uint8Array(32).fill(0xab),
      index: (size) => (size === 7 ? "cd".repeat(32) : undefined),
    });

  it("asks the store once, for what the rules may ask", async () => {
    const asked: Array<Partial<Lookup>> = [];
    const store: EntryLookup = {
      lookup: async (what) => {
        asked.push(what);
        return NOTHING;
      },
    };
    const digests = ["11".repeat(32)];
    const revocation = await signStatement("revocation", revocationPredicate({ digests }), [keys.revocation]);
    await view([set.driver, revocation, a], store);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toEqual({
      digests: [set.kernel.payloadDigest, ...digests],
      identities: [set.driver.statement, revocation.statement, a.statement],
      attachments: [],
      tokens: [],
    });
  });

  it("finds what the store has by digest and by identity, and nothing else", async () => {
    const [first, second] = [recordOf(a, 7), recordOf(b, 8)];
    const loaded = await view([a], storeOf({ entries: [first], identities: [second] }));
    expect(loaded.findByDigest(a.payloadDigest)).toBe(first);
    expect(loaded.findByDigest(b.payloadDigest)).toBeUndefined();
    const { kind, name, version } = b.statement;
    expect(loaded.findByIdentity(kind, name, `${version}`)).toBe(second);
    expect(loaded.findByIdentity(kind, name, "2")).toBeUndefined();
    expect(loaded.findByIdentity("gpu-rim", name, `${version}`)).toBeUndefined();
    expect(loaded.findByIdentity(kind, "other", `${version}`)).toBeUndefined();
    expect(loaded.treeRoot()).toBe("ab".repeat(32));
    expect([loaded.indexRoot(7), loaded.indexRoot(8)]).toEqual(["cd".repeat(32), undefined]);
  });

  it("goes back to a moment, and no further", async () => {
    const loaded = await view([a, b]);
    const after = { ...inForce, size: 2 };
    loaded.add(recordOf(a, 1), after, []);
    const undo = loaded.savepoint();
    loaded.add(recordOf(b, 2), { ...inForce, size: 3 }, []);
    loaded.attach(new Map([["digest", new Uint8Array(3)]]));
    const document = { digest: "digest", size: 3, mediaType: "application/json" } as const;
    expect(loaded.hasAttachment(document)).toBe(true);
    undo();
    expect(loaded.inForce).toBe(after);
    expect(loaded.hasAttachment(document)).toBe(false);
    expect(loaded.findByDigest(a.payloadDigest)?.index).toBe(1);
    expect(loaded.findByDigest(b.payloadDigest)).toBeUndefined();
    expect(loaded.findByIdentity("platform", "vm-1", "1")).toBeUndefined();
  });

  it("frees the tokens of what it takes back, and no others", async () => {
    const loaded = await view([a, b], storeOf({ tokens: ["stored"] }));
    loaded.add(recordOf(a, 1), inForce, ["kept"]);
    const undo = loaded.savepoint();
    loaded.add(recordOf(b, 2), inForce, ["freed"]);
    const used = () => ["stored", "kept", "freed"].filter((token) => loaded.hasToken(token));
    expect(used()).toEqual(["stored", "kept", "freed"]);
    undo();
    expect(used()).toEqual(["stored", "kept"]);
  });
});

it("the store as it was before an entry shows what has a lower index, and every document", async () => {
  const attachments = [{ digest: "00".repeat(32), size: 1 }];
  const entries = [4, 5, 6].map((index) => recordOf(a, index));
  const asked: unknown[] = [];
  const store: EntryLookup = {
    lookup: async (what) => {
      asked.push(what);
      return { entries, identities: entries, attachments, tokens: ["22"] };
    },
  };
  const what = { digests: ["11"] };
  const before = entries.slice(0, 1);
  expect(await entriesBefore(store, 5).lookup(what)).toEqual({
    entries: before,
    identities: before,
    attachments,
    tokens: [],
  });
  expect(asked).toEqual([what]);
});
