// Finds files of a FAT file system by name, as firmware does: without regard to case, by the long name or the short one.
import { ENTRY_LENGTH, type FatVolume } from "./fat.ts";

const DELETED = 0xe5;
/** Stands for a first byte of 0xe5 in a name. */
const KANJI = 0x05;
const LONG_NAME = 0x0f;
const ATTRIBUTES = 0x3f;
const VOLUME_LABEL = 0x08;
const DIRECTORY = 0x10;
const LAST_PART = 0x40;

export interface FatEntry {
  /** The long name, or the short one where there is no other. */
  readonly name: string;
  readonly shortName: string;
  readonly isDirectory: boolean;
  /** First cluster; 0 of an empty file. */
  readonly cluster: number;
  /** Bytes; 0 of a directory. */
  readonly size: number;
}

/**
 * The entry at a path of names from the root, or null.
 * @throws MalformedError where two entries of a directory have the same name
 */
export async function findEntry(volume: FatVolume, path: readonly string[]): Promise<FatEntry | null> {
  let found: FatEntry | null = null;
  for (const name of path) {
    if (found !== null && !found.isDirectory) return null;
    const named: FatEntry[] = (await listDirectory(volume, found)).filter((entry) => isNamed(entry, name));
    if (named.length > 1) throw volume.file.malformed(`${named.length} entries are called ${name}`, 0);
    found = named[0] ?? null;
    if (found === null) return null;
  }
  return found;
}

function isNamed(entry: FatEntry, name: string): boolean {
  const wanted = name.toUpperCase();
  return entry.name.toUpperCase() === wanted || entry.shortName.toUpperCase() === wanted;
}

/** What a directory holds, without itself, its parent and the volume's label; `null` is the root. */
export async function listDirectory(volume: FatVolume, directory: FatEntry | null): Promise<FatEntry[]> {
  const bytes = Buffer.from(await volume.readDirectory(directory?.cluster ?? null));
  const entries: FatEntry[] = [];
  let long = new LongName();
  for (let at = 0; at + ENTRY_LENGTH <= bytes.length && bytes[at] !== 0; at += ENTRY_LENGTH) {
    const entry = bytes.subarray(at, at + ENTRY_LENGTH);
    const attributes = entry.readUInt8(11) & ATTRIBUTES;
    if (entry[0] !== DELETED && attributes === LONG_NAME) {
      long.add(entry);
      continue;
    }
    if (entry[0] !== DELETED && (attributes & VOLUME_LABEL) === 0)
      entries.push(readEntry(volume, entry, long));
    long = new LongName();
  }
  return entries.filter(({ shortName }) => shortName !== "." && shortName !== "..");
}

function readEntry({ bits }: FatVolume, entry: Buffer, long: LongName): FatEntry {
  const shortName = readShortName(entry);
  const isDirectory = (entry.readUInt8(11) & DIRECTORY) !== 0;
  return {
    name: long.nameFor(entry) ?? shortName,
    shortName,
    isDirectory,
    cluster: entry.readUInt16LE(26) + (bits === 32 ? entry.readUInt16LE(20) * 0x10000 : 0),
    size: isDirectory ? 0 : entry.readUInt32LE(28),
  };
}

function readShortName(entry: Buffer): string {
  const bytes = Buffer.from(entry.subarray(0, 11));
  if (bytes[0] === KANJI) bytes[0] = DELETED;
  const base = bytes.toString("latin1", 0, 8).trimEnd();
  const extension = bytes.toString("latin1", 8, 11).trimEnd();
  return extension === "" ? base : `${base}.${extension}`;
}

/** A name in pieces of 13 UTF-16 units, the last piece first, which counts only if the short entry after it has the checksum in each. */
class LongName {
  #name = "";
  #left = 0;
  #checksum = -1;

  add(entry: Buffer): void {
    const order = entry.readUInt8(0);
    const checksum = entry.readUInt8(13);
    if ((order & LAST_PART) !== 0)
      [this.#name, this.#left, this.#checksum] = ["", order & ~LAST_PART, checksum];
    else if (order !== this.#left - 1 || checksum !== this.#checksum) this.#checksum = -1;
    else this.#left = order;
    const piece = [entry.subarray(1, 11), entry.subarray(14, 26), entry.subarray(28, 32)];
    this.#name = Buffer.concat(piece).toString("utf16le") + this.#name;
  }

  nameFor(entry: Buffer): string | null {
    if (this.#left !== 1 || this.#checksum !== checksumOf(entry)) return null;
    return this.#name.split("\0")[0] ?? null;
  }
}

function checksumOf(entry: Buffer): number {
  return entry.subarray(0, 11).reduce((sum, byte) => (((sum & 1) << 7) + (sum >>> 1) + byte) & 0xff, 0);
}
