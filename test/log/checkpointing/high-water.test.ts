// The high-water file: whatever a crash leaves of a write, the mark before it is still there.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import { formatCheckpoint } from "../../../src/protocol/note/checkpoint.ts";
import { createNoteSigner } from "../../../src/protocol/note/key.ts";
import { signNote } from "../../../src/protocol/note/signed-note.ts";
import { logKey, ORIGIN } from "../../support/witnesses.ts";

let folder: string;
const file = () => join(folder, "high-water");
const read = () => new HighWaterFile(file()).read();
const note = async (size: number) =>
  signNote(formatCheckpoint({ origin: ORIGIN, size, root: new Uint8Array(32) }), [
    createNoteSigner(await logKey()),
  ]);

async function write(...sizes: number[]): Promise<void> {
  const mark = new HighWaterFile(file());
  for (const size of sizes) await mark.write(await note(size));
  await mark.close();
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-mark-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the high-water file", () => {
  it("gives the largest checkpoint, over any number of writes and processes", async () => {
    expect(await read()).toBeUndefined();
    for (const [i, size] of [1, 9, 10, 11, 300, 301].entries()) {
      await write(size);
      expect(await read(), `write ${i}`).toBe(await note(size));
    }
    await write(400, 500, 600);
    expect(await read()).toBe(await note(600));
    expect(readFileSync(file())).toHaveLength(8192);
  });

  it("keeps the mark before a write that was torn anywhere", async () => {
    await write(1, 2, 3);
    const before = readFileSync(file());
    await write(4);
    const after = readFileSync(file());
    const slot = before.subarray(0, 4096).equals(after.subarray(0, 4096)) ? 4096 : 0;
    for (let cut = 0; cut <= 4096; cut += 37) {
      writeFileSync(file(), Buffer.concat([after.subarray(0, slot + cut), before.subarray(slot + cut)]));
      expect([await note(3), await note(4)]).toContain(await read());
    }
  });

  it("has none after a first write that was torn, and is damaged when both slots are", async () => {
    await write(1);
    const torn = readFileSync(file());
    torn[100] = 1;
    writeFileSync(file(), torn);
    expect(await read()).toBeUndefined();
    await write(1, 2);
    const both = readFileSync(file());
    both[100] = 1;
    both[4196] = 1;
    writeFileSync(file(), both);
    await expect(read()).rejects.toThrow(/damaged/);
  });

  it("refuses a note that does not fit a slot", async () => {
    await expect(new HighWaterFile(file()).write("x".repeat(5000))).rejects.toThrow(RangeError);
  });
});
