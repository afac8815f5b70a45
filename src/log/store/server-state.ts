// Defines what a database server says of itself and of who writes the log: for whoever looks after it. Nothing that is written rests on this.
import type { Leader } from "./leadership.ts";

export interface LeaderSeen extends Leader {
  /** Seconds, by the server's clock, until others stop waiting for it. */
  readonly leaseLeft: number;
}

/** Another server that follows this one. */
export interface Standby {
  /** By what name it is in synchronous_standby_names. */
  readonly name: string;
  /** "streaming" where it has all but what is on its way. */
  readonly state: string;
  /** Whether a commit waits for it: "sync" or "quorum"; "potential", "async" where it does not. */
  readonly sync: string;
  /** Of the write-ahead log; null where it is not known. */
  readonly bytesBehind: number | null;
}

export interface ServerState {
  /** Why no log would be written to it, a sentence each; none where one would be. */
  readonly unsafe: readonly string[];
  /** Whether it only follows another one, and takes no writes. */
  readonly isStandby: boolean;
  /** The epoch of the newest leader, whether or not its lease is over. */
  readonly epoch: number;
  readonly leader: LeaderSeen | null;
  /** What it waits for before it acknowledges, as it is configured; "" where it waits for nobody. */
  readonly waitsFor: string;
  /** Who follows it; null where this role may not know. */
  readonly standbys: readonly Standby[] | null;
}
