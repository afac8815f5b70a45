// Whoever waits for a leader is told of it, and the store is asked no more often for many than for one.
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { LeaderWatch } from "../../../src/log/cluster/leader-watch.ts";
import { NO_OBSERVER } from "../../../src/log/observer.ts";
import type { Leader, Leadership } from "../../../src/log/store/leadership.ts";

const OWN = { id: "own", address: "https://own.example" };
const LEASE_MS = 300;

/** A store that answers when it is told to. */
function asked() {
  const questions: Array<(leader: Leader | null) => void> = [];
  const leadership = {
    leader: () => new Promise<Leader | null>((resolve) => questions.push(resolve)),
  } as Partial<Leadership> as Leadership;
  const { logger } = NO_OBSERVER;
  return { questions, watch: new LeaderWatch({ leadership, own: OWN, leaseMs: LEASE_MS, logger }) };
}

const other = { id: "other", address: "https://other.example", epoch: 7 };
const wait = (watch: LeaderWatch) =>
  watch.untilLed(AbortSignal.timeout(20_000), () => false).then((leader) => leader?.address);

describe("many who wait for a leader", () => {
  it("share one question that is under way, and its answer", async () => {
    const { questions, watch } = asked();
    const waiting = Array.from({ length: 50 }, () => wait(watch));
    await Promise.resolve();
    expect(questions).toHaveLength(1);
    questions[0]!(other);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([other.address]));
  });

  it("share the answer that nobody leads, and are told of the next one by one more question", async () => {
    const { questions, watch } = asked();
    const waiting = [wait(watch)];
    questions[0]!(null);
    await new Promise(setImmediate);
    for (let i = 0; i < 50; i++) waiting.push(wait(watch));
    await new Promise(setImmediate);
    await expect.poll(() => questions.length, { timeout: 20_000 }).toBe(2);
    questions[1]!(other);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([other.address]));
    expect(questions).toHaveLength(2);
  });

  it("are sent to another process that was given the same id, and never to this one", async () => {
    const { questions, watch } = asked();
    const first = wait(watch);
    questions[0]!({ ...OWN, epoch: 6 });
    await expect.poll(() => questions.length, { timeout: 20_000 }).toBe(2);
    questions[1]!({ ...other, id: OWN.id });
    expect(await first).toBe(other.address);
  });

  it("have it asked anew where the one that was named is not reached", async () => {
    const { questions, watch } = asked();
    const first = wait(watch);
    questions[0]!(other);
    await first;
    watch.notReached();
    const second = wait(watch);
    questions[1]!({ ...other, epoch: 8, address: "https://next.example" });
    expect(await second).toBe("https://next.example");
  });
});

describe("a process whose address another one gives for its own", () => {
  /** Has the store say who leads, as often as it takes to be believed. */
  async function told({ questions, watch }: ReturnType<typeof asked>, leader: Leader | null) {
    const asking = watch.ask();
    questions.shift()?.(leader);
    await asking;
  }
  const copied: Leader = { id: "copied", address: OWN.address, epoch: 9 };

  it("says so once that one cannot be the one that was there before it, and is led by it no more", async () => {
    for (const leader of [copied, { ...copied, id: OWN.id }]) {
      const store = asked();
      await told(store, leader);
      expect([store.watch.obstacle, store.watch.isLed]).toEqual([null, false]);
      await expect
        .poll(() => told(store, leader).then(() => store.watch.obstacle), { timeout: 20_000 })
        .toMatch(/cluster\.advertise/);
      expect(await store.watch.untilLed(AbortSignal.timeout(20_000), () => false)).toBeNull();
      await expect
        .poll(() => told(store, other).then(() => store.watch.obstacle), { timeout: 20_000 })
        .toBeNull();
      expect(store.watch.isLed).toBe(true);
    }
  });

  it("takes no epoch of its own for that", async () => {
    const store = asked();
    store.watch.won(copied.epoch);
    const until = performance.now() + 3 * LEASE_MS;
    while (performance.now() < until) {
      await told(store, copied);
      await sleep(20);
    }
    expect(store.watch.obstacle).toBeNull();
  });
});
