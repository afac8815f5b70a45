// Defines who of several processes may write a log. Safety does not rest on this: an append names its epoch and the tree size that it
// expects (log-store.ts), and a signature needs the high-water mark. Locks and leases only see to it that one leads, and soon.
import { hostname } from "node:os";
import type { LogReader, LogWriter } from "./log-store.ts";

/** A process that wants to write. */
export interface Candidate {
  /** Names it among the candidates of a log. */
  readonly id: string;
  /** Where it takes what others forward, or null. */
  readonly address: string | null;
}

/** What a process is called to which nobody has given a name. */
export function ownId(): string {
  return `${hostname()}:${process.pid}`;
}

export interface Leader extends Candidate {
  readonly epoch: number;
}

export interface Leadership {
  /**
   * Waits until this candidate is the one that writes. A store that one process has to itself does not wait.
   * @throws what the signal was aborted with; StartRefusedError where it may not write at all, such as "log-in-use".
   */
  campaign(me: Candidate, signal: AbortSignal): Promise<LogWriter>;

  /** Leads at once or not at all. @throws StartRefusedError "log-in-use" where somebody else does. */
  leadAtOnce(me: Candidate): Promise<LogWriter>;

  /** Who leads, by the store's own clock, or null. */
  leader(): Promise<Leader | null>;
}

/** A store as every process opens it: to read, and to become the one that writes. */
export interface ClusterStore {
  readonly reader: LogReader;
  readonly leadership: Leadership;
  /** Entries that are committed where they are written, where the reader reads from a replica, which has fewer; null where it reads there. */
  readonly primarySize: (() => Promise<number>) | null;
  /** Closes the reader; a writer is closed by whoever has it, before. */
  close(): Promise<void>;
}
