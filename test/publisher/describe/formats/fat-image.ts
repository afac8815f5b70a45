// A small FAT file system as bytes, and a disk image with it as EFI system partition.
import { encodeGuid } from "../../../../src/publisher/describe/formats/efi-guid.ts";
import { makeGptDisk, sealGpt } from "./gpt-disk.ts";

export type Folder = { readonly [name: string]: Uint8Array | Folder };

const SECTOR = 512;
const TABLE_SECTORS = 40;
const ROOT_SECTORS = 4;
/** Where the table begins: all of this is one reserved sector, one table, the root directory (not with 32 bits), clusters of a sector. */
export const TABLE = SECTOR;
export const ROOT = SECTOR + TABLE_SECTORS * SECTOR;
const CLUSTERS = { 12: 500, 16: 5000, 32: 500 };

/** With 32 bits the root is cluster 2, at `ROOT`; else it is the region at `ROOT`. */
export function makeFat(bits: 12 | 16 | 32, root: Folder): Buffer {
  const rootSectors = bits === 32 ? 0 : ROOT_SECTORS;
  const data = ROOT + rootSectors * SECTOR;
  const image = Buffer.alloc(data + CLUSTERS[bits] * SECTOR);
  image.writeUInt16LE(SECTOR, 11);
  image.set([1, 1, 0, 1], 13);
  image.writeUInt16LE(rootSectors * 16, 17);
  image.writeUInt16LE(image.length / SECTOR, 19);
  if (bits === 32) {
    image.writeUInt32LE(TABLE_SECTORS, 36);
    image.writeUInt32LE(2, 44);
  } else image.writeUInt16LE(TABLE_SECTORS, 22);
  image.set([0x55, 0xaa], 510);

  let free = bits === 32 ? 3 : 2;
  const store = (content: Uint8Array, first = free): number => {
    const count = Math.ceil(content.length / SECTOR);
    image.set(content, data + (first - 2) * SECTOR);
    for (let i = 0; i < count; i++)
      setLink(image, bits, first + i, i + 1 < count ? first + i + 1 : 0xfffffff);
    if (first === free) free += count;
    return count === 0 ? 0 : first;
  };
  const directory = (folder: Folder): Buffer =>
    Buffer.concat(
      Object.entries(folder).map(([name, content], i) => {
        const isFile = content instanceof Uint8Array;
        const bytes = isFile ? content : Buffer.concat([directory(content), Buffer.alloc(32)]);
        return entriesOf(name, i, store(bytes), isFile ? bytes.length : null);
      }),
    );
  const bytes = directory(root);
  if (bits === 32) store(Buffer.concat([bytes, Buffer.alloc(32)]), 2);
  else image.set(bytes, ROOT);
  return image;
}

/** Sets what follows `cluster` in its chain. */
export function setLink(image: Buffer, bits: 12 | 16 | 32, cluster: number, next: number): void {
  if (bits === 32) image.writeUInt32LE(next, TABLE + cluster * 4);
  else if (bits === 16) image.writeUInt16LE(next & 0xffff, TABLE + cluster * 2);
  else {
    const at = TABLE + Math.floor(cluster * 1.5);
    const old = image.readUInt16LE(at);
    const odd = cluster % 2 === 1;
    image.writeUInt16LE(odd ? (old & 0xf) | ((next & 0xfff) << 4) : (old & 0xf000) | (next & 0xfff), at);
  }
}

/** A short entry, after those of the long name where it needs one. `size`: null of a folder. */
function entriesOf(name: string, number: number, cluster: number, size: number | null): Buffer {
  const plain = /^[A-Z0-9]{1,8}(\.[A-Z0-9]{1,3})?$/.test(name);
  const [base = "", extension = ""] = plain ? name.split(".") : [`LONG~${number}`];
  const short = Buffer.alloc(32);
  short.write(base.padEnd(8) + extension.padEnd(3), "latin1");
  short.writeUInt8(size === null ? 0x10 : 0x20, 11);
  short.writeUInt16LE(cluster, 26);
  short.writeUInt32LE(size ?? 0, 28);
  return plain ? short : Buffer.concat([...longEntries(name, short), short]);
}

function longEntries(name: string, short: Buffer): Buffer[] {
  let checksum = 0;
  for (const byte of short.subarray(0, 11))
    checksum = ((checksum >> 1) + ((checksum & 1) << 7) + byte) & 0xff;
  const count = Math.ceil(name.length / 13);
  const units = Buffer.alloc(count * 26, 0xff);
  units.write(name, "utf16le");
  if (name.length % 13 !== 0) units.writeUInt16LE(0, name.length * 2);
  return Array.from({ length: count }, (_, i) => {
    const piece = units.subarray(i * 26, (i + 1) * 26);
    const entry = Buffer.alloc(32);
    entry.writeUInt8((i + 1) | (i + 1 === count ? 0x40 : 0), 0);
    entry.set(piece.subarray(0, 10), 1);
    entry.writeUInt8(0x0f, 11);
    entry.writeUInt8(checksum, 13);
    entry.set(piece.subarray(10, 22), 14);
    entry.set(piece.subarray(22), 28);
    return entry;
  }).reverse();
}

/** A disk with these file systems as its EFI system partitions. */
export function makeEspDisk(...partitions: readonly Buffer[]): Buffer {
  const table = makeGptDisk();
  table.fill(0, 2 * SECTOR);
  let first = table.length / SECTOR;
  for (const [i, { length }] of partitions.entries()) {
    const at = 2 * SECTOR + i * 128;
    table.set(encodeGuid("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"), at);
    table.writeBigUInt64LE(BigInt(first), at + 32);
    first += length / SECTOR;
    table.writeBigUInt64LE(BigInt(first - 1), at + 40);
  }
  return Buffer.concat([sealGpt(table), ...partitions]);
}
