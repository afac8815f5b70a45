// What gives statuses the root of their index, alone: over which entries it is drawn, and which statuses the index is waited for.
import { afterEach, expect, it, vi } from "vitest";
import { IndexOfStatuses } from "../../../src/log/sequencing/index-of-statuses.ts";
import type { PendingBatch } from "../../../src/log/sequencing/pending-batch.ts";
import type { Recorder } from "../../../src/log/sequencing/recorder.ts";
import type { Envelope } from "../../../src/protocol/envelope/dsse.ts";

const ROOT = new Uint8Array(32).fill(0xab);
const recorder = { state: { head: { size: 40 } } } as unknown as Recorder;
const batch = () => {
  const accepted = [1, 2].map((byte) => ({ envelope: { leaf: Uint8Array.of(byte) } }));
  return { accepted, drawIndex: vi.fn() } as unknown as PendingBatch;
};
function open(root: Uint8Array | null = ROOT) {
  const index = { rootWith: vi.fn(async () => root), reach: vi.fn(async () => true) };
  const measure = vi.fn();
  return { index, measure, indexes: new IndexOfStatuses(index, recorder, { measure }) };
}
const status = (size: number | null) =>
  ({
    statement: { kind: "status", predicate: { index: size === null ? null : { size, root: "" } } },
  }) as unknown as Envelope;

afterEach(() => {
  vi.restoreAllMocks();
});

it("draws the root over the durable log and the batch, tells the batch, and says how long that took", async () => {
  const { index, measure, indexes } = open();
  const times = [100, 130];
  vi.spyOn(performance, "now").mockImplementation(() => times.shift() ?? 0);
  const pending = batch();
  expect(await indexes.draw(pending)).toBe("ab".repeat(32));
  expect(index.rootWith).toHaveBeenCalledExactlyOnceWith(40, [Uint8Array.of(1), Uint8Array.of(2)]);
  expect(pending.drawIndex).toHaveBeenCalledExactlyOnceWith("ab".repeat(32));
  expect(measure).toHaveBeenCalledExactlyOnceWith("index-ms", 30);
});

it("draws none where there is no index, or where it is too far behind", async () => {
  const { measure, indexes } = open(null);
  const pending = batch();
  expect(await indexes.draw(pending)).toBeNull();
  expect(await new IndexOfStatuses(undefined, recorder, { measure }).draw(pending)).toBeNull();
  expect(pending.drawIndex).not.toHaveBeenCalled();
  expect(measure).not.toHaveBeenCalled();
});

it("waits for the index where a status states one of a size that the log has", async () => {
  const { index, indexes } = open();
  const other = { statement: { kind: "policy", predicate: { index: { size: 5 } } } } as unknown as Envelope;
  await indexes.reach([status(null), status(39), other, status(40), status(41)]);
  expect(index.reach.mock.calls).toEqual([[39], [40]]);
});

it("waits for none where there is no index", async () => {
  const { measure } = open();
  const indexes = new IndexOfStatuses(undefined, recorder, { measure });
  await expect(indexes.reach([status(39)])).resolves.toBeUndefined();
});
