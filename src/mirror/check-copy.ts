// Holds a static copy of a log, in a bucket or a folder, against the log's own database: object by object, and by name.

import { readShown } from "../auditor/shown-checkpoint.ts";
import { confirmationPath } from "../log/maintenance/confirmation-path.ts";
import type { ReadPath } from "../log/maintenance/recover.ts";
import { readStoredLog, type StoredLog } from "../log/maintenance/stored-log.ts";
import { type ObjectStore, ObjectStoreError } from "../node/objects/object-store.ts";
import { equalBytes } from "../protocol/encoding/bytes.ts";
import { decodeUtf8 } from "../protocol/encoding/text.ts";
import { MalformedError } from "../protocol/errors.ts";
import { entriesPath, parseEntryBundle, TILE_WIDTH, tilePath, tilesOfSize } from "../protocol/merkle/tile.ts";
import { attachmentsOf } from "../protocol/registration/references.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { attachmentPath, CHECKPOINT } from "./copy-target.ts";
import { readEnvelope } from "./copy-tree.ts";
import { inParallel } from "./in-parallel.ts";
import { publicMeta } from "./path-meta.ts";

/** A log's database, as it is after the copy was listed. */
export type CopiedLog = StoredLog & {
  checkpointsFrom(size: number, limit: number): Promise<ReadonlyArray<{ readonly note: string }>>;
};

export interface CheckedCopy {
  /** Entries under the copy's checkpoint; 0 where there is none. */
  readonly size: number;
  /** Objects that were read. */
  readonly objects: number;
  /** What is wrong, each with the key of the object. Empty when the copy is whole. */
  readonly findings: readonly string[];
}

/** Objects that are read at once. */
const IN_FLIGHT = 8;

/**
 * Reads every object of a copy, and every one that its checkpoint promises.
 * @param openLog called after the copy was listed, so that it holds all that an export under way can have written.
 * @throws ObjectStoreError where the store does not answer, or refuses.
 */
export async function checkCopy(
  objects: ObjectStore,
  openLog: () => Promise<CopiedLog>,
): Promise<CheckedCopy> {
  const shown = await objects.get(CHECKPOINT);
  const listed = (await objects.list(""))
    .map(({ key }) => key)
    .filter((key) => publicMeta(key) !== undefined);
  const checker = new CopyChecker(objects, await openLog());
  return checker.run(shown?.bytes, listed);
}

class CopyChecker {
  readonly #objects: ObjectStore;
  readonly #log: CopiedLog;
  readonly #read: ReadPath;
  readonly #findings: string[] = [];
  #checked = 0;

  constructor(objects: ObjectStore, log: CopiedLog) {
    this.#objects = objects;
    this.#log = log;
    this.#read = readStoredLog(log);
  }

  async run(checkpoint: Uint8Array | undefined, listed: readonly string[]): Promise<CheckedCopy> {
    const size = await this.#checkCheckpoint(checkpoint);
    const promised = await this.#promised(size);
    const others = listed.filter((path) => path !== CHECKPOINT && !promised.has(path));
    await inParallel(IN_FLIGHT, promised, (path) => this.#check(path, true));
    await inParallel(IN_FLIGHT, others, (path) => this.#check(path, false));
    return { size, objects: this.#checked, findings: this.#findings.sort() };
  }

  /** @returns its size, where the log published it. */
  async #checkCheckpoint(bytes: Uint8Array | undefined): Promise<number> {
    if (bytes === undefined) return this.#find(CHECKPOINT, "is missing");
    try {
      const { size, note } = readShown(decodeUtf8(bytes));
      const published = await this.#log.checkpointsFrom(size, Number.MAX_SAFE_INTEGER);
      if (published.some((one) => one.note === note)) return size;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
    }
    return this.#find(CHECKPOINT, "is none that this log has published");
  }

  /** The paths of everything under a tree of this size. */
  async #promised(size: number): Promise<Set<string>> {
    const paths = new Set<string>();
    for (const { level, full, partial } of tilesOfSize(size)) {
      for (let index = 0; index < full; index++) paths.add(tilePath(level, index));
      if (partial > 0) paths.add(tilePath(level, full, partial));
    }
    for (let index = 0; index * TILE_WIDTH < size; index++)
      await this.#addBundle(paths, index, Math.min(TILE_WIDTH, size - index * TILE_WIDTH));
    return paths;
  }

  async #addBundle(paths: Set<string>, index: number, width: number): Promise<void> {
    const path = entriesPath(index, width);
    paths.add(path);
    const bundle = await this.#read(path);
    if (bundle === undefined) throw new Error(`the database has no ${path}`);
    for (const [i, entry] of parseEntryBundle(bundle, width).entries()) {
      const envelope = readEnvelope(entry);
      if (envelope === undefined) continue;
      for (const { digest } of attachmentsOf(envelope.statement)) paths.add(attachmentPath(digest));
      if (envelope.recordedAt !== null) paths.add(confirmationPath(index * TILE_WIDTH + i));
    }
  }

  /** @param isPromised what is not may be gone again, as a partial tile is a day after the full one. */
  async #check(path: string, isPromised: boolean): Promise<void> {
    const bytes = await this.#bytesAt(path);
    if (bytes === null) return;
    this.#checked++;
    if (bytes === undefined) {
      if (isPromised) this.#find(path, "is missing");
      return;
    }
    const isRight = path.startsWith("checkpoints/") ? isSeen(path, bytes) : await this.#isLogs(path, bytes);
    if (!isRight) this.#find(path, "has other bytes than the log");
  }

  async #isLogs(path: string, bytes: Uint8Array): Promise<boolean> {
    const expected = await this.#read(path);
    return expected !== undefined && equalBytes(expected, bytes);
  }

  /** @returns null for what cannot be read, which is a finding. */
  async #bytesAt(path: string): Promise<Uint8Array | undefined | null> {
    try {
      return (await this.#objects.get(path))?.bytes;
    } catch (error) {
      if (!(error instanceof ObjectStoreError) || error.code !== "object-unreadable") throw error;
      this.#find(path, "cannot be read");
      return null;
    }
  }

  #find(path: string, what: string): 0 {
    this.#findings.push(`${path} ${what}`);
    return 0;
  }
}

/** A checkpoint that was seen has the name that its size and its bytes give it. */
function isSeen(path: string, bytes: Uint8Array): boolean {
  try {
    return checkpointPath(readShown(decodeUtf8(bytes)).size, bytes) === path;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return false;
  }
}
