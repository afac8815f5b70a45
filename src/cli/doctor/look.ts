// Defines a look: one thing of a log's set-up that the doctor examines, and what all of them are given. A look only reads.
import type { InspectedIndex } from "../../log/maintenance/fsck-index.ts";
import type { Stored } from "../../log/start-checks.ts";
import type { PublishedCheckpoint } from "../../log/store/log-store.ts";
import type { ServerState } from "../../log/store/server-state.ts";
import type { StoreLocation } from "../../log/store/store-location.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import type { Config } from "../../service/config.ts";
import type { CliContext } from "../context.ts";
import type { CheckName, Remark } from "./finding.ts";
import type { MarkSeen } from "./marks-seen.ts";

export type DoctorContext = Pick<CliContext, "environment" | "now" | "fetch" | "warn">;

/** A log that could be read, as it was at one moment. It may be served meanwhile, and grow. */
export interface LogSeen extends Stored {
  /** The trust root in force. */
  readonly root: TrustRoot;
  /** When the newest status expires; null before the first one. */
  readonly statusExpires: Date | null;
  /** When the first checkpoint over an entry was published, by its quorum. */
  publishedAt(index: number): Promise<Date | null>;
  /** How many entries there are now, and the newest checkpoint. */
  again(): Promise<{ readonly size: number; readonly checkpoint: PublishedCheckpoint | undefined }>;
}

export interface Examined {
  readonly config: Config;
  readonly context: DoctorContext;
  readonly location: StoreLocation;
  /** Why the store could not be read, or the log in it. */
  readonly problem: Remark | null;
  /** Null where there is a problem. */
  readonly log: LogSeen | null;
  /** What the server of the store says; null where there is none, or it does not answer. */
  readonly server: ServerState | null;
  /** The high-water marks, as they were read before the log. */
  readonly marks: readonly MarkSeen[];
  /** The file of the index, as it was opened before the log; null where there is none. */
  readonly index: InspectedIndex | null;
}

export interface Look {
  readonly check: CheckName;
  /** No remark where there is nothing to look at. What it throws becomes one. */
  look(examined: Examined): Promise<readonly Remark[]>;
}
