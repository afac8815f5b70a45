// Defines the options of a node: its store, what it leads with, and the others.
import type { LogConfig } from "../config.ts";
import type { Observer } from "../observer.ts";
import type { Candidate, ClusterStore } from "../store/leadership.ts";

export interface ClusterConfig {
  /** Milliseconds for which a leader that is not heard of is waited for. */
  readonly leaseMs: number;
  /** Milliseconds without the store after which nothing is shown as current any more. */
  readonly staleAfterMs: number;
}

/** What a log is led with: the keys, and everything that only one at a time may use. */
export interface Leading extends Omit<LogConfig, "reader" | "writer" | "observer" | "index"> {
  readonly candidate: Candidate;
}

export interface LogNodeConfig {
  readonly store: ClusterStore;
  /** Null: it never leads. */
  readonly leading: Leading | null;
  /** Null: there are no others, so a store that cannot be led is an error of the start. */
  readonly cluster: ClusterConfig | null;
  readonly observer: Observer;
  /** As in LogConfig. */
  readonly index?: LogConfig["index"];
}
