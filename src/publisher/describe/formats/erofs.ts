// Reads the superblock of an EROFS image (Linux fs/erofs/erofs_fs.h, "EROFS on-disk format"): 128 bytes at byte 1024, with a
// CRC-32C over the rest of its block where the sb_csum flag is set.
import { otherFormat } from "../files/other-format.ts";
import type { RandomAccess } from "../files/random-access.ts";

const OFFSET = 1024;
const LENGTH = 128;
/** The end of the year 9999, the last that RFC 3339 can write. */
const MAX_TIME = 253402300799n;
const MAGIC = 0xe0f5e1e2;
const COMPATIBLE = ["sb_csum", "mtime", "xattr_filter", "shared_ea_in_metabox", "plain_xattr_pfx"];
// A bit that two features share has the name of the older one, as dump.erofs prints it.
const INCOMPATIBLE = [
  "0padding",
  "big_pcluster",
  "chunked_file",
  "device_table",
  "ztailpacking",
  "fragments",
  "xattr_prefixes",
];

export interface ErofsSuperblock {
  /** Bytes: a power of two from 512 to 65536. */
  readonly blockSize: number;
  /** Blocks of the file system; what follows them in the file is not part of it. */
  readonly blocks: number;
  /** Lower case with hyphens. */
  readonly uuid: string;
  /** Seconds since 1970: what SOURCE_DATE_EPOCH or `mkfs.erofs -T` set. */
  readonly buildTime: number;
  /** Names of the feature flags that are set, compatible ones first, each group by bit. */
  readonly features: readonly string[];
}

/** @throws MalformedError on a wrong magic or checksum, an unknown incompatible feature, or a file shorter than its blocks. */
export async function readErofsSuperblock(file: RandomAccess): Promise<ErofsSuperblock> {
  const bytes = await file.read(OFFSET, LENGTH, "the superblock");
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0, true) !== MAGIC) throw await otherFormat(file, "no EROFS magic number", OFFSET);
  const blockBits = view.getUint8(12);
  if (blockBits < 9 || blockBits > 16)
    throw file.malformed(`block size 2^${blockBits} is not allowed`, OFFSET + 12);
  const blockSize = 2 ** blockBits;
  const compatible = view.getUint32(8, true);
  if ((compatible & 1) !== 0) await checkSuperblock(file, blockSize, view.getUint32(4, true));
  const incompatible = view.getUint32(80, true);
  if (incompatible >>> INCOMPATIBLE.length !== 0)
    throw file.malformed(`unknown incompatible features 0x${incompatible.toString(16)}`, OFFSET + 80);
  const blocks = view.getUint32(36, true);
  if (blocks === 0) throw file.malformed("the file system has no blocks", OFFSET + 36);
  file.assertInside(0, blocks * blockSize, `a file system of ${blocks} blocks`);
  const buildTime = view.getBigUint64(24, true);
  if (buildTime > MAX_TIME) throw file.malformed(`build time ${buildTime} is out of range`, OFFSET + 24);
  return {
    blockSize,
    blocks,
    uuid: formatUuid(bytes.subarray(48, 64)),
    buildTime: Number(buildTime),
    features: [...flagNames(compatible, COMPATIBLE), ...flagNames(incompatible, INCOMPATIBLE)],
  };
}

async function checkSuperblock(file: RandomAccess, blockSize: number, stored: number): Promise<void> {
  const length = blockSize > OFFSET ? blockSize - OFFSET : blockSize;
  const block = await file.read(OFFSET, length, "the block of the superblock");
  new DataView(block.buffer).setUint32(4, 0);
  if (crc32c(block) !== stored) throw file.malformed("the superblock's checksum does not match", OFFSET + 4);
}

/** CRC-32C without the final inversion, as EROFS stores it. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return crc >>> 0;
}

function flagNames(flags: number, names: readonly string[]): string[] {
  return names.filter((_, bit) => (flags & (1 << bit)) !== 0);
}

/** The 16 bytes of an RFC 9562 UUID in its text form. */
export function formatUuid(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
