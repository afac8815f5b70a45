// Reads the partition table of a disk image as firmware measures it (UEFI 2.10 §5.3; TCG PC Client PFP §10.2.6, UEFI_GPT_DATA): the
// primary header, the number of partitions in use, and their entries. The header is in the second sector, which says how long one is.
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { otherFormat } from "../files/other-format.ts";
import type { RandomAccess } from "../files/random-access.ts";

const SECTOR_SIZES = [512, 4096];
const SIGNATURE = "EFI PART";
const HEADER_LENGTH = 92;
const CHECKSUM = { offset: 16, length: 4 };
const ENTRY_LENGTH = 128;
const MAX_ENTRIES = 1024;
/** Firmware that finds the primary table broken takes and measures the backup, so nothing could be said of such a disk. */
const REPAIR =
  "firmware would use the backup table; write the primary again (sgdisk --load-backup, or make the image anew)";

export interface PartitionTable {
  /** Bytes of a sector: 512 or 4,096. */
  readonly sector: number;
  /** The 92 bytes that are measured. */
  readonly header: Uint8Array;
  /** 128 bytes each, of the partitions in use, in order. */
  readonly used: readonly Uint8Array[];
}

/** SHA-384 of the EV_EFI_GPT_EVENT of this disk, in hex. @throws MalformedError as `readPartitionTable` does */
export async function measureGpt(disk: RandomAccess): Promise<string> {
  const { header, used } = await readPartitionTable(disk);
  const usedCount = Buffer.alloc(8);
  usedCount.writeUInt32LE(used.length);
  const event = createHash("sha384").update(header).update(usedCount);
  for (const entry of used) event.update(entry);
  return event.digest("hex");
}

/**
 * Disks with sectors of 512 or 4,096 bytes and 128-byte entries only.
 * @throws MalformedError where there is no primary table, or where firmware would not use it: both checksums must match.
 */
export async function readPartitionTable(disk: RandomAccess): Promise<PartitionTable> {
  const sector = await findSectorSize(disk);
  const header = await readHeader(disk, sector);
  const view = new DataView(header.buffer);
  const count = view.getUint32(80, true);
  const entryLength = view.getUint32(84, true);
  if (entryLength !== ENTRY_LENGTH || count > MAX_ENTRIES)
    throw disk.malformed(`${count} entries of ${entryLength} bytes`, sector + 80);
  const start = Number(view.getBigUint64(72, true)) * sector;
  const table = await disk.read(start, count * ENTRY_LENGTH, "the partition entries");
  if (crc32(table) !== view.getUint32(88, true))
    throw disk.malformed(`the CRC-32 of the partition entries does not match: ${REPAIR}`, sector + 88);
  const used = [...Array(count).keys()]
    .map((i) => table.subarray(i * ENTRY_LENGTH, (i + 1) * ENTRY_LENGTH))
    .filter((entry) => entry.subarray(0, 16).some((byte) => byte !== 0));
  return { sector, header, used };
}

/** The first 92 bytes of the header; its checksum covers as many as it says. */
async function readHeader(disk: RandomAccess, sector: number): Promise<Uint8Array<ArrayBuffer>> {
  const header = await disk.read(sector, HEADER_LENGTH, "the GPT header");
  const view = new DataView(header.buffer);
  const length = view.getUint32(12, true);
  if (length < HEADER_LENGTH || length > sector)
    throw disk.malformed(
      `a GPT header of ${length} bytes, at least ${HEADER_LENGTH} and at most a sector are allowed: ${REPAIR}`,
      sector + 12,
    );
  const covered = await disk.read(sector, length, "the GPT header");
  covered.fill(0, CHECKSUM.offset, CHECKSUM.offset + CHECKSUM.length);
  if (crc32(covered) !== view.getUint32(CHECKSUM.offset, true))
    throw disk.malformed(
      `the CRC-32 of the GPT header, for sectors of ${sector} bytes, does not match: ${REPAIR}`,
      sector + CHECKSUM.offset,
    );
  const own = view.getBigUint64(24, true);
  if (own !== 1n)
    throw disk.malformed(`the GPT header says that it is in sector ${own}: ${REPAIR}`, sector + 24);
  return header;
}

/** Bytes of a sector. A disk that was converted may hold both headers; which of them counts is the device's choice, not the image's. */
async function findSectorSize(disk: RandomAccess): Promise<number> {
  const sizes: number[] = [];
  for (const size of SECTOR_SIZES) if (await hasSignature(disk, size)) sizes.push(size);
  const [sector, other] = sizes;
  if (sector === undefined)
    throw await otherFormat(
      disk,
      `no GPT signature at byte ${SECTOR_SIZES.join(" or ")}`,
      SECTOR_SIZES[0] ?? 0,
    );
  if (other !== undefined)
    throw disk.malformed(
      `a GPT header for sectors of ${sector} bytes and one for ${other}: wipe the one that is not in use`,
      other,
    );
  return sector;
}

async function hasSignature(disk: RandomAccess, offset: number): Promise<boolean> {
  if (offset + HEADER_LENGTH > disk.size) return false;
  const bytes = await disk.read(offset, SIGNATURE.length, "the GPT signature");
  return Buffer.from(bytes).toString("latin1") === SIGNATURE;
}
