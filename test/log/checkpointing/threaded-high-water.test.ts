// The high-water mark that a thread writes: the same file, and the same refusals, as if it had been written here.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import { ThreadedHighWater } from "../../../src/log/checkpointing/threaded-high-water.ts";
import { MarkMovedError, StartRefusedError } from "../../../src/log/errors.ts";
import { signedCheckpoint } from "../../support/notes.ts";
import { logKey, ORIGIN } from "../../support/witnesses.ts";

const note = async (size: number) =>
  signedCheckpoint({ origin: ORIGIN, size, root: new Uint8Array(32).fill(size) }, await logKey());

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
