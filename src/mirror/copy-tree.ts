// Copies what a tree has and an earlier size of it had not: tiles, entry bundles, and the attachments that the entries name.
import { readShown } from "../auditor/shown-checkpoint.ts";
import type { TileReader } from "../auditor/tile-reader.ts";
import { confirmationPath } from "../log/maintenance/confirmation-path.ts";
import type { ReadPath } from "../log/maintenance/recover.ts";
import { nativeSha256 } from "../node/sha256.ts";
import { equalBytes } from "../protocol/encoding/bytes.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { type Envelope, parseLeaf } from "../protocol/envelope/dsse.ts";
import { MalformedError } from "../protocol/errors.ts";
import { HASH_LENGTH, hashLeaf } from "../protocol/merkle/hash.ts";
import {
  encodeEntryBundle,
  entriesPath,
  parseEntryBundle,
  TILE_WIDTH,
  tilePath,
  tilesOfSize,
} from "../protocol/merkle/tile.ts";
import { attachmentsOf } from "../protocol/registration/references.ts";
import { attachmentPath, type CopyTarget } from "./copy-target.ts";
import { inParallel } from "./in-parallel.ts";
import type { VerifiedTree } from "./verified-tree.ts";

/** Bundles under way at once: a log sends a few side by side, and syncing a file takes longer than fetching it. */
const IN_FLIGHT = 8;

export interface CopiedTree {
  /** Trust roots among the entries copied, in the order of the log. */
  readonly trustRoots: ReadonlyArray<{ readonly index: number; readonly envelope: Envelope }>;
  /** Hex SHA-256 of attachments that the new entries name. */
  readonly attachments: readonly string[];
  /** Indexes of entries with identities. */
  readonly byIdentity: readonly number[];
}

export interface CopyTreeOptions {
  /** Entries that the target has. */
  readonly from: number;
  /** Whether entries are read from the source though the target may have them. */
  readonly isSourceNear: boolean;
  readonly onProgress: (copied: number, added: number) => void;
}

/**
 * Writes all that a tree has beyond its first `from` entries. What is in a target already is not fetched again from a source that is far.
 * @throws WrongAnswerError for what does not follow from the root of the tree; then none of it was written. RefusedError, UnreachableError,
 *   FileError.
 */
export async function copyTree(
  tree: VerifiedTree,
  target: CopyTarget,
  options: CopyTreeOptions,
): Promise<CopiedTree> {
  const { from, onProgress } = options;
  const copier = new Copier(tree, target, options);
  let copied = 0;
  await inParallel(IN_FLIGHT, newTiles(0, from, tree.size), async (index) => {
    copied += await copier.copyBundle(index);
    onProgress(copied, tree.size - from);
  });
  for (const { level } of tilesOfSize(tree.size).slice(1))
    for (const index of newTiles(level, from, tree.size)) await copier.copyTile(level, index);
  return copier.found();
}

/** Numbers of the tiles of a level that have other hashes at `to` entries than they had at `from`. */
function* newTiles(level: number, from: number, to: number): Generator<number> {
  const nodesAt = (size: number) => Math.floor(size / TILE_WIDTH ** level);
  if (nodesAt(from) === nodesAt(to)) return;
  const last = Math.ceil(nodesAt(to) / TILE_WIDTH);
  for (let index = Math.floor(nodesAt(from) / TILE_WIDTH); index < last; index++) yield index;
}

class Copier {
  readonly #tree: VerifiedTree;
  readonly #target: CopyTarget;
  readonly #from: number;
  readonly #isSourceNear: boolean;
  readonly #trustRoots: Array<CopiedTree["trustRoots"][number]> = [];
  readonly #attachments = new Set<string>();
  readonly #byIdentity: number[] = [];

  constructor(tree: VerifiedTree, target: CopyTarget, { from, isSourceNear }: CopyTreeOptions) {
    this.#tree = tree;
    this.#target = target;
    this.#from = from;
    this.#isSourceNear = isSourceNear;
  }

  /** @returns how many of its entries are new. */
  async copyBundle(index: number): Promise<number> {
    const tile = await this.copyTile(0, index);
    const path = entriesPath(index, tile.length / HASH_LENGTH);
    const entries = (await this.#copiedBefore(path, tile)) ?? (await this.#tree.bundle(index, tile));
    await this.#target.put(path, encodeEntryBundle(entries));
    const known = Math.max(0, this.#from - index * TILE_WIDTH);
    for (const [i, entry] of entries.entries()) if (i >= known) this.#read(index * TILE_WIDTH + i, entry);
    return entries.length - known;
  }

  /** @returns its hashes. */
  async copyTile(level: number, index: number): Promise<Uint8Array> {
    const tile = await this.#tree.tile(level, index);
    await this.#target.put(tilePath(level, index, tile.length / HASH_LENGTH), tile);
    return tile;
  }

  found(): CopiedTree {
    const trustRoots = [...this.#trustRoots].sort((a, b) => a.index - b.index);
    return { trustRoots, attachments: [...this.#attachments], byIdentity: this.#byIdentity };
  }

  /** The bundle that an interrupted copy left, if it is right. */
  async #copiedBefore(path: string, tile: Uint8Array): Promise<Uint8Array[] | undefined> {
    const bytes = this.#isSourceNear ? undefined : await this.#target.read(path);
    if (bytes === undefined) return undefined;
    try {
      const entries = parseEntryBundle(bytes, tile.length / HASH_LENGTH);
      return equalBytes(hashesOf(entries), tile) ? entries : undefined;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      return undefined;
    }
  }

  /** An entry that cannot be read is copied as it is: whether it should be in the log is for an audit to say. */
  #read(index: number, entry: Uint8Array): void {
    const envelope = readEnvelope(entry);
    if (envelope === undefined) return;
    for (const { digest } of attachmentsOf(envelope.statement)) this.#attachments.add(digest);
    if (envelope.recordedAt !== null) this.#byIdentity.push(index);
    if (envelope.statement.kind === "trust-root") this.#trustRoots.push({ index, envelope });
  }
}

/** @returns undefined for an entry that is none. */
export function readEnvelope(entry: Uint8Array): Envelope | undefined {
  try {
    return parseLeaf(entry, nativeSha256);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return undefined;
  }
}

function hashesOf(entries: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(entries.map((entry) => hashLeaf(entry, nativeSha256)));
}

/** Copies attachments, each of which is named by the SHA-256 of its bytes. @returns those that are not to be had. */
export async function copyAttachments(
  read: ReadPath,
  target: CopyTarget,
  digests: readonly string[],
  isSourceNear: boolean,
): Promise<string[]> {
  const missing: string[] = [];
  await inParallel(IN_FLIGHT, digests, async (digest) => {
    const path = attachmentPath(digest);
    const there = isSourceNear ? undefined : await target.read(path);
    const bytes = there ?? (await read(path));
    if (bytes === undefined || encodeHex(nativeSha256(bytes)) !== digest) missing.push(digest);
    else await target.put(path, bytes);
  });
  return missing.sort();
}

/** Copies what confirms entries with identities: checkpoints of this tree. What the log shows of others is left out. */
export async function copyConfirmations(
  reader: TileReader,
  tree: VerifiedTree,
  target: CopyTarget,
  indexes: readonly number[],
): Promise<void> {
  await inParallel(IN_FLIGHT, indexes, async (index) => {
    const note = await reader.confirmation(index);
    if (note === undefined) return;
    const { size, root } = readShown(note);
    const isOfTree = size <= tree.size && equalBytes(await tree.rootAt(size), root);
    if (isOfTree) await target.put(confirmationPath(index), utf8(note));
  });
}
