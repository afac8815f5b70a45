// Defines the errors that are the log's fault and not the entry's: nothing is wrong with what was sent.
import { recogniseAcrossCopies } from "../protocol/errors.ts";

export type UnavailableCode =
  /** Too much is waiting to be committed. Try again soon. */
  | "queue-full"
  /** Entries are durable but their checkpoint has not been cosigned for too long, so no more are taken. */
  | "quorum-lost"
  /** The store could not write (disk full, input or output error). Nothing of what was sent happened. */
  | "storage-failed"
  /** Nobody writes to the log at this moment, or the one who did cannot say what became of an entry. Sending it again is always safe. */
  | "no-leader"
  /** The log takes nothing, because going on could contradict what it has signed. Its message says why, and what to do. */
  | "log-stopped"
  /** The index does not cover what is asked for yet. Reading the log and publishing other entries go on. */
  | "index-not-ready"
  /** The log was closed by its process. */
  | "shutting-down";

/** The log cannot take an entry now. */
export class LogUnavailableError extends Error {
  override readonly name = "LogUnavailableError";
  readonly code: UnavailableCode;

  constructor(code: UnavailableCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A batch was refused whole because of one of its entries. */
export class BatchRefusedError extends Error {
  override readonly name = "BatchRefusedError";
  /** Which entry of the batch, from 0. */
  readonly position: number;
  /** What publishing that entry alone would have thrown. */
  override readonly cause: Error;

  constructor(position: number, cause: Error) {
    super(`entry ${position + 1} of the batch: ${cause.message}`);
    this.position = position;
    this.cause = cause;
  }
}

/** The tree is not of the size that an append expected: somebody else appended. Nothing was written. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
}

/** Another writer leads: this one's epoch, session or lease is over. Nothing of the call was written, and no later call will be. */
export class LeadershipLostError extends Error {
  override readonly name = "LeadershipLostError";
}

/** Whether an append was written is not known: the store was gone before it answered. Whoever opens it next finds out. */
export class UnknownOutcomeError extends Error {
  override readonly name = "UnknownOutcomeError";
}

/** The database server does not answer, or does not let this program in. Trying again later may help. */
export class StoreUnreachableError extends Error {
  static {
    // Each action of the command line is bundled with a copy of its own.
    recogniseAcrossCopies(StoreUnreachableError, "StoreUnreachableError");
  }

  override readonly name = "StoreUnreachableError";
}

/** The high-water mark is not what was read or written last: somebody else signs for this log. Nothing was written. */
export class MarkMovedError extends Error {
  override readonly name = "MarkMovedError";
  /** The note that stands there, or null for none. */
  readonly note: string | null;

  constructor(note: string | null) {
    const signed = note?.split("\n")[1];
    super(
      signed === undefined
        ? "the high-water mark was removed while the log was running"
        : `somebody else has written the high-water mark: it says size ${signed}`,
    );
    this.note = note;
  }
}

export type StartRefusalCode =
  /** Another process writes to this log. */
  | "log-in-use"
  /** The database is no log, or of a version that this program does not know. */
  | "schema-unknown"
  | "log-empty"
  | "log-not-empty"
  /** Entries, tiles and tree head do not fit together, the database is not as it was made, or the high-water file not as it was written. */
  | "log-damaged"
  /** The log has signed a tree larger than the one in the database: a backup was restored. */
  | "database-behind"
  /** Published checkpoints, but no high-water file: it cannot be known whether the database is behind. */
  | "high-water-missing"
  /** There is no database where one was. */
  | "database-missing"
  /** The signing key is not the one that the trust root names. */
  | "wrong-log-key"
  /** The database server would not keep what it acknowledges, or is not reached directly. */
  | "storage-unsafe"
  /** This machine's clock is not that of the database. */
  | "wrong-clock"
  /** Several processes may lead, and none of the high-water marks is where all of them see it. */
  | "mark-not-shared";

/** The log refuses to start, since going on would lose or contradict something. The message says what to do. */
export class StartRefusedError extends Error {
  override readonly name = "StartRefusedError";
  readonly code: StartRefusalCode;

  constructor(code: StartRefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}
