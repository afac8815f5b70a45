// FAT file systems: those that dosfstools and mtools make, and hostile ones made of bytes.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withFile } from "../../../../src/publisher/describe/files/random-access.ts";
import { openFat } from "../../../../src/publisher/describe/formats/fat.ts";
import { findEntry, listDirectory } from "../../../../src/publisher/describe/formats/fat-directory.ts";
import { scratchFolder } from "../scratch-folder.ts";
import { describeWithTool } from "../with-tool.ts";
import { type Folder, makeFat, setLink } from "./fat-image.ts";

const folder = scratchFolder();
const SIZES = [12, 16, 32] as const;

/** The content at a path, or null. */
async function readAt(image: string, ...path: string[]): Promise<Buffer | null> {
  return await withFile(image, "ESP", async (file) => {
    const volume = await openFat(file);
    const entry = await findEntry(volume, path);
    if (entry === null) return null;
    const pieces: Buffer[] = [];
    for await (const piece of volume.content(entry.cluster, entry.size)) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  });
}

const readBytes = (image: Uint8Array, ...path: string[]) => readAt(folder.write("fat.img", image), ...path);

async function namesIn(image: string, ...path: string[]): Promise<string[]> {
  return await withFile(image, "ESP", async (file) => {
    const volume = await openFat(file);
    const entry = path.length === 0 ? null : await findEntry(volume, path);
    return (await listDirectory(volume, entry)).map(({ name }) => name);
  });
}

const CONTENT = randomBytes(1300);
const TREE: Folder = {
  EFI: { BOOT: { "BOOTX64.EFI": CONTENT, "a long name.addon.efi": Buffer.from("add-on") } },
  EMPTY: new Uint8Array(),
};

describe.each(SIZES)("a file system of %i bits", (bits) => {
  it("is read: folders, files, long names, names in any case", async () => {
    const image = makeFat(bits, TREE);
    expect(await readBytes(image, "EFI", "BOOT", "BOOTX64.EFI")).toEqual(CONTENT);
    expect(await readBytes(image, "efi", "Boot", "bootx64.efi")).toEqual(CONTENT);
    expect(await readBytes(image, "EFI", "BOOT", "A Long Name.addon.EFI")).toEqual(Buffer.from("add-on"));
    expect(await readBytes(image, "EFI", "BOOT", "LONG~1")).toEqual(Buffer.from("add-on"));
    expect(await readBytes(image, "EMPTY")).toEqual(Buffer.alloc(0));
    expect(await readBytes(image, "EFI", "BOOT", "OTHER.EFI")).toBeNull();
    expect(await readBytes(image, "EMPTY", "BOOT")).toBeNull();
  });

  it("is read where its clusters lie scattered", async () => {
    const image = makeFat(bits, { A: Buffer.from("a".repeat(1024)), B: Buffer.from("b".repeat(512)) });
    const first = bits === 32 ? 3 : 2;
    setLink(image, bits, first, first + 2);
    expect((await readBytes(image, "A"))?.toString()).toBe("a".repeat(512) + "b".repeat(512));
  });

  it("is refused where a chain of clusters is a loop, too short, too long, or leaves the file system", async () => {
    const first = bits === 32 ? 3 : 2;
    const linked = (from: number, to: number) => {
      const image = makeFat(bits, { A: Buffer.alloc(2048, 1), D: { X: CONTENT } });
      setLink(image, bits, first + from, to);
      return image;
    };
    await expect(readBytes(linked(3, first), "A")).rejects.toThrow(/chain of clusters is not as long/);
    await expect(readBytes(linked(0, first), "A")).rejects.toThrow(/chain of clusters is not as long/);
    await expect(readBytes(linked(1, 0xfffffff), "A")).rejects.toThrow(/chain of clusters is not as long/);
    await expect(readBytes(linked(3, first + 4), "A")).rejects.toThrow(/chain of clusters is not as long/);
    await expect(readBytes(linked(1, 0), "A")).rejects.toThrow(/cluster 0 of/);
    const beyond = bits === 12 ? 0xfe0 : 0xfee0;
    await expect(readBytes(linked(1, beyond), "A")).rejects.toThrow(`cluster ${beyond} of`);
    await expect(readBytes(linked(7, first + 7), "D", "X")).rejects.toThrow(/a directory does not end/);
  });
});

describe("a hostile file system", () => {
  const edited = (edit: (image: Buffer) => void, bits: 12 | 16 | 32 = 32) => {
    const image = makeFat(bits, TREE);
    edit(image);
    return readBytes(image, "EFI", "BOOT", "BOOTX64.EFI");
  };

  it("is refused where its boot sector says absurd things", async () => {
    await expect(edited((image) => image.fill(0, 510, 512))).rejects.toThrow(
      /no boot sector \(at byte 510\)/,
    );
    for (const size of [0, 1, 256, 513, 8192])
      await expect(edited((image) => image.writeUInt16LE(size, 11))).rejects.toThrow(/sectors of \d+ bytes/);
    for (const sectors of [0, 3, 255])
      await expect(edited((image) => image.writeUInt8(sectors, 13))).rejects.toThrow(
        /clusters of \d+ sectors/,
      );
    for (const at of [14, 16]) await expect(edited((image) => image.fill(255, at, at + 2))).rejects.toThrow();
    await expect(edited((image) => image.writeUInt16LE(0, 19))).rejects.toThrow(/no room for any file/);
    const sectors = (image: Buffer) => {
      image.writeUInt16LE(0, 19);
      image.writeUInt32LE(0xffffffff, 32);
    };
    await expect(edited(sectors)).rejects.toThrow(/a file system of 4294967295 sectors needs/);
    await expect(edited((image) => image.writeUInt32LE(0xffffffff, 36))).rejects.toThrow(/no room/);
    await expect(edited((image) => image.writeUInt32LE(0, 36))).rejects.toThrow(/no room/);
    await expect(edited((image) => image.writeUInt32LE(0xffffffff, 44))).rejects.toThrow(
      /cluster 4294967295 of/,
    );
    await expect(edited((image) => image.writeUInt16LE(0xffff, 17), 12)).rejects.toThrow(/no room/);
  });

  it("is refused where a file is longer than the file system, or two entries have one name", async () => {
    const size = (image: Buffer) => image.writeUInt32LE(0xffffffff, image.indexOf("BOOTX64 EFI") + 28);
    await expect(edited(size)).rejects.toThrow(/a file of 4294967295 bytes in 500 clusters/);
    const twice = makeFat(12, { "long name": CONTENT, "LONG~0": CONTENT });
    await expect(readBytes(twice, "LONG~0")).rejects.toThrow(/2 entries are called LONG~0/);
  });

  it("is refused where it is cut anywhere", async () => {
    const image = makeFat(12, TREE);
    for (const length of [0, 1, 511, 512, 4096, image.length - 1])
      await expect(readBytes(image.subarray(0, length), "EFI")).rejects.toThrow(/^(fat|ESP) /);
  });

  it("has no long name without the short entry that it was made for", async () => {
    const image = makeFat(12, { "a long name": CONTENT });
    image.write("OTHER   ", image.indexOf("LONG~0"), "latin1");
    expect(await namesIn(folder.write("fat.img", image))).toEqual(["OTHER"]);
  });
});

describeWithTool(["mkfs.fat", "mcopy", "mmd"], "a file system that dosfstools and mtools made", () => {
  it.each([
    [12, 4, 4],
    [16, 32, 4],
    [32, 64, 1],
  ])("of %i bits is read", async (bits, mebibytes, sectorsPerCluster) => {
    const image = folder.write(`made-${bits}.img`, "");
    truncateSync(image, mebibytes * 2 ** 20);
    const run = (tool: string, ...args: string[]) =>
      execFileSync(tool, args, {
        stdio: "pipe",
        env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
      });
    run("mkfs.fat", `-F${bits}`, `-s${sectorsPerCluster}`, "-nLABEL", image);
    const big = randomBytes(1_500_001);
    const source = folder.write("big", big);
    run("mmd", "-i", image, "::/EFI", "::/EFI/BOOT", "::/EFI/BOOT/BOOTX64.EFI.extra.d");
    const names = Array.from(
      { length: 70 },
      (_, i) => `a name that is long enough for three entries ${i}.addon.efi`,
    );
    const small = names.map((name) => folder.write(join("small", name), name));
    run("mcopy", "-i", image, ...small, "::/EFI/BOOT/BOOTX64.EFI.extra.d/");
    run("mcopy", "-i", image, source, "::/EFI/BOOT/BOOTX64.EFI");
    expect((await readAt(image, "EFI", "BOOT", "BOOTX64.EFI"))?.equals(big)).toBe(true);
    expect(await namesIn(image)).toEqual(["EFI"]);
    expect(await namesIn(image, "EFI", "BOOT", "BOOTX64.EFI.extra.d")).toEqual(names);
    for (const name of [names[0]!, names[69]!])
      expect((await readAt(image, "EFI", "BOOT", "bootx64.efi.EXTRA.D", name))?.toString()).toBe(name);
  });
});
