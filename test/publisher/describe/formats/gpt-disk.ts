// A small disk image with a partition table, as bytes.
import { crc32 } from "node:zlib";

/** Two partitions in use among eight entries, on a disk with sectors of `sector` bytes. */
export function makeGptDisk(sector = 512): Buffer {
  const disk = Buffer.alloc(sector * 8);
  disk.write("EFI PART", sector, "latin1");
  disk.writeUInt32LE(0x10000, sector + 8);
  disk.writeUInt32LE(92, sector + 12);
  disk.writeBigUInt64LE(1n, sector + 24);
  disk.writeBigUInt64LE(2n, sector + 72);
  disk.writeUInt32LE(8, sector + 80);
  disk.writeUInt32LE(128, sector + 84);
  for (const entry of [0, 2]) {
    const at = 2 * sector + entry * 128;
    disk.fill(entry + 1, at, at + 40);
  }
  return sealGpt(disk, sector);
}

/** Makes both checksums right, where what they cover lies inside; returns the same buffer. */
export function sealGpt(disk: Buffer, sector = 512): Buffer {
  if (disk.length < 2 * sector) return disk;
  const start = Number(disk.readBigUInt64LE(sector + 72)) * sector;
  const table = disk.subarray(start, start + disk.readUInt32LE(sector + 80) * 128);
  disk.writeUInt32LE(crc32(table), sector + 88);
  disk.writeUInt32LE(0, sector + 16);
  const length = Math.min(disk.readUInt32LE(sector + 12), sector);
  disk.writeUInt32LE(crc32(disk.subarray(sector, sector + length)), sector + 16);
  return disk;
}
