// Reads and writes checkpoints: C2SP tlog-checkpoint v1. The signed statement of a log that its tree of this size has this root.

import { decodeBase64, encodeBase64 } from "../encoding/base64.ts";
import { MalformedError, VerificationError } from "../errors.ts";
import { HASH_LENGTH } from "../merkle/hash.ts";
import { isTreeSize } from "../merkle/subtree.ts";
import { createNoteVerifier, type VerifierKey } from "./key.ts";
import { requireKeyName } from "./key-name.ts";
import type { NoteCode } from "./note-code.ts";
import { type NoteVerifier, openNote } from "./signed-note.ts";

const FORMAT = "checkpoint";

/**
 * @example
 * ```ts
 * import { type Checkpoint, rootOf } from "touchstone/protocol";
 * const empty: Checkpoint = { origin: "log.example/production", size: 0, root: rootOf([]) };
 * ```
 */
export interface Checkpoint {
  /** The log's identity: 1 to 255 bytes, no Unicode space, no `+`. */
  readonly origin: string;
  /** Entries in the tree, 0 to 2^53 − 1. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/**
 * The text of a checkpoint, unsigned: `origin\nsize\nbase64(root)\n`.
 * @throws MalformedError when it could not be read back.
 * @example
 * ```ts
 * import { formatCheckpoint, rootOf } from "touchstone/protocol";
 * formatCheckpoint({ origin: "log.example/production", size: 0, root: rootOf([]) }); // three lines
 * ```
 */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  requireKeyName(origin, FORMAT, "line 1");
  if (!isTreeSize(size)) throw new MalformedError(FORMAT, `${size} is not a tree size`);
  if (root.length !== HASH_LENGTH) throw new MalformedError(FORMAT, "the root is not 32 bytes long");
  return `${origin}\n${size}\n${encodeBase64(root)}\n`;
}

/**
 * Reads the text of a checkpoint, without signatures.
 * @throws MalformedError unless it is exactly three lines in their one form. Extension lines, which the specification advises
 *   against, are refused: no auditor can know what they promise, and the ML-DSA-44 cosignature does not sign them.
 * @example
 * ```ts
 * import { parseCheckpoint } from "touchstone/protocol";
 * const { size } = parseCheckpoint("log.example/production\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
 * ```
 */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split("\n");
  const [origin = "", size = "", root = "", end] = lines;
  if (lines.length > 4) throw new MalformedError(FORMAT, "extension lines are not accepted");
  if (end !== "") throw new MalformedError(FORMAT, "expected three lines: origin, size and root");
  requireKeyName(origin, FORMAT, "line 1");
  const hash = decodeBase64(root);
  if (hash.length !== HASH_LENGTH)
    throw new MalformedError(FORMAT, "the root is not 32 bytes long", "line 3");
  return { origin, size: parseDecimal(size, FORMAT), root: hash };
}

/**
 * A number as C2SP formats write sizes and indexes: decimal digits, no zero in front, at most 2^53 − 1.
 * @throws MalformedError
 */
export function parseDecimal(text: string, format: string): number {
  const value = /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw new MalformedError(format, "expected a decimal number up to 2^53 − 1 without leading zeros");
  }
  return value;
}

/**
 * Opens a signed checkpoint with the log's Ed25519 key, whose name must be the origin. Cosignatures are not looked at.
 * @param verifier of that key, where it is not to be WebCrypto's.
 * @throws MalformedError
 * @throws VerificationError `note-signature`, `note-unsigned`, or `checkpoint-origin` when it speaks of another log.
 */
export async function openCheckpoint(
  note: Uint8Array | string,
  logKey: VerifierKey,
  verifier?: NoteVerifier,
): Promise<Checkpoint> {
  const { text } = await openNote(note, [verifier ?? (await createNoteVerifier(logKey))]);
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.origin !== logKey.name) {
    throw new VerificationError<NoteCode>(
      "checkpoint-origin",
      `the key of ${logKey.name} signed for another origin`,
    );
  }
  return checkpoint;
}
