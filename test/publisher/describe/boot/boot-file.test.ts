// What a disk starts, held against the image that was given: the same file, another, none, with add-ons beside it, or what cannot be read.
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkBootFile } from "../../../../src/publisher/describe/boot/boot-file.ts";
import { type Folder, makeEspDisk, makeFat } from "../formats/fat-image.ts";
import { makeGptDisk } from "../formats/gpt-disk.ts";
import { scratchFolder } from "../scratch-folder.ts";

const folder = scratchFolder();
const IMAGE = randomBytes(5000);
const uki = folder.write("guest.efi", IMAGE);
const check = (...partitions: Buffer[]) =>
  checkBootFile(folder.write("disk.img", makeEspDisk(...partitions)), uki);
const withBoot = (bootFile: Uint8Array, more: Folder = {}, beside: Folder = {}) =>
  makeFat(16, { EFI: { BOOT: { "BOOTX64.EFI": bootFile, ...beside } }, ...more });

describe("the boot file of a disk", () => {
  it.each([12, 16, 32] as const)("is the image, on a file system of %i bits", async (bits) => {
    const tree = { EFI: { BOOT: { "BOOTX64.EFI": IMAGE } } };
    expect(await check(makeFat(bits, tree))).toEqual({ outcome: "equal" });
  });

  it("is refused where one byte differs, or its length", async () => {
    const changed = Buffer.from(IMAGE);
    changed[4999]! ^= 1;
    await expect(check(withBoot(changed))).rejects.toMatchObject({
      code: "boot-file",
      message: expect.stringMatching(
        /^an unknown boot file: \\EFI\\BOOT\\BOOTX64\.EFI of .*disk\.img has SHA-256 [0-9a-f]{64}, .*guest\.efi has [0-9a-f]{64}; give as --uki what is on the disk, or copy the UKI there$/,
      ),
    });
    await expect(check(withBoot(IMAGE.subarray(0, 4999)))).rejects.toThrow(
      /has length 4999, .*guest\.efi has 5000/,
    );
  });

  it("is refused where there is none", async () => {
    const none =
      /^no boot file: there is no \\EFI\\BOOT\\BOOTX64\.EFI of .*; copy .*guest\.efi there, or boot/;
    await expect(check(makeFat(16, {}))).rejects.toThrow(none);
    await expect(check(makeFat(16, { EFI: { BOOT: { "BOOTX64.EFI": {} } } }))).rejects.toThrow(none);
    await expect(check(makeFat(16, { EFI: { LINUX: { "BOOTX64.EFI": IMAGE } } }))).rejects.toThrow(none);
  });

  const one = (name: string): Folder => ({ [name]: new Uint8Array() });
  it.each<[string, Folder, Folder]>([
    ["\\EFI\\BOOT\\BOOTX64.EFI.extra.d\\a.addon.efi", {}, { "BOOTX64.EFI.extra.d": one("a.addon.efi") }],
    ["\\EFI\\BOOT\\BOOTX64.EFI.extra.d\\x.cred", {}, { "bootx64.efi.EXTRA.D": one("x.cred") }],
    ["\\loader\\addons\\b.addon.efi", { loader: { addons: one("b.addon.efi") } }, {}],
    ["\\loader\\credentials\\c.cred", { LOADER: { Credentials: one("c.cred") } }, {}],
    ["\\loader\\extensions\\d.sysext.raw", { loader: { extensions: one("d.sysext.raw") } }, {}],
  ])("is refused with %s beside it", async (path, more, beside) => {
    await expect(check(withBoot(IMAGE, more, beside))).rejects.toMatchObject({
      code: "not-computable",
      message: expect.stringContaining(`${path}: the stub may use and measure them; remove them`),
    });
  });

  it("may have other files and empty folders beside it", async () => {
    const more = { loader: { addons: {}, "loader.conf": IMAGE, "random-seed": IMAGE } };
    expect(await check(withBoot(IMAGE, more, { "OTHER.EFI": IMAGE }))).toEqual({ outcome: "equal" });
  });
});

describe("the boot file is said to be not checked", () => {
  it("without a disk, without an EFI system partition, and with several", async () => {
    expect(await checkBootFile(undefined, uki)).toEqual({ outcome: "not-checked", reason: "give --disk" });
    const reason = (count: number) =>
      expect.stringMatching(`disk.img has ${count} EFI system partitions, one`);
    const disk = folder.write("disk.img", makeGptDisk());
    expect(await checkBootFile(disk, uki)).toEqual({ outcome: "not-checked", reason: reason(0) });
    const esp = withBoot(IMAGE);
    expect(await check(esp, esp)).toEqual({ outcome: "not-checked", reason: reason(2) });
  });

  it("where the partition is cut, or holds another file system, with file and offset", async () => {
    const disk = makeEspDisk(withBoot(IMAGE));
    const cut = folder.write("cut.img", disk.subarray(0, 17_408));
    expect(await checkBootFile(cut, uki)).toEqual({
      outcome: "not-checked",
      reason: expect.stringMatching(/cut\.img: EFI system partition needs \d+ bytes, .* \(at byte 4096\)$/),
    });
    expect(await check(Buffer.alloc(65_536))).toEqual({
      outcome: "not-checked",
      reason: expect.stringMatching(/^EFI system partition .*disk\.img: no boot sector \(at byte 4606\)$/),
    });
  });
});
