// Defines the log as the service sees it: one that this process writes, or a node that follows while another one does.
import type { InForce } from "../protocol/registration/in-force.ts";
import type { Published } from "./checkpointing/publication.ts";
import type { LogUnavailableError } from "./errors.ts";
import type { PublishedLog } from "./published-log.ts";
import type { BatchLines, PublishOutcome } from "./sequencing/sequencer.ts";

export interface ServedLog {
  /** Everything that is published. */
  readonly read: PublishedLog;

  /** What is in force after everything durable, the entries included that still wait for their checkpoint. */
  readonly registered: InForce;

  /** Entries that were let in here and are neither recorded nor refused yet. */
  readonly pending: number;

  /** Entries that the index covers; null while this process keeps none. */
  readonly indexSize: number | null;

  /** Whether something that counts may have happened without being known here: what is shown as current might not be. */
  readonly isBehind: boolean;

  /** As Log.publish. */
  publish(lines: BatchLines): Promise<PublishOutcome[]>;

  /** Why an entry that is sent now would not get into the log, or null: also when nothing but trying can tell that it would again. */
  impediment(): LogUnavailableError | null;

  /** Calls the listener after every publication. @returns what ends that. */
  onPublished(listener: (published: Published) => void): () => void;
}
