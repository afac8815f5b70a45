// A small disk image with a partition table, as bytes; checksums are left out, since firmware's measurement covers the bytes alone.

/** Two partitions in use among eight entries. */
export function makeGptDisk(): Buffer {
  const disk = Buffer.alloc(512 * 8);
  disk.write("EFI PART", 512, "latin1");
  disk.writeUInt32LE(0x10000, 520);
  disk.writeUInt32LE(92, 524);
  disk.writeBigUInt64LE(2n, 512 + 72);
  disk.writeUInt32LE(8, 512 + 80);
  disk.writeUInt32LE(128, 512 + 84);
  for (const entry of [0, 2]) disk.fill(entry + 1, 1024 + entry * 128, 1024 + entry * 128 + 40);
  return disk;
}
