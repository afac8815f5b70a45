// Partition tables on disks with sectors of 512 and of 4,096 bytes.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { withFile } from "../../../../src/publisher/describe/files/random-access.ts";
import { measureGpt } from "../../../../src/publisher/describe/formats/gpt.ts";
import { describeReal, realDataPath } from "../../../support/real-data.ts";
import { scratchFolder } from "../scratch-folder.ts";
import { makeGptDisk, sealGpt } from "./gpt-disk.ts";

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

  it.each([512, 4096])(
    "is refused where any byte of its header changed, sectors of %i bytes",
    async (sector) => {
      for (let at = 8; at < 92; at++) {
        const disk = makeGptDisk(sector);
        disk[sector + at]! ^= 0x40;
        await expect(measure(disk), `byte ${at}`).rejects.toThrow(
          /GPT header.*firmware would use the backup table; write the primary again .*\(at byte \d+\)$/,
        );
      }
    },
  );

  it("is refused where an entry changed, in use or not", async () => {
    for (const at of [0, 127, 128, 2 * 128 + 20, 8 * 128 - 1]) {
      const disk = makeGptDisk();
      disk[1024 + at]! ^= 1;
      await expect(measure(disk)).rejects.toThrow(
        /disk\.img: the CRC-32 of the partition entries does not match: .* \(at byte 600\)$/,
      );
    }
  });

  it("is refused where it says absurd things with right checksums", async () => {
    const write = (edit: (disk: Buffer) => void) => {
      const disk = makeGptDisk();
      edit(disk);
      return measure(sealGpt(disk));
    };
    const u32 = (value: number, at: number) => write((disk) => disk.writeUInt32LE(value, 512 + at));
    const u64 = (value: bigint, at: number) => write((disk) => disk.writeBigUInt64LE(value, 512 + at));
    await expect(u32(91, 12)).rejects.toThrow(/a GPT header of 91 bytes/);
    await expect(u32(0xffffffff, 12)).rejects.toThrow(/a GPT header of 4294967295 bytes/);
    await expect(u64(7n, 24)).rejects.toThrow(/says that it is in sector 7: .* \(at byte 536\)$/);
    await expect(u64(2n ** 64n - 1n, 72)).rejects.toThrow(/the partition entries needs 1024 bytes/);
    await expect(u64(8n, 72)).rejects.toThrow(/the partition entries needs 1024 bytes, the end is at 4096/);
    await expect(u32(0xffffffff, 80)).rejects.toThrow(/4294967295 entries of 128 bytes/);
    await expect(u32(0xffffffff, 84)).rejects.toThrow(/8 entries of 4294967295 bytes/);
  });

  it("may have a header longer than what is measured, all of which the checksum covers", async () => {
    const disk = makeGptDisk();
    disk.writeUInt32LE(512, 512 + 12);
    disk[1023] = 1;
    expect(await measure(sealGpt(disk))).toBe(eventOf(disk, 512));
    disk[1023] = 2;
    await expect(measure(disk)).rejects.toThrow(
      /the CRC-32 of the GPT header, for sectors of \d+ bytes, does not match/,
    );
  });
});

describeReal("a disk from elsewhere", () => {
  it("disk-4096-byte-sectors: read with that size, refused without checksums, measured with them", async () => {
    const disk = readFileSync(realDataPath("evidence/cases/disk-4096-byte-sectors/disk.img"));
    await expect(measure(disk)).rejects.toThrow(
      /CRC-32 of the GPT header, for sectors of 4096 bytes, .* \(at byte 4112\)$/,
    );
    expect(await measure(sealGpt(disk, 4096))).toMatch(/^[0-9a-f]{96}$/);
  });
});
