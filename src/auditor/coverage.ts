// Defines how much of a log an audit looks at, and lists what it did not look at and what no audit can see.

/**
 * "tiles": the tree alone, 32 bytes an entry; "entries": every entry, signature and rule as well; "everything": the attachments, too.
 */
export type AuditDepth = "tiles" | "entries" | "everything";
export const AUDIT_DEPTHS = ["tiles", "entries", "everything"] as const satisfies readonly AuditDepth[];

/** A part of the log that this audit did not check, or not all of it. */
export interface Uncovered {
  readonly part: "attachments" | "bundle" | "entries" | "newest-entries" | "proof" | "tree";
  readonly why: string;
}

/** What a depth leaves out by itself. */
export function leftOut(depth: AuditDepth): Uncovered[] {
  const uncovered: Uncovered[] = [];
  if (depth === "tiles")
    uncovered.push({
      part: "entries",
      why: "only tiles were read: no entry, signature, rule, status or newer trust root",
    });
  if (depth !== "everything") uncovered.push({ part: "attachments", why: "none was read" });
  return uncovered;
}

/** What no replay of one log from one place can see, and who does. */
export const CANNOT_CHECK: readonly string[] = [
  "that others are shown this tree: compare checkpoints with them, or watch from several places",
  "that nothing newer is withheld, beyond what the times of cosignatures and of the status say",
  "that what a release states of its artefacts is true: whoever has them computes their digests again",
  "that the holders of the keys meant to sign",
];
