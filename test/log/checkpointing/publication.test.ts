// Those who wait for an entry to be published: each is answered once, by the first checkpoint that has the entry, by the end of its
// patience, or by the end of the log.
import { expect, it, vi } from "vitest";
import { Publication, type Published } from "../../../src/log/checkpointing/publication.ts";
import { NOTHING_IN_FORCE } from "../../../src/protocol/registration/in-force.ts";
import { NOW } from "../../support/clock.ts";
import { ORIGIN } from "../../support/witnesses.ts";

const LONG = 3_600_000;
const published = (size: number, note = `${size}`, cosignedAt = NOW): Published => ({
  checkpoint: { origin: ORIGIN, size, root: new Uint8Array(32) },
  note,
  cosignedAt,
  inForce: NOTHING_IN_FORCE,
  // Nothing here proves anything.
  edge: {} as Published["edge"],
});

/** What has been answered so far, in the order of the answers. */
function asking(publication: Publication, indexes: readonly number[], waitMs = LONG): string[] {
  const answers: string[] = [];
  for (const index of indexes)
    void publication.covers(index, waitMs).then((answer) => answers.push(`${index} ${answer}`));
  return answers;
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

it("has nothing before the first checkpoint, then the newest", () => {
  const publication = new Publication(null);
  expect([publication.newest, publication.size]).toEqual([null, 0]);
  publication.publish(published(3));
  expect([publication.newest?.note, publication.size]).toEqual(["3", 3]);
  expect(new Publication(published(5)).size).toBe(5);
});

it("answers at once for what is published, and for no index beyond", async () => {
  const publication = new Publication(published(3));
  const answers = asking(publication, [0, 2, 3, 4]);
  await settled();
  expect(answers).toEqual(["0 true", "2 true"]);
  publication.close();
});

it("answers those who wait with the first checkpoint that has their entry, each once", async () => {
  const publication = new Publication(null);
  const answers = asking(publication, [0, 1, 2]);
  publication.publish(published(1));
  await settled();
  expect(answers).toEqual(["0 true"]);
  publication.publish(published(2));
  publication.publish(published(3));
  await settled();
  expect(answers).toEqual(["0 true", "1 true", "2 true"]);
});

it("leaves no timer behind for who was answered, nor a waiter whose time was up", async () => {
  vi.useFakeTimers();
  try {
    const publication = new Publication(null);
    const answers = asking(publication, [0], 1000);
    const patient = asking(publication, [0], 5000);
    expect(vi.getTimerCount()).toBe(2);
    await vi.advanceTimersByTimeAsync(999);
    expect(answers).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(answers).toEqual(["0 false"]);
    publication.publish(published(1));
    await vi.advanceTimersByTimeAsync(0);
    expect([answers, patient]).toEqual([["0 false"], ["0 true"]]);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

it("answers everybody when it closes, and nobody twice", async () => {
  const publication = new Publication(null);
  const answers = asking(publication, [0, 7]);
  publication.close();
  await settled();
  expect(answers).toEqual(["0 false", "7 false"]);
  publication.publish(published(9));
  publication.close();
  await settled();
  expect(answers).toHaveLength(2);
});

it("tells its listeners of every checkpoint until they leave, before it answers who waits", async () => {
  const publication = new Publication(null);
  const told: string[] = [];
  const leave = publication.onPublished(({ note }) => told.push(`${note} of ${publication.newest?.note}`));
  publication.publish(published(1));
  publication.publish(published(2));
  leave();
  publication.publish(published(3));
  expect(told).toEqual(["1 of 1", "2 of 2"]);
});

const [before, after] = [-1000, 1000].map((ms) => new Date(NOW.getTime() + ms)) as [Date, Date];

it.each<[string, Published, boolean]>([
  ["a larger tree, whenever it was cosigned", published(6, "larger", before), true],
  ["the same tree, cosigned later", published(5, "later", after), true],
  ["the same tree, cosigned by more at that time", published(5, "by more"), true],
  ["the same tree, cosigned earlier", published(5, "earlier", before), false],
  ["what is shown", published(5, "shown"), false],
  ["a smaller tree, whenever it was cosigned", published(4, "smaller", after), false],
])("is offered %s", (_what, offered, isShown) => {
  const publication = new Publication(published(5, "shown"));
  expect(publication.offer(offered)).toBe(isShown);
  expect(publication.newest?.note).toBe(isShown ? offered.note : "shown");
});

it("shows the first that it is offered, whatever it is", () => {
  for (const offered of [published(3), published(0, "empty", new Date(0))]) {
    const publication = new Publication(null);
    expect(publication.offer(offered)).toBe(true);
    expect(publication.newest).toBe(offered);
  }
});
