// A node leads when it is its turn, follows while it is not, and goes on by itself after whatever ended its leading.
import { setTimeout as sleep } from "node:timers/promises";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import type { Published } from "../../../src/log/checkpointing/publication.ts";
import type { LogNode } from "../../../src/log/cluster/log-node.ts";
import { UnknownOutcomeError } from "../../../src/log/errors.ts";
import type { ClusterStore } from "../../../src/log/store/leadership.ts";
import type { LogWriter, News, TreeHead } from "../../../src/log/store/log-store.ts";
import { GrowingTree } from "../../../src/log/tree/growing-tree.ts";
import { hashLeaf } from "../../../src/protocol/merkle/hash.ts";
import { ED25519 } from "../../../src/protocol/note/key.ts";
import { currentTrustRoot } from "../../../src/protocol/registration/in-force.ts";
import { revocationPredicate } from "../../support/document-predicates.ts";
import { intercept } from "../../support/intercept.ts";
import { NodeHarness, QUICK } from "../../support/node-harness.ts";
import { signedCheckpoint, testKey } from "../../support/notes.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";
import { auditAsStranger } from "../../support/stranger.ts";
import { logKey, ORIGIN } from "../../support/witnesses.ts";

const PATIENT = { timeout: 20_000, interval: 50 };

let harness: NodeHarness;
beforeEach(async () => {
  harness = await NodeHarness.found();
});
afterEach(() => harness.remove());

const platforms = (count: number, name = "vm") => signPlatforms(harness.log.keys, name, count);
const sizeOf = (node: LogNode) => node.read.published()?.checkpoint.size ?? 0;
const untilLeading = (node: LogNode) => expect.poll(() => node.isLeading, PATIENT).toBe(true);

const audit = (node: LogNode) =>
  auditAsStranger(node.read, currentTrustRoot(node.read.inForce)!.root.logPolicy);

/** Somebody else opens the log for writing, behind the lock that keeps that out. */
function beginEpoch(): void {
  const database = new Sqlite(harness.log.databaseFile);
  database.exec("UPDATE tree_head SET epoch = epoch + 1");
  database.close();
}

/** Changes what a writer of the store does. */
const withWriter = (change: (writer: LogWriter) => Partial<LogWriter>) => (store: ClusterStore) =>
  intercept(store, {
    leadership: intercept(store.leadership, {
      campaign: async (...call) => {
        const writer = await store.leadership.campaign(...call);
        return intercept(writer, change(writer));
      },
      leadAtOnce: async (me) => {
        const writer = await store.leadership.leadAtOnce(me);
        return intercept(writer, change(writer));
      },
    }),
  });

describe("a node alone", () => {
  it("leads when it has started, publishes, and leaves a log that anybody can check", async () => {
    const node = await harness.start("a");
    const [first] = await node.publish(await platforms(1));
    expect(first).toMatchObject({ outcome: "new", state: "published" });
    expect([node.isLeading, node.impediment(), node.isBehind, node.pending]).toEqual([true, null, false, 0]);
    expect(node.registered.size).toBe(sizeOf(node));
    await audit(node);
    await node.close();
    expect(node.impediment()?.code).toBe("shutting-down");
  });

  it("does not start where another process writes, or where the start's checks refuse", async () => {
    await harness.start("a");
    await expect(harness.start("b")).rejects.toMatchObject({ code: "log-in-use" });
  });

  it("goes on without a restart when its store comes back", async () => {
    let isGone = false;
    const gone = async () => {
      throw new UnknownOutcomeError("the disk does not answer");
    };
    const store = withWriter((writer) => ({
      append: (...call) => (isGone ? gone() : writer.append(...call)),
    }));
    const node = await harness.start("a", { store });
    const [first, second] = await platforms(2);
    isGone = true;
    await expect(node.publish([first!])).rejects.toMatchObject({ code: "no-leader" });
    isGone = false;
    await untilLeading(node);
    expect((await node.publish([first!, second!])).map(({ outcome }) => outcome)).toEqual(["new", "new"]);
  });

  it("steps down when a newer epoch was begun, and leads again with one of its own", async () => {
    const node = await harness.start("a");
    beginEpoch();
    const [entry] = await platforms(1);
    await expect(node.publish([entry!])).rejects.toMatchObject({ code: "no-leader" });
    await untilLeading(node);
    expect(await node.publish([entry!])).toMatchObject([{ outcome: "new", state: "published" }]);
  });

  it("shows nothing that it signed after somebody else has moved the mark, and finds out what is true", async () => {
    const node = await harness.start("a");
    const mark = new HighWaterFile(harness.log.highWaterPath);
    await node.publish(await platforms(1, "before"));
    const shown = sizeOf(node);
    const { note } = (await mark.read())!;
    // Another note of the same checkpoint: it holds against the tree, and is not what was written last.
    await mark.swap(`${note}— other.example AAAAAAAA\n`);
    await mark.close();
    const publishing = node.publish(await platforms(1, "after"));
    await expect.poll(() => node.isLeading, PATIENT).toBe(false);
    expect(sizeOf(node)).toBe(shown);
    await untilLeading(node);
    await publishing;
    await expect.poll(() => sizeOf(node), PATIENT).toBeGreaterThan(shown);
    await audit(node);
  });

  it("does not lead with a clock that is not the database's", async () => {
    const store = withWriter(() => ({ takenAt: new Date(harness.log.clock.now.getTime() - 31_000) }));
    await expect(harness.start("a", { store })).rejects.toMatchObject({
      code: "wrong-clock",
      message: expect.stringContaining("31 seconds ahead of the database's"),
    });
    const near = withWriter(() => ({ takenAt: new Date(harness.log.clock.now.getTime() + 30_000) }));
    expect((await harness.start("b", { store: near })).isLeading).toBe(true);
  });

  it("says why it may not lead where that happens later, goes on reading, and leads when it is repaired", async () => {
    let isFuture = false;
    const store = withWriter(({ takenAt }) => ({
      takenAt: isFuture ? new Date(takenAt.getTime() + 60_000) : takenAt,
    }));
    const node = await harness.start("a", { store });
    isFuture = true;
    beginEpoch();
    await expect(node.publish(await platforms(1))).rejects.toMatchObject({ code: "no-leader" });
    await expect
      .poll(() => node.impediment()?.message, PATIENT)
      .toMatch(/may not lead: this machine's clock/);
    expect(node.impediment()?.code).toBe("log-stopped");
    expect(sizeOf(node)).toBeGreaterThan(0);
    isFuture = false;
    await untilLeading(node);
    expect(node.impediment()).toBeNull();
  });
});

describe("a node that follows", () => {
  const reading = (options = {}) => harness.start("reader", { leading: null, cluster: QUICK, ...options });

  it("shows what the leader publishes, and proves it", async () => {
    const [leader, reader] = [await harness.start("a"), await reading()];
    expect(sizeOf(reader)).toBe(sizeOf(leader));
    await leader.publish(await platforms(300));
    await expect.poll(() => sizeOf(reader), PATIENT).toBe(sizeOf(leader));
    expect(reader.registered).toEqual(leader.registered);
    expect(reader.read.inForce).toEqual(leader.read.inForce);
    await audit(reader);
  });

  it("knows a revocation that is durable and not cosigned yet", async () => {
    let isHeld = false;
    const { cosigners, ...surroundings } = await harness.log.surroundings();
    const leader = await harness.start("a", {
      leading: {
        ...surroundings,
        limits: { publishWaitMs: 100 },
        cosigners: cosigners.map((cosigner) =>
          intercept(cosigner, {
            gather: (...call) => (isHeld ? new Promise(() => {}) : cosigner.gather(...call)),
          }),
        ),
      },
    });
    const reader = await reading();
    const [platform] = await platforms(1);
    await leader.publish([platform!]);
    await expect.poll(() => sizeOf(reader), PATIENT).toBe(sizeOf(leader));
    isHeld = true;
    const revocation = revocationPredicate({ name: "r", digests: [platform!.payloadDigest] });
    const [outcome] = await leader.publish([
      await signStatement("revocation", revocation, [harness.log.keys.revocation]),
    ]);
    expect(outcome?.state).toBe("awaiting-cosignature");
    await expect
      .poll(() => [...reader.registered.revokedDigests], PATIENT)
      .toEqual([platform!.payloadDigest]);
    expect([...reader.read.inForce.revokedDigests]).toEqual([]);
    isHeld = false;
  });

  it.each([
    ["which another key signed", async (head: TreeHead) => [head, await testKey(ORIGIN, ED25519)] as const],
    [
      "to whose root the entries do not lead",
      async (head: TreeHead) =>
        [{ ...head, root: head.root.map((byte) => byte ^ 1) }, await logKey()] as const,
    ],
    [
      "of another log, which its key signed",
      async (head: TreeHead) => [{ ...head, origin: "other.example/log" }, await logKey()] as const,
    ],
  ])("shows no checkpoint %s, and goes on with one that is true", async (_, forge) => {
    const leader = await harness.start("a");
    let isForging = false;
    let forgeries = 0;
    const reader = await reading({
      store: (store: ClusterStore) =>
        intercept(store, {
          reader: intercept(store.reader, {
            news: async (...call) => {
              const news = await store.reader.news(...call);
              if (!isForging) return news;
              const [checkpoint, key] = await forge(news.head);
              const note = await signedCheckpoint({ origin: ORIGIN, ...checkpoint }, key);
              forgeries++;
              return { ...news, checkpoint: { size: checkpoint.size, cosignedAt: 1, note } };
            },
            changed: () => sleep(20),
          }),
        }),
    });
    const before = reader.read.published();
    const shown: Published[] = [];
    reader.onPublished((published) => shown.push(published));
    isForging = true;
    await leader.publish(await platforms(2));
    await expect.poll(() => reader.registered.size, PATIENT).toBe(sizeOf(leader));
    const seen = forgeries;
    await expect.poll(() => forgeries, PATIENT).toBeGreaterThan(seen);
    expect([shown, reader.read.published()]).toEqual([[], before]);
    isForging = false;
    await expect.poll(() => sizeOf(reader), PATIENT).toBe(sizeOf(leader));
    expect(reader.read.inForce).toEqual(leader.read.inForce);
    await audit(reader);
  });

  it("forgets what a database that failed over took back, and knows what is there in its place", async () => {
    const leader = await harness.start("a");
    const [platform, lost] = await platforms(2);
    await leader.publish([platform!]);
    const published = leader.read.published()!.checkpoint;
    let isOld = false;
    const reader = await reading({
      store: (store: ClusterStore) => {
        const { reader } = store;
        const oldHead = async () => {
          const tree = await GrowingTree.load(reader, published);
          return { size: tree.size + 1, root: tree.rootWith([hashLeaf(lost!.leaf)]) };
        };
        return intercept(store, {
          reader: intercept(reader, {
            news: async (from, limit) => {
              const news = await reader.news(from, limit);
              if (!isOld) return news;
              return { ...news, head: await oldHead(), leaves: from === published.size ? [lost!.leaf] : [] };
            },
            changed: () => sleep(20),
          }),
        });
      },
    });
    expect(sizeOf(reader)).toBe(published.size);
    isOld = true;
    await expect.poll(() => reader.registered.size, PATIENT).toBe(published.size + 1);
    const revocation = revocationPredicate({ name: "r", digests: [platform!.payloadDigest] });
    const [first, second] = [
      await signStatement("revocation", revocation, [harness.log.keys.revocation]),
      ...(await platforms(1, "later")),
    ];
    isOld = false;
    await leader.publish([first!, second!]);
    await expect.poll(() => sizeOf(reader), PATIENT).toBe(sizeOf(leader));
    expect(reader.read.inForce).toEqual(leader.read.inForce);
    expect(reader.registered).toEqual(leader.registered);
    expect([...reader.registered.revokedDigests]).toEqual([platform!.payloadDigest]);
  });

  it("knows who leads, and sends entries there", async () => {
    const leader = await harness.start("a");
    const reader = await reading();
    const place = await reader.whereToWrite();
    if (place === "here" || place === null) throw new Error("another one leads");
    expect([place.address, place.over.aborted]).toEqual(["https://a.example", false]);
    expect(reader.impediment()).toBeNull();
    await expect(reader.publish(await platforms(1))).rejects.toMatchObject({ code: "no-leader" });
    expect(await leader.whereToWrite()).toBe("here");
    await leader.close();
    reader.notReached();
    expect(await reader.whereToWrite()).toBeNull();
    expect(place.over.aborted).toBe(true);
    await expect.poll(() => reader.impediment()?.code, PATIENT).toBe("no-leader");
  });

  it("looks for what it does not have, and waits for it as long as is asked", async () => {
    const leader = await harness.start("a");
    const reader = await reading({
      store: (store: ClusterStore) =>
        intercept(store, {
          reader: intercept(store.reader, { changed: (_s, _t, signal) => aborted(signal) }),
        }),
    });
    await leader.publish(await platforms(1));
    expect(sizeOf(reader)).toBeLessThan(sizeOf(leader));
    expect(await reader.reach(sizeOf(leader), PATIENT.timeout)).toBe(true);
    expect(await reader.reach(sizeOf(leader) + 1, 10)).toBe(false);
  });

  it("waits no longer than is asked for a store that does not answer", async () => {
    const leader = await harness.start("a");
    let isSilent = false;
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const reader = await reading({
      store: (store: ClusterStore) =>
        intercept(store, {
          reader: intercept(store.reader, {
            news: async (...call) => {
              if (isSilent) await answered;
              return store.reader.news(...call);
            },
          }),
        }),
    });
    isSilent = true;
    expect(await reader.reach(sizeOf(leader) + 1, 10)).toBe(false);
    await reader.refresh(10);
    answer();
  });

  it("is behind once it has not heard of the store for longer than it may", async () => {
    let isGone = false;
    const reader = await reading({
      cluster: { leaseMs: 1_000, staleAfterMs: 200 },
      store: (store: ClusterStore) =>
        intercept(store, {
          reader: intercept(store.reader, {
            news: async (...call) => {
              if (isGone) throw new Error("connection refused");
              return store.reader.news(...call);
            },
            changed: (seen, _timeout, signal) => store.reader.changed(seen, 20, signal),
          }),
        }),
    });
    await expect.poll(() => reader.isBehind, PATIENT).toBe(false);
    isGone = true;
    await expect.poll(() => reader.isBehind, PATIENT).toBe(true);
    expect(sizeOf(reader)).toBeGreaterThan(0);
    isGone = false;
    await expect.poll(() => reader.isBehind, PATIENT).toBe(false);
  });

  it("is behind while it reads a replica whose replay is stuck, though that answers", async () => {
    const leader = await harness.start("a");
    let stuck: News | null = null;
    let stick = async () => {};
    const reader = await reading({
      cluster: { leaseMs: 1_000, staleAfterMs: 500 },
      store: (store: ClusterStore) => {
        const { reader } = store;
        stick = async () => {
          stuck = await reader.news(sizeOf(leader), 1);
        };
        return intercept(store, {
          primarySize: async () => (await reader.head()).size,
          reader: intercept(reader, {
            news: async (...call) => stuck ?? reader.news(...call),
            changed: () => sleep(20),
          }),
        });
      },
    });
    await expect.poll(() => reader.isBehind, PATIENT).toBe(false);
    await stick();
    await leader.publish(await platforms(1));
    await expect.poll(() => reader.isBehind, PATIENT).toBe(true);
    stuck = null;
    await expect.poll(() => reader.isBehind, PATIENT).toBe(false);
    expect(sizeOf(reader)).toBe(sizeOf(leader));
  });

  it("is behind where the server that takes writes does not answer, though a replica does", async () => {
    await harness.start("a");
    let isGone = false;
    const reader = await reading({
      cluster: { leaseMs: 1_000, staleAfterMs: 500 },
      store: (store: ClusterStore) =>
        intercept(store, {
          primarySize: async () => {
            if (isGone) throw new Error("timeout");
            return (await store.reader.head()).size;
          },
          reader: intercept(store.reader, { changed: () => sleep(20) }),
        }),
    });
    await expect.poll(() => reader.isBehind, PATIENT).toBe(false);
    isGone = true;
    await expect.poll(() => reader.isBehind, PATIENT).toBe(true);
    isGone = false;
    await expect.poll(() => reader.isBehind, PATIENT).toBe(false);
  });

  it.each(["before", "after"] as const)(
    "does not lead once it was told to stop, %s a campaign that was under way is won",
    async (when) => {
      let campaigns = 0;
      let goOn = () => {};
      const held = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      const ended: unknown[] = [];
      const candidate = await harness.start("b", {
        cluster: QUICK,
        store: (store: ClusterStore) =>
          intercept(store, {
            leadership: intercept(store.leadership, {
              campaign: async (me, signal) => {
                campaigns++;
                if (when === "before") await held;
                const campaign = store.leadership.campaign(me, signal);
                void campaign.catch(() => undefined).then((won) => ended.push(won));
                const writer = await campaign;
                if (when === "after") await held;
                return writer;
              },
            }),
          }),
      });
      await expect.poll(() => campaigns, PATIENT).toBe(1);
      if (when === "after") await expect.poll(() => ended.length, PATIENT).toBe(1);
      await candidate.resign();
      goOn();
      await expect.poll(() => ended.length, PATIENT).toBe(1);
      expect(ended[0] === undefined).toBe(when === "before");
      // Whoever waits leads at once: nothing is held.
      const next = await harness.start("c", { cluster: QUICK });
      await untilLeading(next);
      expect(candidate.isLeading).toBe(false);
    },
  );

  it("takes over when the leader has gone, with everything that one had published", async () => {
    const leader = await harness.start("a");
    const candidate = await harness.start("b", { cluster: QUICK });
    const [entry, later] = await platforms(2);
    const [first] = await leader.publish([entry!]);
    await leader.close();
    await untilLeading(candidate);
    expect(await candidate.publish([entry!])).toMatchObject([{ outcome: "known", index: first?.index }]);
    expect(await candidate.publish([later!])).toMatchObject([{ outcome: "new", state: "published" }]);
    await audit(candidate);
  });
});

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
