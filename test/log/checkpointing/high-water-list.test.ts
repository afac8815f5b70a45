// The high-water mark in several places: all of them take it, and what any of them knows counts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type HighWater, HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import { HighWaterList } from "../../../src/log/checkpointing/high-water-list.ts";
import { signedCheckpoint } from "../../support/notes.ts";
import { logKey, ORIGIN } from "../../support/witnesses.ts";

const note = async (size: number, byte = 0) =>
  signedCheckpoint({ origin: ORIGIN, size, root: new Uint8Array(32).fill(byte) }, await logKey());

let folder: string;
const file = (name: string) => new HighWaterFile(join(folder, name));
const list = () => new HighWaterList([file("first"), file("second")]);
async function write(name: string, text: string): Promise<void> {
  const mark = file(name);
  await mark.read();
  await mark.swap(text);
  await mark.close();
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-marks-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("is written to all of them, in their order", async () => {
  const marks = list();
  expect(await marks.read()).toBeUndefined();
  for (const size of [3, 5]) await marks.swap(await note(size));
  await marks.close();
  for (const name of ["first", "second"]) expect((await file(name).read())?.note).toBe(await note(5));
});

it("is the largest, whichever has it: one may be new, or behind by a write that was cut short", async () => {
  await write("second", await note(3));
  expect((await list().read())?.note).toBe(await note(3));
  await write("first", await note(4));
  expect((await list().read())?.note).toBe(await note(4));
  const marks = list();
  await marks.read();
  await marks.swap(await note(5));
  await marks.close();
  expect((await file("second").read())?.note).toBe(await note(5));
});

it("is the larger of two that are ahead of each other by a write, also where that is the later one", async () => {
  await write("first", await note(3, 1));
  await write("second", await note(4, 2));
  expect((await list().read())?.note).toBe(await note(4, 2));
});

it("is the earlier one of two that are equally large, and all of them are closed", async () => {
  const closed: string[] = [];
  const place = (name: string, text: string): HighWater => ({
    read: async () => ({ note: text, isTorn: name === "second" }),
    swap: async () => undefined,
    close: async () => void closed.push(name),
  });
  const marks = new HighWaterList([place("first", await note(3)), place("second", await note(3))]);
  expect(await marks.read()).toEqual({ note: await note(3), isTorn: false });
  await marks.close();
  expect(closed).toEqual(["first", "second"]);
});

it("is not written to the later ones where an earlier one was moved", async () => {
  const marks = list();
  await marks.read();
  await marks.swap(await note(3));
  await write("first", await note(9));
  const [four, nine] = [await note(4), await note(9)];
  await expect(marks.swap(four)).rejects.toMatchObject({
    name: "MarkMovedError",
    note: nine,
  });
  expect((await file("second").read())?.note).toBe(await note(3));
  await marks.close();
});

it("is damaged where two of them say different trees of one size", async () => {
  await write("first", await note(3, 1));
  await write("second", await note(3, 2));
  await expect(list().read()).rejects.toMatchObject({
    code: "log-damaged",
    message: expect.stringContaining("it was signed in two places"),
  });
});
