// What waits is cut into batches: one goes on growing while there is more to come, within bounds, and is then taken from the oldest on.
import { expect, test, vi } from "vitest";
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

const MIB = 1024 * 1024;
/** A group of one envelope of so many bytes, with an attachment of so many. */
const heavy = (leaf: number, attachment = 0): Group => ({
  ...group(0),
  envelopes: [{ leaf: { length: leaf } }] as unknown as Group["envelopes"],
  attached: new Map(attachment === 0 ? [] : [["digest", { length: attachment } as Uint8Array]]),
});
function queueOf(...groups: readonly Group[]): BatchQueue {
  const queue = new BatchQueue();
  for (const one of groups) queue.add(one);
  return queue;
}

test.each([
  [[511, 1, 1], 2],
  [[512, 1], 1],
  [[513, 1], 1],
  [[1, 511, 1], 2],
])("of groups of %j entries the first %i make one batch: it is full with 512", (entries, taken) => {
  expect(queueOf(...entries.map(group)).take()).toHaveLength(taken);
});

test.each([
  [[4 * MIB - 1, 1, 1], 2],
  [[4 * MIB, 1], 1],
  [[16 * MIB, 1], 1],
  [[1, 1, 1], 3],
])("of envelopes of %j bytes the first %i make one batch: it is full with 4 MiB", (sizes, taken) => {
  expect(queueOf(...sizes.map((size) => heavy(size))).take()).toHaveLength(taken);
});

test("the bytes of documents that came with envelopes count as those of envelopes", () => {
  expect(queueOf(heavy(1, 4 * MIB - 2), heavy(1), heavy(1)).take()).toHaveLength(2);
  expect(queueOf(heavy(1, 4 * MIB - 1), heavy(1), heavy(1)).take()).toHaveLength(1);
});

test("a queue of nothing gives a batch of nothing", () => {
  expect(queueOf().take()).toEqual([]);
});

/** How many turns of the event loop a batch waits while each brings another group, and one was there before. */
async function turnsOf(groups: number, queued: number, now: () => number): Promise<number> {
  const queue = new BatchQueue(() => 0, now);
  for (let i = 0; i < queued; i++) queue.add(group(1));
  let turns = 0;
  inTurns(groups, () => {
    turns++;
    queue.add(group(1));
  });
  await queue.gather();
  return turns;
}

test("a batch waits until 512 groups are there, and no longer", async () => {
  expect(await turnsOf(8, 509, () => 0)).toBe(3);
  expect(await turnsOf(8, 600, () => 0)).toBe(1);
});

test("a batch does not wait for a turn after the one that brought nothing", async () => {
  let asked = 0;
  const queue = new BatchQueue(
    () => 0,
    () => asked++,
  );
  queue.add(group(1));
  await queue.gather();
  expect(asked).toBe(1);
});

test("a batch waits less than 20 ms from when it begins, whatever the clock shows then", async () => {
  const times = [1000, 1019, 1020, 1020];
  expect(await turnsOf(8, 1, () => times.shift() ?? 9999)).toBe(2);
});

test("a batch of a queue that hears of no connections waits while requests come, by the clock of the process", async () => {
  const queue = new BatchQueue();
  queue.add(group(1));
  vi.spyOn(performance, "now").mockReturnValue(7);
  inTurns(3, () => queue.add(group(1)));
  await queue.gather();
  vi.restoreAllMocks();
  expect(queue.take()).toHaveLength(4);
});
