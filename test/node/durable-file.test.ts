// The durable writer: whatever fails, and whenever, the file is the new one or the one that was there.
import * as nodeFs from "node:fs";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FileSystem, writeDurably, writeFully } from "../../src/node/durable-file.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";

let folder: string;
const file = () => join(folder, "key.pem");
const text = () => readFileSync(file(), "utf8");

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-durable-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The real file system, noting each call by what it is about, with some calls replaced. */
function recording(replaced: Partial<FileSystem> = {}) {
  const calls: string[] = [];
  const names = new Map<number, string>();
  const nameOf = (path: unknown) => (path === folder ? "folder" : path === file() ? "file" : "temporary");
  const real: FileSystem = { ...nodeFs, ...replaced };
  const fs = {
    ...real,
    openSync: (...args: Parameters<FileSystem["openSync"]>) => {
      const fd = real.openSync(...args);
      names.set(fd, nameOf(args[0]));
      calls.push(`open ${names.get(fd)} ${args[1]}`);
      return fd;
    },
    writeSync: ((fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => {
      const written = real.writeSync(fd, bytes, offset, length, position);
      calls.push(`write ${names.get(fd)} ${written}`);
      return written;
    }) as FileSystem["writeSync"],
    fsyncSync: (fd: number) => {
      real.fsyncSync(fd);
      calls.push(`sync ${names.get(fd)}`);
    },
    closeSync: (fd: number) => {
      real.closeSync(fd);
      calls.push(`close ${names.get(fd)}`);
    },
    renameSync: (from: nodeFs.PathLike, to: nodeFs.PathLike) => {
      real.renameSync(from, to);
      calls.push(`rename ${nameOf(from)} ${nameOf(to)}`);
    },
  } satisfies FileSystem;
  return { fs, calls };
}

/** write(2) that takes at most so many bytes at a time, and none at all after `room`. */
function disk(most: number, room = Number.POSITIVE_INFINITY): FileSystem["writeSync"] {
  let left = room;
  return ((fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => {
    if (left === 0)
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const taken = nodeFs.writeSync(fd, bytes, offset, Math.min(length, most, left), position);
    left -= taken;
    return taken;
  }) as FileSystem["writeSync"];
}

describe("writeDurably", () => {
  it("syncs the content before the name, and the folder after it", () => {
    const { fs, calls } = recording();
    writeDurably(file(), utf8("new"), { fs });
    expect(calls).toEqual([
      "open temporary wx",
      "write temporary 3",
      "sync temporary",
      "close temporary",
      "rename temporary file",
      "open folder r",
      "sync folder",
      "close folder",
    ]);
    expect(text()).toBe("new");
    expect(readdirSync(folder)).toEqual(["key.pem"]);
  });

  it("goes on after a short write, wherever it was cut", () => {
    const { fs, calls } = recording({ writeSync: disk(3) });
    writeDurably(file(), utf8("ten bytes!"), { fs });
    expect(calls.filter((call) => call.startsWith("write"))).toEqual(
      [3, 3, 3, 1].map((length) => `write temporary ${length}`),
    );
    expect(text()).toBe("ten bytes!");
  });

  it("writes an empty file", () => {
    writeDurably(file(), new Uint8Array());
    expect(text()).toBe("");
  });

  it("gives the file the mode that was asked for, also one that was there with another", () => {
    writeDurably(file(), utf8("public"));
    writeDurably(file(), utf8("private"), { mode: 0o600 });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  it("replaces a link and leaves alone what it points to", () => {
    const other = join(folder, "other");
    writeFileSync(other, "theirs");
    symlinkSync(other, file());
    writeDurably(file(), utf8("ours"));
    expect([text(), readFileSync(other, "utf8")]).toEqual(["ours", "theirs"]);
  });

  const fail = (): never => {
    throw new Error("EIO: i/o error");
  };
  it.each<[string, Partial<FileSystem>, RegExp]>([
    ["a disk that gets full in the middle", { writeSync: disk(4, 6) }, /ENOSPC/],
    [
      "a write that takes nothing and says nothing",
      { writeSync: (() => 0) as FileSystem["writeSync"] },
      /only 0 of 10 bytes/,
    ],
    ["a sync that fails", { fsyncSync: fail }, /EIO/],
    ["a rename that fails", { renameSync: fail }, /EIO/],
  ])("%s: the error is told, the old file is there, and no temporary one", (_, replaced, message) => {
    writeFileSync(file(), "the old one");
    const { fs } = recording(replaced);
    expect(() => writeDurably(file(), utf8("ten bytes!"), { fs })).toThrow(message);
    expect(text()).toBe("the old one");
    expect(readdirSync(folder)).toEqual(["key.pem"]);
  });

  it("a folder that cannot be synced is an error", () => {
    let syncs = 0;
    const { fs } = recording({ fsyncSync: (fd) => (syncs++ === 0 ? nodeFs.fsyncSync(fd) : fail()) });
    expect(() => writeDurably(file(), utf8("new"), { fs })).toThrow(/EIO/);
  });

  it("names the path of a folder that is not there", () => {
    expect(() => writeDurably(join(folder, "none", "key.pem"), utf8("x"))).toThrow(/ENOENT.*none/);
    expect(existsSync(join(folder, "none"))).toBe(false);
  });
});

describe("writeFully", () => {
  it("writes at a position, and only there", () => {
    writeFileSync(file(), "0123456789");
    const fd = nodeFs.openSync(file(), "r+");
    writeFully(fd, utf8("abcd"), 3, { writeSync: disk(3) });
    nodeFs.closeSync(fd);
    expect(text()).toBe("012abcd789");
  });
});
