// Bounded reading of artefacts, and digests against coreutils.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  digestFile,
  firstNonZero,
  MAX_READ,
  openRandomAccess,
  withFile,
} from "../../../../src/publisher/describe/files/random-access.ts";
import { describeWithTool } from "../with-tool.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-file-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const MEBIBYTE = 1024 * 1024;
/** Bytes that differ from chunk to chunk, so that a wrong order or a stale buffer shows. */
function write(name: string, length: number): string {
  const path = join(folder, name);
  const bytes = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4096) bytes.writeUInt32LE(i, i);
  writeFileSync(path, bytes);
  return path;
}

describeWithTool(["sha256sum", "sha384sum"], "digests", () => {
  it.each([0, 1, 4095, MEBIBYTE - 1, MEBIBYTE, MEBIBYTE + 1, 5 * MEBIBYTE + 17])(
    "equal those of coreutils for %i bytes",
    async (length) => {
      const path = write(`digest-${length}`, length);
      const sum = (tool: string) => execFileSync(tool, [path]).toString().split(" ")[0];
      expect(await digestFile(path, ["sha256", "sha384"])).toEqual({
        size: length,
        sha256: sum("sha256sum"),
        sha384: sum("sha384sum"),
      });
      expect(await digestFile(path, ["sha384"])).toEqual({ size: length, sha384: sum("sha384sum") });
    },
  );
});

describe("the first byte that is not zero", () => {
  it("is found at and after an offset, in any piece of the file, or not at all", async () => {
    const path = join(folder, "zeros");
    for (const at of [0, 5, MEBIBYTE - 1, MEBIBYTE, 3 * MEBIBYTE + 7]) {
      const bytes = Buffer.alloc(4 * MEBIBYTE);
      bytes[at] = 1;
      writeFileSync(path, bytes);
      await withFile(path, "test", async (file) => {
        expect(await firstNonZero(file, 0)).toBe(at);
        expect(await firstNonZero(file, at)).toBe(at);
        expect(await firstNonZero(file, at + 1)).toBeUndefined();
        expect(await firstNonZero(file, file.size)).toBeUndefined();
      });
    }
  });
});

describe("a file read in pieces", () => {
  it("gives every byte once and in order, whatever the size of the pieces", async () => {
    const path = write("pieces", 10_000);
    await withFile(path, "test", async (file) => {
      const whole = Buffer.from(await file.read(0, 10_000, "all"));
      for (const size of [1000, 4096, 9999, 10_000, 20_000]) {
        const pieces: Buffer[] = [];
        for await (const piece of file.chunks(0, 10_000, size)) pieces.push(Buffer.from(piece));
        expect(Buffer.concat(pieces).equals(whole), `pieces of ${size}`).toBe(true);
      }
      const some: Buffer[] = [];
      for await (const piece of file.part(100, 9000, "part").chunks(50, 5000, 7))
        some.push(Buffer.from(piece));
      expect(Buffer.concat(some).equals(whole.subarray(150, 5150))).toBe(true);
    });
  });

  it("refuses to read outside, and names format, file, part and offset", async () => {
    const path = write("short", 100);
    await withFile(path, "thing", async (file) => {
      await expect(file.read(90, 11, "the trailer")).rejects.toThrow(
        `thing ${path}: the trailer needs 11 bytes, the end is at 100 (at byte 90)`,
      );
      for (const [offset, length] of [
        [-1, 1],
        [0, -1],
        [101, 0],
        [0, 2 ** 53],
        [Number.NaN, 1],
        [0.5, 1],
      ] as const)
        await expect(file.read(offset, length, "it"), `${offset}, ${length}`).rejects.toThrow("thing");
      await expect(file.part(40, 20, "inner").read(10, 11, "it")).rejects.toThrow(
        `inner ${path}: it needs 11 bytes, the end is at 60 (at byte 50)`,
      );
      expect(() => file.part(40, 61, "inner")).toThrow("inner needs 61 bytes");
    });
  });

  it("reads at most 16 MiB at once", async () => {
    const path = join(folder, "large");
    writeFileSync(path, "");
    truncateSync(path, MAX_READ + 1);
    await withFile(path, "thing", (file) =>
      expect(file.read(0, MAX_READ + 1, "it")).rejects.toThrow(`at most ${MAX_READ} are read`),
    );
  });

  it("notices that the file becomes shorter", async () => {
    const path = write("shrinking", 3 * MEBIBYTE);
    await withFile(path, "thing", async (file) => {
      truncateSync(path, MEBIBYTE);
      await expect(
        (async () => {
          for await (const _ of file.chunks());
        })(),
      ).rejects.toThrow(/became shorter while it was read \(at byte 1048576\)/);
    });
  });

  it("refuses a folder, a device and a named pipe without waiting", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    for (const path of [folder, "/dev/null", pipe])
      await expect(openRandomAccess(path, "thing"), path).rejects.toThrow("not a regular file");
  });
});
