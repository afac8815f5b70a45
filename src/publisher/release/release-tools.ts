// Defines what a release gets from the outside.
import type { LogClient } from "../client/log-client.ts";

export interface ReleaseTools {
  readonly client: LogClient;
  /** Of the log, by the trust root that is pinned. */
  readonly origin: string;
  readonly now: Date;
  /** Writes a whole file, with its folder, or nothing. */
  readonly write: (path: string, content: string | Uint8Array) => void;
  /** Told of every step. */
  readonly tell: (line: string) => void;
}
