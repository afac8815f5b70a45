// Reads dm-verity (Linux Documentation/admin-guide/device-mapper/verity.rst; on-disk superblock of cryptsetup): the superblock
// "verity\0\0" version 1, and the root hash recomputed from the data blocks and compared with every block of the tree.
import { hash } from "node:crypto";
import { decodeUtf8 } from "../../../protocol/encoding/text.ts";
import { otherFormat } from "../files/other-format.ts";
import { firstNonZero, type RandomAccess } from "../files/random-access.ts";
import { formatUuid } from "./erofs.ts";

const SUPERBLOCK_LENGTH = 512;
const SIGNATURE = "verity\0\0";
const DIGEST_LENGTH = { sha256: 32, sha384: 48, sha512: 64 } as const;
const MAX_SALT = 256;
const CHUNK = 1024 * 1024;

export type VerityAlgorithm = keyof typeof DIGEST_LENGTH;

export interface VerityParameters {
  readonly algorithm: VerityAlgorithm;
  /** Lower-case hex of 0 to 256 bytes; hashed before each block. */
  readonly salt: string;
  /** 1: salt first, digests padded to a power of two. Type 0 (Chrome OS) is refused. */
  readonly hashType: 1;
  /** Bytes: powers of two from 512 to 524288. */
  readonly dataBlockSize: number;
  readonly hashBlockSize: number;
  readonly dataBlocks: number;
  readonly uuid: string;
}

/**
 * Where a superblock begins that follows what ends at `offset`, with nothing but zeros between them: image builders align it.
 * Undefined where something else follows, or nothing. Its content is not judged.
 */
export async function findVeritySuperblock(file: RandomAccess, offset: number): Promise<number | undefined> {
  const start = await firstNonZero(file, offset);
  if (start === undefined || start + SUPERBLOCK_LENGTH > file.size) return undefined;
  const found = latin1(await file.read(start, SIGNATURE.length, "the signature"));
  return found === SIGNATURE ? start : undefined;
}

/** @throws MalformedError on a wrong signature, another version, type or algorithm, or sizes that dm-verity refuses. */
export async function readVeritySuperblock(file: RandomAccess, offset: number): Promise<VerityParameters> {
  const bytes = await file.read(offset, SUPERBLOCK_LENGTH, "the verity superblock");
  const view = new DataView(bytes.buffer);
  const refuse = (detail: string, at: number) => file.malformed(detail, offset + at);
  if (latin1(bytes.subarray(0, 8)) !== SIGNATURE)
    throw await otherFormat(file, "no verity signature", offset);
  if (view.getUint32(8, true) !== 1)
    throw refuse(`superblock version ${view.getUint32(8, true)} is not 1`, 8);
  if (view.getUint32(12, true) !== 1) throw refuse(`hash type ${view.getUint32(12, true)} is not 1`, 12);
  const algorithm = decodeUtf8(bytes.subarray(32, 64)).replace(/\0+$/, "");
  if (!isVerityAlgorithm(algorithm))
    throw refuse(`hash algorithm ${JSON.stringify(algorithm)} is not accepted`, 32);
  const dataBlocks = view.getBigUint64(72, true);
  if (dataBlocks === 0n || dataBlocks > BigInt(Number.MAX_SAFE_INTEGER))
    throw refuse(`${dataBlocks} data blocks are out of range`, 72);
  const saltLength = view.getUint16(80, true);
  if (saltLength > MAX_SALT) throw refuse(`a salt of ${saltLength} bytes is longer than ${MAX_SALT}`, 80);
  return {
    algorithm,
    salt: Buffer.from(bytes.subarray(88, 88 + saltLength)).toString("hex"),
    hashType: 1,
    dataBlockSize: blockSize(file, view, offset, 64),
    hashBlockSize: blockSize(file, view, offset, 68),
    dataBlocks: Number(dataBlocks),
    uuid: formatUuid(bytes.subarray(16, 32)),
  };
}

/** The byte after the superblock at `offset` where the tree begins: the next hash block. */
export function treeOffset(offset: number, parameters: VerityParameters): number {
  const size = parameters.hashBlockSize;
  return Math.ceil((offset + SUPERBLOCK_LENGTH) / size) * size;
}

/**
 * Hashes every data block, compares each hash block of the tree in `treeFile` from `start` on, and returns the root hash in hex.
 * @throws MalformedError where a block of the tree differs from the data, or either file is shorter than the parameters say.
 */
export async function recomputeVerityRoot(
  data: RandomAccess,
  treeFile: RandomAccess,
  start: number,
  parameters: VerityParameters,
): Promise<string> {
  const { dataBlockSize, dataBlocks, algorithm } = parameters;
  data.assertInside(0, dataBlocks * dataBlockSize, `${dataBlocks} data blocks`);
  const salt = Buffer.from(parameters.salt, "hex");
  const tree = new TreeCheck(treeFile, start, parameters, salt);
  const block = salted(salt, dataBlockSize);
  for await (const piece of data.chunks(0, dataBlocks * dataBlockSize, CHUNK)) {
    for (let at = 0; at < piece.length; at += dataBlockSize) {
      block.set(piece.subarray(at, at + dataBlockSize), salt.length);
      if (tree.add(0, hash(algorithm, block, "buffer"))) await tree.flush(0);
    }
  }
  return await tree.finish();
}

interface Level {
  /** The salt and then the hash block that is being filled. */
  readonly block: Uint8Array;
  /** Bytes of the hash block that are filled. */
  filled: number;
  /** Where in the tree file the block that is being filled is stored. */
  position: number;
}

/** The tree as the data give it, one hash block a level in memory, held against the stored one block by block. */
class TreeCheck {
  readonly #file: RandomAccess;
  readonly #algorithm: VerityAlgorithm;
  readonly #saltLength: number;
  readonly #hashBlockSize: number;
  readonly #slot: number;
  readonly #levels: Level[] = [];
  #root: Uint8Array | undefined;

  constructor(file: RandomAccess, start: number, parameters: VerityParameters, salt: Uint8Array) {
    this.#file = file;
    this.#algorithm = parameters.algorithm;
    this.#saltLength = salt.length;
    this.#hashBlockSize = parameters.hashBlockSize;
    this.#slot = DIGEST_LENGTH[parameters.algorithm] === 32 ? 32 : 64;
    const counts = levelSizes(parameters.dataBlocks, parameters.hashBlockSize / this.#slot);
    const total = counts.reduce((sum, count) => sum + count, 0) * parameters.hashBlockSize;
    file.assertInside(start, total, `the hash tree over ${parameters.dataBlocks} data blocks`);
    let position = start + total;
    for (const count of counts) {
      position -= count * parameters.hashBlockSize;
      this.#levels.push({ block: salted(salt, parameters.hashBlockSize), filled: 0, position });
    }
  }

  /** Takes the next digest of a level; true when its hash block is now full and must be flushed. */
  add(index: number, digest: Uint8Array): boolean {
    const level = this.#levels[index];
    if (level === undefined) {
      this.#root = digest;
      return false;
    }
    level.block.set(digest, this.#saltLength + level.filled);
    level.filled += this.#slot;
    return level.filled === this.#hashBlockSize;
  }

  /** Compares the hash block of a level with the stored one and hands its digest to the level above. */
  async flush(index: number): Promise<void> {
    const level = this.#levels[index];
    if (level === undefined || level.filled === 0) return;
    const stored = await this.#file.read(
      level.position,
      this.#hashBlockSize,
      `a hash block of level ${index}`,
    );
    if (Buffer.compare(stored, level.block.subarray(this.#saltLength)) !== 0)
      throw this.#file.malformed(`hash block of level ${index} differs from the data`, level.position);
    const digest = hash(this.#algorithm, level.block, "buffer");
    level.block.fill(0, this.#saltLength);
    level.filled = 0;
    level.position += this.#hashBlockSize;
    if (this.add(index + 1, digest)) await this.flush(index + 1);
  }

  async finish(): Promise<string> {
    for (let index = 0; index < this.#levels.length; index++) await this.flush(index);
    return Buffer.from(this.#root ?? []).toString("hex");
  }
}

/** Hash blocks of each level, the one above the data first. One data block has no tree: its digest is the root. */
function levelSizes(dataBlocks: number, digestsPerBlock: number): number[] {
  const sizes: number[] = [];
  for (let count = dataBlocks; count > 1; sizes.push(count)) count = Math.ceil(count / digestsPerBlock);
  return sizes;
}

function salted(salt: Uint8Array, blockSize: number): Uint8Array {
  const block = new Uint8Array(salt.length + blockSize);
  block.set(salt);
  return block;
}

function blockSize(file: RandomAccess, view: DataView, offset: number, at: number): number {
  const size = view.getUint32(at, true);
  if (size < 512 || size > 512 * 1024 || (size & (size - 1)) !== 0)
    throw file.malformed(`block size ${size} is not a power of two from 512 to 524288`, offset + at);
  return size;
}

function isVerityAlgorithm(text: string): text is VerityAlgorithm {
  return Object.hasOwn(DIGEST_LENGTH, text);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
