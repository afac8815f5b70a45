// The high-water file: whatever a crash leaves of a write, the mark before it is still there.
import { createHash } from "node:crypto";
import * as nodeFs from "node:fs";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HighWaterFile, type HighWaterFileSystem } from "../../../src/log/checkpointing/high-water.ts";
import { MarkMovedError } from "../../../src/log/errors.ts";
import { formatCheckpoint } from "../../../src/protocol/note/checkpoint.ts";
import { createNoteSigner } from "../../../src/protocol/note/key.ts";
import { signNote } from "../../../src/protocol/note/signed-note.ts";
import { logKey, ORIGIN } from "../../support/witnesses.ts";

let folder: string;
const file = () => join(folder, "high-water");
const read = async () => (await new HighWaterFile(file()).read())?.note;
const note = async (size: number) =>
  signNote(formatCheckpoint({ origin: ORIGIN, size, root: new Uint8Array(32) }), [
    createNoteSigner(await logKey()),
  ]);

async function write(...sizes: number[]): Promise<void> {
  const mark = new HighWaterFile(file());
  await mark.read();
  for (const size of sizes) await mark.swap(await note(size));
  await mark.close();
}

/** The system calls that change the file, and in which order they are made. */
function watching(calls: string[]): HighWaterFileSystem {
  const named = new Map<number, string>();
  const said = (call: string, path: string) => calls.push(path === file() ? call : `${call} of ${path}`);
  return {
    ...nodeFs,
    openSync: (path, flags, mode) => {
      const fd = nodeFs.openSync(path, flags, mode);
      named.set(fd, String(path));
      if (path === file()) calls.push(`open ${flags}`);
      return fd;
    },
    writeSync: ((fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => {
      calls.push(`write ${position}..${position + length}`);
      return nodeFs.writeSync(fd, bytes, offset, length, position);
    }) as typeof nodeFs.writeSync,
    fsyncSync: (fd) => {
      said("fsync", named.get(fd) ?? "");
      nodeFs.fsyncSync(fd);
    },
    fdatasyncSync: (fd) => {
      said("fdatasync", named.get(fd) ?? "");
      nodeFs.fdatasyncSync(fd);
    },
  };
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
    // The second slot is written when the first one is durable.
    writeFileSync(file(), torn.fill(0, 4096));
    expect(await read()).toBeUndefined();
    await write(1, 2);
    const both = readFileSync(file());
    both[100] = 1;
    both[4196] = 1;
    writeFileSync(file(), both);
    await expect(read()).rejects.toThrow(/damaged/);
  });

  it("writes slots in turn, the older one, and each is durable before the next call begins", async () => {
    const calls: string[] = [];
    const watched = watching(calls);
    const mark = new HighWaterFile(file(), watched);
    await mark.swap(await note(1));
    expect(calls).toEqual([
      "open w",
      "write 0..8192",
      "fsync",
      `fsync of ${folder}`,
      "write 0..4096",
      "fdatasync",
      "write 4096..8192",
      "fdatasync",
    ]);
    calls.length = 0;
    for (const size of [2, 3, 4]) await mark.swap(await note(size));
    const [first, second] = ["write 0..4096", "write 4096..8192"];
    expect(calls).toEqual([first, "fdatasync", second, "fdatasync", first, "fdatasync"]);
    await mark.close();
    calls.length = 0;
    const again = new HighWaterFile(file(), watched);
    await again.read();
    await again.swap(await note(5));
    expect(calls).toEqual(["open r+", second, "fdatasync"]);
    await again.close();
  });

  it.each([
    ["", false],
    [", also where it was closed meanwhile", true],
  ])(
    "has not written a mark that could not be made durable, and goes on with the same slot%s",
    async (_also, isClosed) => {
      let isFailing = false;
      const fdatasyncSync = (fd: number) => {
        if (isFailing) throw Object.assign(new Error("input/output error"), { code: "EIO" });
        nodeFs.fdatasyncSync(fd);
      };
      const mark = new HighWaterFile(file(), { ...nodeFs, fdatasyncSync });
      await mark.swap(await note(1));
      await mark.swap(await note(2));
      isFailing = true;
      await expect(mark.swap(await note(3))).rejects.toThrow("input/output error");
      const slotOf2 = readFileSync(file()).subarray(0, 4096);
      isFailing = false;
      if (isClosed) await mark.close();
      await mark.swap(await note(4));
      expect(readFileSync(file()).subarray(0, 4096)).toEqual(slotOf2);
      expect(await read()).toBe(await note(4));
      await mark.close();
    },
  );

  it("says that a slot beside the mark is broken, which is none after the first mark already", async () => {
    const torn = async () => (await new HighWaterFile(file()).read())?.isTorn;
    for (const sizes of [[1], [2], [3]]) {
      await write(...sizes);
      expect(await torn()).toBe(false);
    }
    const whole = readFileSync(file());
    for (const slot of [0, 4096]) {
      writeFileSync(file(), Buffer.from(whole).fill(0, slot, slot + 4096));
      expect(await torn()).toBe(true);
      await write(9);
      expect(await torn()).toBe(false);
    }
  });

  it.each([1, 100, 4096, 8191, 8193])("is damaged where it has %i bytes", async (length) => {
    await write(1, 2);
    writeFileSync(file(), Buffer.concat([readFileSync(file()), Buffer.alloc(9)]).subarray(0, length));
    await expect(read()).rejects.toMatchObject({
      code: "log-damaged",
      message: expect.stringMatching(
        /damaged: it has .* not 8192.*move the file away and run 'touchstone recover/,
      ),
    });
  });

  it("refuses a note that does not fit a slot", async () => {
    await expect(new HighWaterFile(file()).swap("x".repeat(5000))).rejects.toThrow(RangeError);
  });

  /** A note of a checkpoint of exactly so many bytes: it has a second signature, by a key with a long name. */
  async function noteOf(length: number): Promise<string> {
    const line = (name: string) => `— ${name} AAAAAAA=\n`;
    const begun = await note(7);
    return begun + line("n".repeat(length - Buffer.byteLength(begun + line(""))));
  }

  it("holds a note that fills a slot to its last byte, and refuses a longer one", async () => {
    const longest = await noteOf(4096 - 65);
    const mark = new HighWaterFile(file());
    await mark.swap(longest);
    await mark.close();
    expect(await read()).toBe(longest);
    await expect(new HighWaterFile(file()).swap(await noteOf(4096 - 64))).rejects.toThrow(
      new RangeError("a high-water mark has at most 4031 bytes"),
    );
    expect(await read()).toBe(longest);
  });

  it("has slots of a digest, a newline, the note and zeros", async () => {
    await write(3);
    const text = Buffer.from(await note(3));
    const digest = createHash("sha256").update(text).digest("hex");
    const slot = Buffer.concat([Buffer.from(`${digest}\n`), text, Buffer.alloc(4096 - 65 - text.length)]);
    expect(readFileSync(file()).equals(Buffer.concat([slot, slot]))).toBe(true);
  });

  it("is refused where the digest of both slots is that of another note", async () => {
    await write(3);
    const bytes = readFileSync(file());
    for (const slot of [0, 4096]) bytes[slot] = bytes[slot] === 0x30 ? 0x31 : 0x30;
    writeFileSync(file(), bytes);
    await expect(read()).rejects.toMatchObject({
      name: "StartRefusedError",
      code: "log-damaged",
      message: expect.stringMatching(/is damaged: it holds no checkpoint\. /),
    });
  });

  it.each([0, 1, 8192])(
    "has no mark where it holds %i zeros, and the first is then written",
    async (length) => {
      writeFileSync(file(), Buffer.alloc(length));
      expect(await read()).toBeUndefined();
      await write(5);
      expect(await read()).toBe(await note(5));
    },
  );

  it.each([1, 5])(
    "has a mark of size %i in its second slot alone, and writes the next to the first",
    async (size) => {
      await write(size);
      writeFileSync(file(), readFileSync(file()).fill(0, 0, 4096));
      expect(await new HighWaterFile(file()).read()).toEqual({ note: await note(size), isTorn: true });
      const second = readFileSync(file()).subarray(4096);
      await write(6);
      expect(readFileSync(file()).subarray(4096)).toEqual(second);
      expect(await read()).toBe(await note(6));
    },
  );

  it("is not taken for missing where it cannot be read", async () => {
    const error = Object.assign(new Error("permission denied"), { code: "EACCES" });
    const readFileSync = (() => {
      throw error;
    }) as unknown as HighWaterFileSystem["readFileSync"];
    await expect(new HighWaterFile(file(), { ...nodeFs, readFileSync }).read()).rejects.toBe(error);
  });

  it("is swapped only where it is what was read or written last", async () => {
    const notes = await Promise.all([1, 2, 3, 4].map(note));
    const [one, two, three, four] = notes as [string, string, string, string];
    await write(1);
    const [mine, theirs] = [new HighWaterFile(file()), new HighWaterFile(file())];
    // Who has not looked expects none.
    await expect(mine.swap(two)).rejects.toMatchObject({ note: one });
    for (const mark of [mine, theirs]) await mark.read();
    await theirs.swap(two);
    await expect(mine.swap(three)).rejects.toThrow(new MarkMovedError(two));
    await mine.read();
    await mine.swap(three);
    expect(await read()).toBe(three);
    rmSync(file());
    await expect(mine.swap(four)).rejects.toThrow(/was removed while/);
    for (const mark of [mine, theirs]) await mark.close();
  });

  it("is written where it was read, by one that had another file open before", async () => {
    const mark = new HighWaterFile(file());
    await mark.swap(await note(1));
    rmSync(file());
    await write(2);
    await mark.read();
    await mark.swap(await note(3));
    expect(await read()).toBe(await note(3));
    await mark.close();
  });

  it("overwrites the older slot, whoever wrote the newer one", async () => {
    const mark = new HighWaterFile(file());
    await mark.swap(await note(1));
    await mark.swap(await note(2));
    await write(3);
    await mark.read();
    await mark.swap(await note(4));
    const text = readFileSync(file(), "utf8");
    expect(text).toContain(await note(3));
    expect(text).toContain(await note(4));
    await mark.close();
  });

  it("may be closed twice or unopened, and opens again for the next write", async () => {
    let closed = 0;
    const closeSync = (fd: number) => {
      closed++;
      nodeFs.closeSync(fd);
    };
    const mark = new HighWaterFile(file(), { ...nodeFs, closeSync });
    await mark.close();
    await mark.swap(await note(1));
    // The folder of a new file is opened, synced and closed.
    closed = 0;
    await mark.close();
    await mark.close();
    expect(closed).toBe(1);
    await mark.swap(await note(2));
    await mark.close();
    expect(await read()).toBe(await note(2));
  });
});
