// Defines the options of openLog and createLog, and the defaults of the limits.
import type { NoteSigner } from "../protocol/note/signed-note.ts";
import type { Cosigner } from "./checkpointing/cosigner.ts";
import type { HighWater } from "./checkpointing/high-water.ts";
import type { LogIndexConfig } from "./index/log-index.ts";
import type { Observer } from "./observer.ts";
import type { StatusSigner } from "./sequencing/status-issuer.ts";
import type { LogReader, LogWriter } from "./store/log-store.ts";

export interface LogLimits {
  /** Entries that may be under way (being verified, queued, committed) at once; more are refused with "queue-full". */
  readonly maxPendingEntries: number;
  /** Bytes of their leaves. */
  readonly maxPendingBytes: number;
  /** Milliseconds that `publish` waits for the checkpoint before it answers "awaiting-cosignature". */
  readonly publishWaitMs: number;
  /** Milliseconds after which an attempt to gather the quorum is given up and begun again. */
  readonly cosignTimeoutMs: number;
  /** Milliseconds for which a tree may wait to be published before the log takes no more entries. */
  readonly quorumLostMs: number;
  /** Longest pause between two attempts, milliseconds. */
  readonly retryMs: number;
  /** Age of the cosignatures, in milliseconds, at which an idle log has them renewed; at most a quarter of maxCheckpointAge is taken. */
  readonly renewAfterMs: number;
  /** Milliseconds between two looks at what time has made due: cosignatures, status. */
  readonly tickMs: number;
}

export const DEFAULT_LIMITS: LogLimits = {
  maxPendingEntries: 4096,
  maxPendingBytes: 16 * 1024 * 1024,
  publishWaitMs: 5_000,
  cosignTimeoutMs: 10_000,
  quorumLostMs: 60_000,
  retryMs: 5_000,
  renewAfterMs: 3_600_000,
  tickMs: 1_000,
};

export interface LogConfig {
  readonly reader: LogReader;
  readonly writer: LogWriter;
  /** The log's key, which the trust root names. */
  readonly signer: NoteSigner;
  /** Signs beside it, where the trust root names this key too. */
  readonly mlDsaSigner?: NoteSigner | undefined;
  readonly cosigners: readonly Cosigner[];
  /** Reaches a witness where the trust root says that it is; one of the same name among `cosigners` is asked instead. */
  readonly witnessAt?: ((name: string, url: string) => Cosigner) | undefined;
  /** Issues the status where the trust root gives its key that role. */
  readonly statusSigner?: StatusSigner | undefined;
  readonly highWater: HighWater;
  /** Where the index is kept, where the trust root says that there is one; without it this process has none. */
  readonly index?: Pick<LogIndexConfig, "file" | "ahead"> | undefined;
  readonly clock: () => Date;
  readonly observer?: Observer;
  /** How many connections were accepted so far: a batch waits a little while more come. */
  readonly arrivals?: () => number;
  readonly limits?: Partial<LogLimits>;
}
