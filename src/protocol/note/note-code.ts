// Lists why a signed note or a checkpoint is refused.
export type NoteCode =
  /** Of any note: signed-note.ts. */
  | "note-signature"
  | "note-unsigned"
  | "note-key-ambiguous"
  /** Of a checkpoint: checkpoint.ts, cosigned-checkpoint.ts. */
  | "checkpoint-origin"
  | "checkpoint-log-signature"
  | "checkpoint-empty-root"
  | "checkpoint-quorum";

/** The code of a checkpoint that is authentic and was not cosigned lately: cosigned-checkpoint.ts. */
export type NotePolicyCode = "checkpoint-stale";
