// Opens the signatures under a checkpoint one line at a time: what the log signed stays its word, whatever else stands under the note.
import { VerificationError } from "../protocol/errors.ts";
import { type Checkpoint, parseCheckpoint } from "../protocol/note/checkpoint.ts";
import { createVerifier, splitTimestamp } from "../protocol/note/cosignature.ts";
import type { Cosignature } from "../protocol/note/cosigned-checkpoint.ts";
import type { VerifierKey } from "../protocol/note/key.ts";
import type { NoteCode } from "../protocol/note/note-code.ts";
import { formatNote, type NoteSignature, openNote, parseNote } from "../protocol/note/signed-note.ts";
import type { TlogPolicy } from "../protocol/note/tlog-policy.ts";

/**
 * A checkpoint that a log of the policy signed as its own.
 * @throws MalformedError; VerificationError "checkpoint-log-signature".
 */
export async function openLogNote(note: string, policy: TlogPolicy): Promise<Checkpoint> {
  const checkpoint = parseCheckpoint(parseNote(note).text);
  for (const { key } of policy.logs) {
    if (key.name !== checkpoint.origin) continue;
    const { good } = await linesOf(key, note);
    if (good.length > 0) return checkpoint;
  }
  throw new VerificationError<NoteCode>(
    "checkpoint-log-signature",
    `the log's key has not signed this checkpoint of size ${checkpoint.size}`,
  );
}

export interface Cosigners {
  /** Of the policy's witnesses; one that cosigned more than once appears more than once. */
  readonly good: readonly Cosignature[];
  /** Names of the keys that have a line here which does not verify. */
  readonly bad: readonly string[];
}

/** The cosignatures of the policy's witnesses, each by itself: one bad line spoils no other. */
export async function cosignersOf(note: string, policy: TlogPolicy): Promise<Cosigners> {
  const good: Cosignature[] = [];
  const bad: string[] = [];
  for (const { key } of policy.witnesses) {
    const lines = await linesOf(key, note);
    if (lines.bad.length > 0) bad.push(key.name);
    for (const { name, keyId, signature } of lines.good) {
      const timestamp = splitTimestamp(signature)?.timestamp ?? 0;
      // Timestamp 0 says nothing about when (C2SP tlog-witness).
      if (timestamp > 0) good.push({ name, keyId, timestamp });
    }
  }
  return { good, bad };
}

/** The lines of one key, verified one by one. */
async function linesOf(
  key: VerifierKey,
  note: string,
): Promise<{ readonly good: readonly NoteSignature[]; readonly bad: readonly NoteSignature[] }> {
  const verifier = await createVerifier(key);
  const good: NoteSignature[] = [];
  const bad: NoteSignature[] = [];
  const { text, signatures } = parseNote(note);
  for (const line of signatures) {
    if (line.name !== key.name || line.keyId !== key.keyId) continue;
    try {
      await openNote(formatNote({ text, signatures: [line] }), [verifier]);
      good.push(line);
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      bad.push(line);
    }
  }
  return { good, bad };
}
