// Defines what the log tells those who run it: log lines and measures. They are plain functions, so that it depends on no logger and no
// metrics library.

/** The part of a pino logger that the log uses. */
export interface Logger {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export type Measure =
  /** Entries that a commit wrote. */
  | "batch-size"
  /** Milliseconds for the durable transaction. */
  | "commit-ms"
  /** Milliseconds that a status waited for its root of the index. */
  | "index-ms"
  /** Milliseconds for signing a checkpoint and writing its high-water mark. */
  | "sign-ms"
  /** Milliseconds until the quorum had cosigned. */
  | "cosign-ms";

export interface Observer {
  readonly logger: Logger;
  measure(measure: Measure, value: number): void;
}

const silent = () => undefined;

/** For callers that do not listen. */
export const NO_OBSERVER: Observer = {
  logger: { info: silent, warn: silent, error: silent },
  measure: silent,
};
