// The high-water mark that a thread writes: the same file, and the same refusals, as if it had been written here.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import { MarkThread } from "../../../src/log/checkpointing/mark-thread.ts";
import { ThreadedHighWater } from "../../../src/log/checkpointing/threaded-high-water.ts";
import { MarkMovedError, StartRefusedError } from "../../../src/log/errors.ts";
import { countThreads, endThread } from "../../support/known-threads.ts";
import { signedCheckpoint } from "../../support/notes.ts";
import { logKey, ORIGIN } from "../../support/witnesses.ts";

const note = async (size: number) =>
  signedCheckpoint({ origin: ORIGIN, size, root: new Uint8Array(32).fill(size) }, await logKey());

vi.mock(import("node:worker_threads"), async (original) =>
  (await import("../../support/known-threads.ts")).knownThreads(await original()),
);

let folder: string;
let mark: ThreadedHighWater;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-thread-"));
  mark = new ThreadedHighWater(join(folder, "mark"));
});
afterEach(async () => {
  await mark.close();
  rmSync(folder, { recursive: true });
});

it("is what the file holds, and is written again after it was closed", async () => {
  expect(await mark.read()).toBeUndefined();
  for (const size of [3, 5]) await mark.swap(await note(size));
  expect((await mark.read())?.note).toBe(await note(5));
  await mark.close();
  await mark.close();
  await mark.swap(await note(7));
  expect((await new HighWaterFile(join(folder, "mark")).read())?.note).toBe(await note(7));
});

it("lets the file go when it is closed", async () => {
  await mark.swap(await note(3));
  await mark.close();
  rmSync(join(folder, "mark"));
  await expect(mark.swap(await note(4))).rejects.toThrow(new MarkMovedError(null));
  expect(await mark.read()).toBeUndefined();
  await mark.swap(await note(2));
  expect((await mark.read())?.note).toBe(await note(2));
});

it("refuses a damaged file as a start does", async () => {
  writeFileSync(join(folder, "mark"), "x".repeat(100));
  const refusal = await mark.swap(await note(3)).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(StartRefusedError);
  expect(refusal).toMatchObject({ code: "log-damaged", message: expect.stringContaining("100 bytes") });
});

it("fails as the file does, by name and code", async () => {
  await expect(mark.swap("x".repeat(5000))).rejects.toMatchObject({
    name: "RangeError",
    message: "a high-water mark has at most 4031 bytes",
    code: "",
  });
  rmSync(folder, { recursive: true });
  await expect(mark.swap(await note(3))).rejects.toMatchObject({ code: "ENOENT" });
  mkdirSync(folder);
});

describe("marks of several logs in one thread", () => {
  const file = (name: string) => join(folder, name);

  it("are told apart, and one is let go while others are written", async () => {
    const thread = new MarkThread();
    const [a, b] = [new ThreadedHighWater(file("a"), thread), new ThreadedHighWater(file("b"), thread)];
    await Promise.all([a.swap(await note(3)), b.swap(await note(4))]);
    await a.close();
    rmSync(file("a"));
    await expect(a.swap(await note(5))).rejects.toThrow(new MarkMovedError(null));
    await b.swap(await note(6));
    expect(await a.read()).toBeUndefined();
    await a.swap(await note(2));
    await Promise.all([a.close(), b.close()]);
    const held = await Promise.all(["a", "b"].map((name) => new HighWaterFile(file(name)).read()));
    expect(held.map((mark) => mark?.note)).toEqual([await note(2), await note(6)]);
  });

  it("begin the thread again that the last of them has ended", async () => {
    const thread = new MarkThread();
    const [a, b] = [new ThreadedHighWater(file("a"), thread), new ThreadedHighWater(file("b"), thread)];
    await a.swap(await note(3));
    await Promise.all([a.close(), b.swap(await note(4))]);
    await a.swap(await note(5));
    await Promise.all([a.close(), b.close()]);
    await b.swap(await note(6));
    await b.close();
    expect((await new HighWaterFile(file("b")).read())?.note).toBe(await note(6));
  });

  it("keep the thread until the last of them is closed, which ends it", async () => {
    const before = countThreads();
    const thread = new MarkThread();
    const [a, b] = [new ThreadedHighWater(file("a"), thread), new ThreadedHighWater(file("b"), thread)];
    await Promise.all([a.swap(await note(3)), b.swap(await note(4))]);
    await a.close();
    await a.close();
    await b.swap(await note(5));
    expect(countThreads()).toEqual({ started: before.started + 1, running: before.running + 1 });
    await b.close();
    expect(countThreads().running).toBe(before.running);
  });

  it.runIf(existsSync("/proc/self/fd"))("keep none of the files open that are closed", async () => {
    const thread = new MarkThread();
    const [a, b] = [new ThreadedHighWater(file("a"), thread), new ThreadedHighWater(file("b"), thread)];
    await Promise.all([a.swap(await note(3)), b.swap(await note(4))]);
    expect(openFiles()).toEqual(["a", "b"]);
    await a.close();
    expect(openFiles()).toEqual(["b"]);
    await b.close();
    expect(openFiles()).toEqual([]);
  });

  it("fail each by itself", async () => {
    const thread = new MarkThread();
    const [a, b] = [new ThreadedHighWater(file("a"), thread), new ThreadedHighWater(file("b"), thread)];
    writeFileSync(file("a"), "x".repeat(100));
    const answers = await Promise.allSettled([a.swap(await note(3)), b.swap(await note(4))]);
    expect(answers.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    await Promise.all([a.close(), b.close()]);
  });
});

/** Names of the files in the folder that this process has open, its threads with it. */
function openFiles(): string[] {
  const targets = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return targets
    .filter((target) => dirname(target) === folder)
    .map((target) => basename(target))
    .sort();
}

it("goes on in another thread where the one before has ended, and still knows what was written", async () => {
  await mark.swap(await note(3));
  await endThread();
  await mark.swap(await note(4));
  expect((await mark.read())?.note).toBe(await note(4));
  await endThread();
  const other = new HighWaterFile(join(folder, "mark"));
  await other.read();
  await other.swap(await note(9));
  await other.close();
  await expect(mark.swap(await note(5))).rejects.toThrow(new MarkMovedError(await note(9)));
});

it("is closed though its thread has ended", async () => {
  await mark.swap(await note(3));
  await endThread();
  await expect(mark.close()).resolves.toBeUndefined();
});
