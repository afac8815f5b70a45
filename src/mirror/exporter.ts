// Keeps a bucket up to what a log has published, while the log is served, and while it is this process's turn. Only what is committed and
// cosigned is read, so every process of a log writes the same objects; where one of them has other bytes already, the bucket is damaged, and
// the log goes on without it.

import { setTimeout } from "node:timers/promises";
import { WrongAnswerError } from "../auditor/audit-finding.ts";
import { readStoredLog, type StoredLog } from "../log/maintenance/stored-log.ts";
import type { Logger } from "../log/observer.ts";
import { FileError } from "../node/file-error.ts";
import { ObjectDiffersError, type ObjectStore, ObjectStoreError } from "../node/objects/object-store.ts";
import { MalformedError, VerificationError } from "../protocol/errors.ts";
import { CopyTarget } from "./copy-target.ts";
import { type Mirrored, mirrorLog } from "./mirror.ts";

export interface ExporterOptions {
  readonly store: StoredLog;
  readonly objects: ObjectStore;
  readonly logger: Logger;
  readonly clock: () => Date;
  /** Whether nobody else exports this log, asked before every look and every read; always true unless given. */
  readonly isTurn?: () => boolean;
  /** Milliseconds between two looks at what is published, and the longest pause after failures. */
  readonly everyMs?: number;
  readonly longestPauseMs?: number;
}

const EVERY_MS = 1_000;
/** A bucket that comes back has everything a minute later. */
const LONGEST_PAUSE_MS = 30_000;

export class Exporter {
  readonly #options: ExporterOptions;
  readonly #target: CopyTarget;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  /** The checkpoint that the bucket was brought to. */
  #exported: string | null = null;
  #size = 0;
  #failures = 0;
  #isDamaged = false;
  #behindSince: Date | null = null;

  /** Begins at once, and goes on until it is stopped. */
  constructor(options: ExporterOptions) {
    this.#options = options;
    this.#target = new CopyTarget(options.objects);
    this.#running = this.#run();
  }

  /** Entries that are in the bucket, under its checkpoint, as far as this process knows. */
  get size(): number {
    return this.#size;
  }

  /** Attempts that failed so far. */
  get failures(): number {
    return this.#failures;
  }

  /** Whether the bucket holds something else than the log, so that nothing is written any more. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** Since when something published is not in the bucket; null when everything is. */
  get behindSince(): Date | null {
    return this.#behindSince;
  }

  /** Ends it. The store is not read any more when this resolves. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { everyMs = EVERY_MS, longestPauseMs = LONGEST_PAUSE_MS } = this.#options;
    const { signal } = this.#stopping;
    for (let failed = 0; !signal.aborted && !this.#isDamaged; ) {
      failed = (await this.#attempt()) ? 0 : failed + 1;
      const ms = Math.min(everyMs * 2 ** failed, longestPauseMs);
      await setTimeout(ms, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns whether everything that is published is in the bucket. */
  async #attempt(): Promise<boolean> {
    try {
      await this.#exportNew();
      return true;
    } catch (error) {
      if (this.#stopping.signal.aborted || !this.#isTurn) return true;
      this.#failures++;
      this.#tell(error as Error);
      return false;
    }
  }

  get #isTurn(): boolean {
    return this.#options.isTurn?.() ?? true;
  }

  async #exportNew(): Promise<void> {
    if (!this.#isTurn) return this.#rest();
    const { store, logger, clock } = this.#options;
    const published = await store.newestCheckpoint();
    if (published === undefined || published.note === this.#exported) return;
    this.#behindSince ??= clock();
    const stored = readStoredLog(store, published);
    const read = (path: string) => {
      this.#stopping.signal.throwIfAborted();
      if (!this.#isTurn) throw new Error("another process exports the log now");
      return stored(path);
    };
    const done = await mirrorLog({
      read,
      target: this.#target,
      trust: null,
      now: clock(),
      isSourceNear: true,
    });
    this.#exported = published.note;
    this.#size = done.size;
    this.#behindSince = null;
    logger.info(factsOf(done), "exported what is new");
  }

  /** Another process exports meanwhile: what the bucket has is looked at anew when it is this one's turn again. */
  #rest(): void {
    this.#exported = null;
    this.#behindSince = null;
  }

  #tell(error: Error): void {
    const { logger } = this.#options;
    this.#isDamaged = isDamage(error);
    if (this.#isDamaged)
      logger.error({ err: error }, "the bucket is not this log's, or damaged: nothing is exported any more");
    else logger.warn({ err: error }, "what is new could not be exported, and will be tried again");
  }
}

/** What no later attempt changes: somebody has to look. */
function isDamage(error: Error): boolean {
  if (error instanceof ObjectStoreError)
    return error.code === "object-unreadable" || error.code === "storage-unsafe";
  // Of the log's own database, for which there are other alarms.
  if (error instanceof WrongAnswerError) return false;
  return [ObjectDiffersError, VerificationError, MalformedError, FileError].some(
    (kind) => error instanceof kind,
  );
}

function factsOf({ outcome, size, added, missing, removed }: Mirrored): object {
  return { outcome, size, added, missing: missing.length, removed };
}
