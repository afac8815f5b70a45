// Partition tables on disks with sectors of 512 and of 4,096 bytes.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { withFile } from "../../../../src/publisher/describe/files/random-access.ts";
import { measureGpt } from "../../../../src/publisher/describe/formats/gpt.ts";
import { describeReal, realDataPath } from "../../../support/real-data.ts";
import { scratchFolder } from "../scratch-folder.ts";
import { makeGptDisk } from "./gpt-disk.ts";

const folder = scratchFolder();
const measure = (disk: Uint8Array) => withFile(folder.write("disk.img", disk), "disk image", measureGpt);

/** UEFI_GPT_DATA of a disk of `makeGptDisk`, put together by hand. */
function eventOf(disk: Buffer, sector: number): string {
  const entry = (i: number) => disk.subarray(2 * sector + i * 128, 2 * sector + (i + 1) * 128);
  const header = disk.subarray(sector, sector + 92);
  const used = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0);
  return createHash("sha384")
    .update(Buffer.concat([header, used, entry(0), entry(2)]))
    .digest("hex");
}

describe("a partition table", () => {
  it.each([512, 4096])("is measured on a disk with sectors of %i bytes", async (sector) => {
    const disk = makeGptDisk(sector);
    expect(await measure(disk)).toBe(eventOf(disk, sector));
  });

  it("is refused where a disk has headers for both: the image does not say which counts", async () => {
    const both = makeGptDisk(4096);
    both.set(makeGptDisk(512).subarray(512, 604), 512);
    await expect(measure(both)).rejects.toThrow(
      /a GPT header for sectors of 512 bytes and one for 4096: wipe the one that is not in use \(at byte 4096\)$/,
    );
  });

  it("is refused where there is none, with what the file looks like", async () => {
    await expect(measure(Buffer.alloc(8192))).rejects.toThrow(
      /disk image .*: no GPT signature at byte 512 or 4096 \(at byte 512\)$/,
    );
    await expect(measure(Buffer.from("QFI\xfb\0\0\0\x03", "latin1"))).rejects.toThrow(
      /it looks like a qcow2 image, make it raw first/,
    );
  });
});

describeReal("a disk from elsewhere", () => {
  it("disk-4096-byte-sectors: measured with that size", async () => {
    const path = realDataPath("evidence/cases/disk-4096-byte-sectors/disk.img");
    expect(await withFile(path, "disk image", measureGpt)).toMatch(/^[0-9a-f]{96}$/);
  });
});
