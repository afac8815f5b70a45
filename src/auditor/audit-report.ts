// Defines the report of an audit.
import type { TrustPin } from "../verifier/bundle/trust-pin.ts";
import type { AuditFinding } from "./audit-finding.ts";
import type { Counts } from "./audit-state.ts";
import type { Unconfirmed } from "./confirmed-entries.ts";
import type { AuditDepth, Uncovered } from "./coverage.ts";
import type { SplitView } from "./split-view.ts";

export interface AuditReport extends Readonly<Counts> {
  /** Of the checkpoint that was shown, as are size and root (hex); null when it could not be read. */
  readonly origin: string | null;
  readonly size: number | null;
  readonly root: string | null;
  /** Who cosigned the checkpoint, and when; empty while it is not authentic. */
  readonly cosigned: ReadonlyArray<{ readonly name: string; readonly time: string }>;
  /** The trust root from which everything was authenticated; null when there is none. */
  readonly pin: TrustPin | null;
  /** "first-use": the pin is the log's own entry 0, which nobody vouches for. */
  readonly trust: "pinned" | "first-use";
  /** Entries that an earlier, complete audit with the same state file had covered; counts and findings are of the whole log. */
  readonly since: number;
  readonly depth: AuditDepth;
  /** What this audit did not check though a deeper one, or one of a better source, does. */
  readonly uncovered: readonly Uncovered[];
  /** Entries of the bundle or proof that was held against the tree, and are in it. */
  readonly presented: readonly string[];
  /** What merkletreejs says of the root; skipped above 100,000 entries, and where tiles or entries are wrong. */
  readonly secondOpinion: "agrees" | "differs" | "skipped";
  /** Entries with identities that no checkpoint confirms: they count for no verifier, and are no damage. */
  readonly unconfirmed: readonly Unconfirmed[];
  /** Origin of the log that follows this one, which is closed; else null. */
  readonly successor: string | null;
  readonly findings: readonly AuditFinding[];
  /** Findings beyond those listed. */
  readonly omitted: number;
  /** Two signed checkpoints of which the second contradicts or precedes the first; null when there are none. */
  readonly evidence: { readonly seen: string; readonly shown: string } | null;
  /** Where they contradict each other: the proof of it, for everybody. */
  readonly splitView: SplitView | null;
}
