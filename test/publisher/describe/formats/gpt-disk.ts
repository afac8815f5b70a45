// A small disk image with a partition table, as bytes; checksums are left out, since firmware's measurement covers the bytes alone.

/** Two partitions in use among eight entries, on a disk with sectors of `sector` bytes. */
export function makeGptDisk(sector = 512): Buffer {
  const disk = Buffer.alloc(sector * 8);
  disk.write("EFI PART", sector, "latin1");
  disk.writeUInt32LE(0x10000, sector + 8);
  disk.writeUInt32LE(92, sector + 12);
  disk.writeBigUInt64LE(2n, sector + 72);
  disk.writeUInt32LE(8, sector + 80);
  disk.writeUInt32LE(128, sector + 84);
  for (const entry of [0, 2]) {
    const at = 2 * sector + entry * 128;
    disk.fill(entry + 1, at, at + 40);
  }
  return disk;
}
