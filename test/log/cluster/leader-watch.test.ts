// Whoever waits for a leader is told of it, and the store is asked no more often for many than for one.
import { describe, expect, it } from "vitest";
import { LeaderWatch } from "../../../src/log/cluster/leader-watch.ts";
import type { Leader, Leadership } from "../../../src/log/store/leadership.ts";

const OWN = { id: "own", address: "https://own.example" };

/** A store that answers when it is told to. */
function asked() {
  const questions: Array<(leader: Leader | null) => void> = [];
  const leadership = {
    leader: () => new Promise<Leader | null>((resolve) => questions.push(resolve)),
  } as Partial<Leadership> as Leadership;
  return { questions, watch: new LeaderWatch(leadership, OWN) };
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
