// Publishing through the whole log: what is accepted is durable, cosigned and found again, what is refused leaves no trace.
import { afterEach, describe, expect, it } from "vitest";
import type { Log } from "../../src/log/log.ts";
import type { Append } from "../../src/log/store/log-store.ts";
import { equalBytes } from "../../src/protocol/encoding/bytes.ts";
import { makeEnvelope, parseLeaf } from "../../src/protocol/envelope/dsse.ts";
import { verifyConsistency } from "../../src/protocol/merkle/consistency.ts";
import { hashLeaf } from "../../src/protocol/merkle/hash.ts";
import { verifyInclusion } from "../../src/protocol/merkle/inclusion.ts";
import { policyPredicate, revocationPredicate, statusPredicate } from "../support/document-predicates.ts";
import { testKey, testKeys } from "../support/keys.ts";
import { LogHarness } from "../support/log-harness.ts";
import { kernelPredicate, platformPredicate, sha256Of } from "../support/release-predicates.ts";
import { inOrder, signReleaseSet } from "../support/release-set.ts";
import { signPlatforms, signStatement } from "../support/signing.ts";
import { auditAsStranger } from "../support/stranger.ts";
import { trustRootPredicate } from "../support/trust-root.ts";

let harness: LogHarness;
let log: Log;

async function begin(options: Parameters<typeof LogHarness.make>[0] = {}): Promise<void> {
  harness = await LogHarness.make(options);
  log = await harness.create();
}

afterEach(async () => {
  const { logPolicy } = log.read.inForce.trustRoots.at(-1)!.root;
  await auditAsStranger(log.read, logPolicy);
  await log.close();
  harness.remove();
});

const find = async (query: Parameters<Log["read"]["search"]>[0]) => (await log.read.search(query)).indexes;
const size = () => log.read.published()?.checkpoint.size;

describe("publish", () => {
  it("answers with index and leaf once the entry is under a cosigned checkpoint", async () => {
    await begin();
    const [entry] = await signPlatforms(harness.keys, "vm", 1);
    const [outcome] = await log.publish([entry!]);
    expect(outcome).toMatchObject({ outcome: "new", index: 1, state: "published" });
    expect(equalBytes(outcome!.leafHash, hashLeaf(entry!.leaf))).toBe(true);
    expect(size()).toBe(2);
    const proof = await log.read.proveInclusion(1);
    const { checkpoint } = log.read.published()!;
    verifyInclusion({ index: 1, size: 2, leafHash: outcome!.leafHash, root: checkpoint.root, proof });
  });

  it("answers a known payload from the log, whatever signatures it comes with", async () => {
    await begin();
    const stranger = await testKey("stranger");
    const first = await signStatement("platform", platformPredicate(), [harness.keys.publisher]);
    const again = await signStatement("platform", platformPredicate(), [stranger]);
    await log.publish([first]);
    const before = size();
    const [outcome] = await log.publish([again]);
    expect(outcome).toMatchObject({ outcome: "known", index: 1, state: "published" });
    expect(equalBytes(outcome!.leaf, first.leaf)).toBe(true);
    expect(size()).toBe(before);
  });

  it("refuses another payload under the same name and version, naming the entry", async () => {
    await begin();
    await log.publish([await signStatement("platform", platformPredicate(), [harness.keys.publisher])]);
    const other = { ...platformPredicate(), mrtd: "ab".repeat(48) };
    const refused = log.publish([await signStatement("platform", other, [harness.keys.publisher])]);
    await expect(refused).rejects.toMatchObject({
      name: "PolicyError",
      code: "identity-taken",
      message: /entry 1/,
    });
    expect(size()).toBe(2);
  });

  it("lets exactly one of many racing payloads have a name and version", async () => {
    await begin();
    const rivals = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        signStatement("platform", { ...platformPredicate(), xfam: i.toString(16).padStart(16, "0") }, [
          harness.keys.publisher,
        ]),
      ),
    );
    const results = await Promise.allSettled(rivals.map((rival) => log.publish([rival])));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(results.filter((r) => r.status === "rejected" && r.reason.code === "identity-taken")).toHaveLength(
      19,
    );
    expect(size()).toBe(2);
  });

  it("registers one payload once when it is sent many times at once", async () => {
    await begin();
    const entry = await signStatement("platform", platformPredicate(), [harness.keys.publisher]);
    const results = await Promise.all(Array.from({ length: 20 }, () => log.publish([entry])));
    expect(new Set(results.map(([outcome]) => outcome!.index))).toEqual(new Set([1]));
    expect(results.filter(([outcome]) => outcome!.outcome === "new")).toHaveLength(1);
  });

  it("refuses a signature by an unknown key, a wrong one, and a key without the role", async () => {
    await begin();
    const by = async (key: typeof harness.keys.publisher) =>
      signStatement("platform", platformPredicate(), [key]);
    await expect(log.publish([await by(await testKey("stranger"))])).rejects.toMatchObject({
      code: "signature-unknown-key",
    });
    const good = await by(harness.keys.publisher);
    const forged = makeEnvelope(good.payload, [
      { keyId: harness.keys.publisher.keyId, signature: new Uint8Array(64) },
    ]);
    await expect(log.publish([forged])).rejects.toMatchObject({ code: "signature-invalid" });
    await expect(log.publish([await by(harness.keys.policy)])).rejects.toMatchObject({
      code: "not-authorised",
    });
    await expect(log.publish([await by(harness.keys.otherPublisher)])).rejects.toMatchObject({
      code: "not-authorised",
    });
    expect(size()).toBe(1);
  });
});

describe("a batch", () => {
  it("may refer to entries earlier in it", async () => {
    await begin();
    const set = await signReleaseSet(harness.keys);
    const policy = await signStatement("policy", policyPredicate(set), [harness.keys.policy]);
    const outcomes = await log.publish([...inOrder(set), policy]);
    expect(outcomes.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(log.read.inForce.policies.get("production")?.index).toBe(7);
  });

  it("is refused whole because of one entry, which is named, and leaves nothing behind", async () => {
    await begin();
    const set = await signReleaseSet(harness.keys);
    const backwards = inOrder(set).reverse();
    await expect(log.publish(backwards)).rejects.toMatchObject({
      name: "BatchRefusedError",
      position: 0,
      cause: { code: "reference-missing" },
    });
    const good = await signPlatforms(harness.keys, "vm", 3);
    const bad = await signStatement("platform", platformPredicate("bad"), [harness.keys.policy]);
    await expect(log.publish([...good, bad])).rejects.toMatchObject({
      position: 3,
      cause: { code: "not-authorised" },
    });
    expect(size()).toBe(1);
    expect(await log.read.findByDigest(good[0]!.payloadDigest)).toBeUndefined();
    expect((await log.publish(good)).map(({ outcome }) => outcome)).toEqual(["new", "new", "new"]);
  });

  it("does not drag down what shares its commit", async () => {
    await begin();
    const good = await signPlatforms(harness.keys, "vm", 30);
    const bad = await signStatement("platform", platformPredicate("bad"), [harness.keys.policy]);
    const results = await Promise.allSettled([
      ...good.slice(0, 15).map((entry) => log.publish([entry])),
      log.publish([...(await signPlatforms(harness.keys, "other", 3)), bad]),
      ...good.slice(15).map((entry) => log.publish([entry])),
    ]);
    expect(results.filter(({ status }) => status === "rejected")).toHaveLength(1);
    expect(size()).toBe(31);
  });

  it("answers the known ones among its entries and adds the others", async () => {
    await begin();
    const entries = await signPlatforms(harness.keys, "vm", 4);
    await log.publish([entries[1]!]);
    const outcomes = await log.publish(entries);
    expect(outcomes.map(({ outcome, index }) => [outcome, index])).toEqual([
      ["new", 2],
      ["known", 1],
      ["new", 3],
      ["new", 4],
    ]);
  });

  it("may bring the trust root that allows the entries after it", async () => {
    await begin();
    const { keys } = harness;
    const newcomer = await testKey("newcomer");
    const current = log.read.inForce.trustRoots[0]!;
    const predicate = await trustRootPredicate(
      { ...keys, publisher: newcomer },
      { version: 2, previous: current.digest },
    );
    const root = await signStatement("trust-root", predicate, keys.root.slice(0, 1));
    const entry = await signStatement("platform", platformPredicate(), [newcomer]);
    await expect(log.publish([entry])).rejects.toMatchObject({ code: "signature-unknown-key" });
    expect((await log.publish([root, entry])).map(({ index }) => index)).toEqual([1, 2]);
    const after = await signStatement("platform", platformPredicate("late"), [newcomer]);
    expect((await log.publish([after]))[0]?.index).toBe(3);
    const old = await signStatement("platform", platformPredicate("old"), [keys.publisher]);
    await expect(log.publish([old])).rejects.toMatchObject({ code: "not-authorised" });
  });
});

describe("what is in force", () => {
  it("follows policies, revocations and trust roots, and refuses what they forbid", async () => {
    await begin();
    const { keys } = harness;
    const set = await signReleaseSet(keys);
    await log.publish(inOrder(set));
    const revocation = revocationPredicate({ digests: [set.kernel.payloadDigest] });
    await log.publish([await signStatement("revocation", revocation, [keys.revocation])]);
    expect(log.read.inForce.revokedDigests.has(set.kernel.payloadDigest)).toBe(true);
    const policy = await signStatement("policy", policyPredicate(set), [keys.policy]);
    await expect(log.publish([policy])).rejects.toMatchObject({ code: "reference-revoked" });
  });

  it("stops a stolen key from the index on that its revocation names", async () => {
    await begin();
    const { keys } = harness;
    const stolen = { keyId: keys.publisher.keyId, fromIndex: 1, toIndex: 1_000_000 };
    await log.publish([
      await signStatement("revocation", revocationPredicate({ keys: [stolen] }), [keys.revocation]),
    ]);
    const [entry] = await signPlatforms(keys, "vm", 1);
    await expect(log.publish([entry!])).rejects.toMatchObject({ code: "key-revoked" });
  });

  it("closes for ever with a successor that states the tree it closes", async () => {
    await begin();
    const { keys } = harness;
    await log.publish(await signPlatforms(keys, "vm", 5));
    const next = async (finalRoot: string, finalSize = 6) => {
      const successor = { origin: "next.example/log", finalSize, finalRoot };
      const change = { version: 2, previous: log.read.inForce.trustRoots[0]!.digest, successor };
      return signStatement("trust-root", await trustRootPredicate(keys, change), keys.root.slice(0, 1));
    };
    await expect(log.publish([await next(sha256Of("lie"))])).rejects.toMatchObject({
      code: "successor-not-true",
    });
    const root = Buffer.from(log.read.published()!.checkpoint.root).toString("hex");
    await log.publish([await next(root)]);
    const [late] = await signPlatforms(keys, "late", 1);
    await expect(log.publish([late!])).rejects.toMatchObject({ code: "log-closed" });
  });

  it("decides a status and a change in one batch at the index each gets", async () => {
    await begin();
    const { keys } = harness;
    const set = await signReleaseSet(keys);
    await log.publish(inOrder(set));
    const before = log.read.inForce;
    const status = await signStatement("status", statusPredicate(before), [keys.status]);
    const policy = await signStatement("policy", policyPredicate(set), [keys.policy]);
    await expect(log.publish([policy, status])).rejects.toMatchObject({
      position: 1,
      cause: { code: "status-not-true" },
    });
    expect((await log.publish([status, policy])).map(({ index }) => index)).toEqual([7, 8]);
    const racing = ["a", "b", "c"].map((name) => policyPredicate(set, { name }));
    const policies = await Promise.all(
      racing.map((predicate) => signStatement("policy", predicate, [keys.policy])),
    );
    const true9 = await signStatement("status", statusPredicate(log.read.inForce), [keys.status]);
    const results = await Promise.allSettled([...policies, true9].map((envelope) => log.publish([envelope])));
    const last = results.at(-1)!;
    // Whichever came first: a status that got in told the truth at its index, which the audit of registration repeats.
    if (last.status === "rejected") expect(last.reason.code).toBe("status-not-true");
    expect(results.slice(0, 3).every(({ status: outcome }) => outcome === "fulfilled")).toBe(true);
  });
});

describe("reading", () => {
  it("finds entries by kind, name, version, publisher and any digest, newest first, page by page", async () => {
    await begin();
    const { keys } = harness;
    const set = await signReleaseSet(keys);
    await log.publish(inOrder(set));
    await log.publish(await signPlatforms(keys, "vm", 10));
    expect(await find({ kind: "os-image", limit: 10 })).toEqual([6]);
    expect(await find({ name: "guest", limit: 10 })).toEqual([6]);
    expect(await find({ version: "1.0", limit: 3 })).toEqual([6, 5, 4]);
    expect(await find({ version: "1.0", limit: 3, before: 4 })).toEqual([3, 2, 1]);
    expect(await find({ publisher: keys.publisher.keyId, kind: "platform", limit: 2 })).toEqual([16, 15]);
    expect(await find({ publisher: keys.policy.keyId, limit: 2 })).toEqual([]);
    const { statement } = set.image;
    const rtmr1 = statement.kind === "os-image" ? statement.predicate.measurements[0]!.rtmr1 : "";
    expect(await find({ digest: rtmr1, limit: 10 })).toEqual([6]);
    expect(await find({ digest: set.kernel.payloadDigest, limit: 10 })).toEqual([6, 3]);
    expect(await find({ digest: set.kernel.payloadDigest, kind: "driver-build", limit: 10 })).toEqual([3]);
    expect(
      await find({
        digest: set.kernel.statement.subject[0]!.digest.sha256,
        publisher: keys.publisher.keyId,
        limit: 9,
      }),
    ).toEqual([2]);
  });

  it("finds by the whole digest, though the index holds only its beginning", async () => {
    await begin();
    const { keys } = harness;
    const mrtd = "ab".repeat(48);
    const twin = `${mrtd.slice(0, 20)}${"cd".repeat(38)}`;
    // Both in one entry, too: nothing that a publisher writes may make an append fail.
    const entries = [
      { ...platformPredicate("one"), mrtd },
      { ...platformPredicate("two"), mrtd: twin },
      { ...platformPredicate("both"), mrtd, rtmr0: twin },
    ];
    await log.publish(
      await Promise.all(entries.map((entry) => signStatement("platform", entry, [keys.publisher]))),
    );
    expect(await find({ digest: mrtd, limit: 5 })).toEqual([3, 1]);
    expect(await find({ digest: twin, limit: 1 })).toEqual([3]);
    expect(await find({ digest: twin, limit: 5, before: 3 })).toEqual([2]);
    expect(await find({ digest: `${mrtd.slice(0, 20)}${"0".repeat(76)}`, limit: 5 })).toEqual([]);
  });

  it("shows and proves only what is under the published checkpoint", async () => {
    await begin();
    const [entry] = await signPlatforms(harness.keys, "vm", 1);
    await log.publish([entry!]);
    expect((await log.read.findByDigest(entry!.payloadDigest))?.index).toBe(1);
    expect(parseLeaf((await log.read.entry(1))!.leaf).payloadDigest).toBe(entry!.payloadDigest);
    expect(await log.read.entry(2)).toBeUndefined();
    expect(await log.read.entry(-1)).toBeUndefined();
    expect(await log.read.entry(1.5)).toBeUndefined();
    await expect(log.read.proveInclusion(2)).rejects.toThrow(RangeError);
    await expect(log.read.proveInclusion(0, 3)).rejects.toThrow(RangeError);
    await expect(log.read.proveConsistency(1, 3)).rejects.toThrow(RangeError);
    await expect(log.read.proveConsistency(0, 2)).rejects.toThrow(RangeError);
    expect(await log.read.tile(0, 0, 3)).toBeUndefined();
    expect(await log.read.tile(0, 0, 0)).toBeUndefined();
    expect(await log.read.tile(1, 0, 1)).toBeUndefined();
    expect(await log.read.tile(64, 0, 1)).toBeUndefined();
    expect(await log.read.entryBundle(1, 1)).toBeUndefined();
    expect(await log.read.tile(0, 0, 1)).toHaveLength(32);
  });

  it("keeps every published checkpoint, and each extends the one before", async () => {
    await begin();
    for (const entry of await signPlatforms(harness.keys, "vm", 6)) await log.publish([entry]);
    const history = await log.read.checkpointsFrom(0, 100);
    expect(history.map((checkpoint) => checkpoint.size)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    await auditAsStranger(
      log.read,
      log.read.inForce.trustRoots[0]!.root.logPolicy,
      history.map(({ note }) => note),
    );
    expect((await log.read.firstCheckpointCovering(4))?.size).toBe(4);
    const proof = await log.read.proveConsistency(3, 7);
    const roots = await Promise.all(
      [3, 7].map(async (n) => (await log.read.checkpointsFrom(n, 1))[0]!.note.split("\n")[2]!),
    );
    const [fromRoot, toRoot] = roots.map((text) => new Uint8Array(Buffer.from(text!, "base64")));
    verifyConsistency({ fromSize: 3, fromRoot: fromRoot!, toSize: 7, toRoot: toRoot!, proof });
  });
});

describe("attachments", () => {
  const bytes = new TextEncoder().encode("[]");
  const digest = sha256Of("[]");
  const naming = async (signers = [harness.keys.publisher], named = digest, name = "attached") => {
    const attachment = { digest: named, size: 2, mediaType: "application/json" as const };
    const predicate = kernelPredicate(name);
    const patches = { ...predicate.patches, inline: null, attachment };
    return signStatement("kernel-patch-set", { ...predicate, patches }, signers);
  };
  const stored = async () => (await log.read.attachment(digest)) !== undefined;

  it("become durable with the entry that names them, which needs them", async () => {
    await begin();
    const entry = await naming();
    await expect(log.publish([entry])).rejects.toMatchObject({ code: "attachment-missing" });
    expect(await stored()).toBe(false);
    const outcomes = await log.publish([entry, bytes]);
    expect(outcomes).toMatchObject([{ outcome: "new", index: 1 }]);
    expect(Buffer.from((await log.read.attachment(digest))!).toString()).toBe("[]");
    expect(await log.read.attachment(sha256Of("other"))).toBeUndefined();
    expect(await log.publish([entry, bytes])).toMatchObject([{ outcome: "known", index: 1 }]);
    expect(await log.publish([await naming(undefined, undefined, "second")])).toMatchObject([{ index: 2 }]);
  });

  it("of one key of a two-of-two rule are not stored", async () => {
    const keys = await testKeys();
    const { roles } = await trustRootPredicate(keys);
    const both = {
      ...roles.publisher[0]!,
      keys: [keys.publisher.keyId, keys.otherPublisher.keyId],
      threshold: 2,
    };
    await begin({ trustRoot: { roles: { ...roles, publisher: [both] } } });
    await expect(log.publish([await naming(), bytes])).rejects.toMatchObject({
      position: 0,
      cause: { code: "not-authorised" },
    });
    expect(await stored()).toBe(false);
    await log.publish([await naming([keys.publisher, keys.otherPublisher]), bytes]);
    expect(await stored()).toBe(true);
  });

  it("that nothing names, or that come before what names them, are refused", async () => {
    await begin();
    const refused = { position: 1, cause: { name: "MalformedError", format: "batch" } };
    const [other] = await signPlatforms(harness.keys, "vm", 1);
    await expect(log.publish([other!, bytes])).rejects.toMatchObject(refused);
    const same = new TextEncoder().encode("{}");
    await expect(log.publish([await naming(), same])).rejects.toMatchObject(refused);
    await expect(log.publish([bytes, await naming()])).rejects.toMatchObject({ ...refused, position: 0 });
    expect([await stored(), size()]).toEqual([false, 1]);
  });

  it("of a refused batch leave nothing, also for the batch that shares its commit", async () => {
    await begin();
    const bad = await signStatement("revocation", revocationPredicate({ digests: [sha256Of("none")] }), [
      harness.keys.revocation,
    ]);
    const results = await Promise.allSettled([
      log.publish([await naming(), bytes, bad]),
      log.publish([await naming(undefined, undefined, "without")]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(results[0]).toMatchObject({ reason: { position: 2, cause: { code: "revocation-target" } } });
    expect(results[1]).toMatchObject({ reason: { code: "attachment-missing" } });
    expect([await stored(), size()]).toEqual([false, 1]);
  });

  it("leave nothing when the disk refuses the append", async () => {
    let isFull = true;
    await begin({
      store: (store) => {
        const append = store.append.bind(store);
        return Object.assign(store, {
          append: async (expected: number, what: Append) => {
            if (isFull && what.attachments.length > 0)
              what = { ...what, tiles: [{ ...what.tiles[0]!, level: -1 }] };
            return append(expected, what);
          },
        });
      },
    });
    await expect(log.publish([await naming(), bytes])).rejects.toMatchObject({ code: "storage-failed" });
    expect(await stored()).toBe(false);
    isFull = false;
    await log.publish([await naming(), bytes]);
    expect(await stored()).toBe(true);
  });
});
