// What waits is cut into batches: one goes on growing while there is more to come, within bounds, and is then taken from the oldest on.
import { expect, test } from "vitest";
import { BatchQueue, type Group } from "../../../src/log/sequencing/batch-queue.ts";

const group = (entries: number): Group => ({
  envelopes: Array.from({ length: entries }, () => ({
    leaf: new Uint8Array(9),
  })) as unknown as Group["envelopes"],
  attached: new Map(),
  resolve: () => undefined,
  reject: () => undefined,
});

/** Does something in each of the next turns of the event loop. */
function inTurns(turns: number, act: (turn: number) => void): void {
  let turn = 0;
  const next = () => {
    act(turn++);
    if (turn < turns) setImmediate(next);
  };
  setImmediate(next);
}

test("a batch waits while connections are accepted, of which the requests come a turn later", async () => {
  let accepted = 0;
  const queue = new BatchQueue(
    () => accepted,
    () => 0,
  );
  queue.add(group(1));
  inTurns(10, (turn) => {
    if (turn < 9) accepted++;
    if (turn > 0) queue.add(group(1));
  });
  await queue.gather();
  expect(queue.take()).toHaveLength(10);
});

test("a batch waits 20 ms and no longer for those who only connect, and go on connecting", async () => {
  let accepted = 0;
  let milliseconds = 0;
  const queue = new BatchQueue(
    () => accepted++,
    () => milliseconds++,
  );
  queue.add(group(1));
  await queue.gather();
  expect(milliseconds).toBe(21);
  expect(queue.take()).toHaveLength(1);
});

test("a batch that is full does not wait, and takes whole groups from the oldest on", async () => {
  const queue = new BatchQueue();
  for (const entries of [300, 300, 1]) queue.add(group(entries));
  await queue.gather();
  expect(queue.take().map(({ envelopes }) => envelopes.length)).toEqual([300, 300]);
  expect(queue.isEmpty).toBe(false);
  expect(queue.take().map(({ envelopes }) => envelopes.length)).toEqual([1]);
  expect(queue.isEmpty).toBe(true);
});
