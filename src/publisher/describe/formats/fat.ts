// Reads a FAT file system (Microsoft "FAT32 File System Specification" 1.03; UEFI 2.10 §13.3): the boot sector, and chains of clusters. Which of the
// three forms it has is decided as edk2's FatPkg does. Names are in fat-directory.ts.
import { otherFormat } from "../files/other-format.ts";
import type { RandomAccess } from "../files/random-access.ts";

const BOOT_SECTOR = 512;
const SECTOR_SIZES = [512, 1024, 2048, 4096];
const MAX_CLUSTER = 256 * 1024;
/** Fewer clusters than this are numbered in 12 bits. */
const LEAST_OF_16_BITS = 4085;
export const ENTRY_LENGTH = 32;
/** A directory has at most 65,536 entries. */
const MAX_DIRECTORY = 65_536 * ENTRY_LENGTH;
/** Bytes of the table that are read at once. */
const WINDOW = 4096;
const FIRST_CLUSTER = 2;

type Bits = 12 | 16 | 32;
const MASK: Readonly<Record<Bits, number>> = { 12: 0xfff, 16: 0xffff, 32: 0x0fffffff };

interface Extent {
  readonly offset: number;
  readonly length: number;
}

interface Geometry {
  readonly bits: Bits;
  /** Bytes. */
  readonly clusterSize: number;
  /** How many clusters there are; the first has the number 2. */
  readonly clusters: number;
  readonly table: Extent;
  readonly dataOffset: number;
  /** Where the root directory is: an extent, or with 32 bits a first cluster. */
  readonly root: Extent | number;
}

/** An open file system. Nothing in it is believed: chains are bounded by what their file can need, and by the clusters that there are. */
export class FatVolume {
  readonly file: RandomAccess;
  readonly bits: Bits;
  readonly #geometry: Geometry;
  #window: { readonly offset: number; readonly bytes: DataView } | undefined;

  constructor(file: RandomAccess, geometry: Geometry) {
    this.file = file;
    this.bits = geometry.bits;
    this.#geometry = geometry;
  }

  /** The bytes of a directory, `null` for the root. @throws MalformedError where it does not end within 65,536 entries */
  async readDirectory(cluster: number | null): Promise<Uint8Array> {
    const start = cluster ?? this.#geometry.root;
    if (typeof start !== "number")
      return await this.file.read(start.offset, start.length, "the root directory");
    const pieces: Uint8Array[] = [];
    const { clusterSize } = this.#geometry;
    for (let at: number | null = start; at !== null; at = await this.#next(at)) {
      if (pieces.length * clusterSize >= MAX_DIRECTORY)
        throw this.file.malformed("a directory does not end", this.#offsetOf(start));
      pieces.push(await this.file.read(this.#offsetOf(at), clusterSize, "a directory"));
    }
    return Buffer.concat(pieces);
  }

  /** The bytes of a file of `size` bytes, in pieces that are valid only until the next is asked for. */
  async *content(first: number, size: number): AsyncGenerator<Uint8Array> {
    for await (const { offset, length } of this.#extents(first, size))
      yield* this.file.chunks(offset, length);
  }

  /** Clusters that follow one another are one extent. A chain must be as long as its file, which ends every loop. */
  async *#extents(first: number, size: number): AsyncGenerator<Extent> {
    const { clusterSize, clusters } = this.#geometry;
    if (size > clusters * clusterSize)
      throw this.file.malformed(`a file of ${size} bytes in ${clusters} clusters`, 0);
    let next: number | null = size === 0 ? null : first;
    let left = size;
    while (next !== null && left > 0) {
      const offset = this.#offsetOf(next);
      let length = 0;
      for (let at = next; next === at && length < left; at++) {
        this.#offsetOf(at);
        length += clusterSize;
        next = await this.#next(at);
      }
      yield { offset, length: Math.min(length, left) };
      left -= length;
    }
    if (next !== null || left > 0)
      throw this.file.malformed("a chain of clusters is not as long as its file", this.#offsetOf(first));
  }

  #offsetOf(cluster: number): number {
    const { clusters, clusterSize, dataOffset } = this.#geometry;
    if (cluster < FIRST_CLUSTER || cluster >= clusters + FIRST_CLUSTER)
      throw this.file.malformed(`cluster ${cluster} of ${clusters}`, dataOffset);
    return dataOffset + (cluster - FIRST_CLUSTER) * clusterSize;
  }

  /** The cluster after this one; null at the end of a chain. */
  async #next(cluster: number): Promise<number | null> {
    const mask = MASK[this.bits];
    const place = (cluster * this.bits) / 8;
    const word = await this.#word(Math.floor(place));
    const next = (Number.isInteger(place) ? word : word >>> 4) & mask;
    return next >= mask - 7 ? null : next;
  }

  /** Up to 32 bits of the table at byte `at`. */
  async #word(at: number): Promise<number> {
    const { offset: start, length } = this.#geometry.table;
    const bytes = Math.ceil(this.bits / 8);
    let window = this.#window;
    if (window === undefined || at < window.offset || at + bytes > window.offset + window.bytes.byteLength) {
      const read = await this.file.read(start + at, Math.min(WINDOW, length - at), "the allocation table");
      window = { offset: at, bytes: new DataView(read.buffer) };
      this.#window = window;
    }
    const { bytes: view, offset } = window;
    if (at - offset + bytes > view.byteLength)
      throw this.file.malformed("the allocation table ends before its last cluster", start + at);
    return this.bits === 32 ? view.getUint32(at - offset, true) : view.getUint16(at - offset, true);
  }
}

/** @throws MalformedError on a boot sector that is none, or whose parts do not fit into the file */
export async function openFat(file: RandomAccess): Promise<FatVolume> {
  const bytes = await file.read(0, BOOT_SECTOR, "the boot sector");
  const view = new DataView(bytes.buffer);
  if (view.getUint16(510) !== 0x55aa) throw await otherFormat(file, "no boot sector", 510);
  const sectorSize = view.getUint16(11, true);
  const clusterSize = view.getUint8(13) * sectorSize;
  if (!SECTOR_SIZES.includes(sectorSize)) throw file.malformed(`sectors of ${sectorSize} bytes`, 11);
  if (!isPowerOfTwo(view.getUint8(13)) || clusterSize > MAX_CLUSTER)
    throw file.malformed(`clusters of ${view.getUint8(13)} sectors`, 13);
  const sectors = view.getUint16(19, true) || view.getUint32(32, true);
  file.assertInside(0, sectors * sectorSize, `a file system of ${sectors} sectors`);
  const geometry = layOut(view, sectorSize, clusterSize, sectors);
  if (geometry.clusters < 1 || geometry.table.length === 0) throw file.malformed("no room for any file", 32);
  return new FatVolume(file, geometry);
}

function layOut(view: DataView, sectorSize: number, clusterSize: number, sectors: number): Geometry {
  const shortTable = view.getUint16(22, true);
  const wide = shortTable === 0;
  const tableLength = (wide ? view.getUint32(36, true) : shortTable) * sectorSize;
  const tableOffset = view.getUint16(14, true) * sectorSize;
  const rootOffset = tableOffset + view.getUint8(16) * tableLength;
  const rootLength = wide ? 0 : view.getUint16(17, true) * ENTRY_LENGTH;
  const dataOffset = rootOffset + Math.ceil(rootLength / sectorSize) * sectorSize;
  const clusters = Math.floor((sectors * sectorSize - dataOffset) / clusterSize);
  return {
    bits: wide ? 32 : clusters < LEAST_OF_16_BITS ? 12 : 16,
    clusterSize,
    clusters,
    table: { offset: tableOffset, length: tableLength },
    dataOffset,
    root: wide ? view.getUint32(44, true) : { offset: rootOffset, length: rootLength },
  };
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
