// What a crash loses at each step of a batch, as docs/operating.md says it: the process is killed there, and the machine loses power there,
// which takes back what was not synced, in every length that the write-ahead log may have kept.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HighWaterFile } from "../../src/log/checkpointing/high-water.ts";
import { fsck } from "../../src/log/maintenance/fsck.ts";
import { openSnapshot } from "../../src/log/store/open-store.ts";
import { parseCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { parseNote } from "../../src/protocol/note/signed-note.ts";
import { LogHarness } from "../support/log-harness.ts";
import { auditAsStranger } from "../support/stranger.ts";
import type { Heard, Step } from "./die-at.ts";

const PASSES = 2;
const FILES = ["log.db", "log.db-wal", "high-water"];

let founded: string;
const folders: string[] = [];

beforeAll(async () => {
  const harness = await LogHarness.make();
  harness.clock.now = new Date();
  await (await harness.create()).close();
  founded = harness.folder;
});
afterAll(() => {
  for (const folder of [founded, ...folders]) rmSync(folder, { recursive: true, force: true });
});

/** The files of a log in a folder of their own. */
function copyOf(folder: string): string {
  const copy = mkdtempSync(join(tmpdir(), "touchstone-crash-"));
  folders.push(copy);
  for (const file of FILES)
    if (existsSync(join(folder, file))) copyFileSync(join(folder, file), join(copy, file));
  return copy;
}

/** Lets a log die at a step. */
function dieAt(step: Step): { readonly folder: string; readonly heard: readonly Heard[] } {
  const folder = copyOf(founded);
  const script = join(import.meta.dirname, "die-at.ts");
  const { stdout, signal } = spawnSync(
    process.execPath,
    ["--experimental-strip-types", script, folder, step, String(PASSES)],
    { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
  );
  expect(signal).toBe("SIGKILL");
  return { folder, heard: stdout.split("\n").flatMap((line) => (line ? [JSON.parse(line) as Heard] : [])) };
}

const sizeOf = (note: string) => parseCheckpoint(parseNote(note).text).size;

interface Left {
  readonly entries: number;
  /** Size of the newest checkpoint in the history. */
  readonly history: number;
  /** Size of the high-water mark. */
  readonly marked: number;
}

/** What is there after the crash; fsck has nothing to say about it. */
async function whatIsLeft(folder: string): Promise<Left> {
  const store = await openSnapshot(join(folder, "log.db"));
  const mark = new HighWaterFile(join(folder, "high-water"));
  const { findings } = await fsck(store, mark);
  const left = {
    entries: (await store.head()).size,
    history: (await store.newestCheckpoint())?.size ?? 0,
    marked: sizeOf((await mark.read())?.note ?? ""),
  };
  await store.close();
  expect(findings).toEqual([]);
  return left;
}

/** Starts the log again: it publishes everything that is durable, extends all that was shown, and has all that was acknowledged. */
async function startsAgain(folder: string, heard: readonly Heard[], { entries }: Left): Promise<void> {
  const harness = await LogHarness.at(folder);
  harness.clock.now = new Date();
  const log = await harness.open();
  await expect.poll(() => log.read.published()?.checkpoint.size).toBe(entries);
  const shown = heard.flatMap((one) => ("shown" in one ? [one.shown] : []));
  await auditAsStranger(log.read, log.read.inForce.trustRoots[0]!.root.logPolicy, shown);
  for (const one of heard)
    if ("acknowledged" in one) {
      const found = await log.read.findByDigest(one.acknowledged.digest);
      expect(found?.index).toBe(one.acknowledged.index);
    }
  await log.close();
}

/** Of the third entry, whose index is 3, since the trust root is entry 0 and two were published before. */
const KILLED: ReadonlyArray<readonly [Step, Left]> = [
  ["append asked for", { entries: 3, history: 3, marked: 3 }],
  ["append done", { entries: 4, history: 3, marked: 3 }],
  ["mark done", { entries: 4, history: 3, marked: 4 }],
  ["checkpoint done", { entries: 4, history: 4, marked: 4 }],
  ["shown", { entries: 4, history: 4, marked: 4 }],
];

describe("a process that is killed", () => {
  it.each(KILLED)("at %s leaves %o", async (step, left) => {
    const { folder, heard } = dieAt(step);
    expect(await whatIsLeft(folder)).toEqual(left);
    await startsAgain(folder, heard, left);
  });

  it("while an append is under way leaves all of it or nothing", async () => {
    const { folder, heard } = dieAt("append under way");
    const left = await whatIsLeft(folder);
    expect(left).toEqual({ entries: expect.toBeOneOf([3, 4]), history: 3, marked: 3 });
    await startsAgain(folder, heard, left);
  });
});

describe("a machine that loses power", () => {
  it.each(["append done", "mark done", "checkpoint done", "shown"] as const)(
    "at %s loses no entry, and of the history of checkpoints at most the newest row",
    async (step) => {
      const { folder, heard } = dieAt(step);
      const synced = Math.max(...heard.map((one) => ("durable" in one ? one.walBytes : 0)));
      const length = statSync(join(folder, "log.db-wal")).size;
      const kept = new Set<number>();
      for (const bytes of [synced, synced + 24, Math.floor((synced + length) / 2), length - 1, length]) {
        const copy = copyOf(folder);
        truncateSync(join(copy, "log.db-wal"), Math.max(synced, bytes));
        const left = await whatIsLeft(copy);
        expect([left.entries, left.marked]).toEqual([4, step === "append done" ? 3 : 4]);
        kept.add(left.history);
        await startsAgain(copy, heard, left);
      }
      const rowIsThere = step === "checkpoint done" || step === "shown";
      expect([...kept].sort()).toEqual(rowIsThere ? [3, 4] : [3]);
    },
  );
});
