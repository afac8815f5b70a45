// Judges the checkpoint that a log shows: whether it is authentic under a trust root, and whether it continues one that was seen before.
import { equalBytes } from "../protocol/encoding/bytes.ts";
import { decodeHex, encodeHex } from "../protocol/encoding/hex.ts";
import type { TrustRoot } from "../protocol/entry/trust-root.ts";
import { MalformedError, VerificationError } from "../protocol/errors.ts";
import { verifyConsistency } from "../protocol/merkle/consistency.ts";
import { type Checkpoint, parseCheckpoint } from "../protocol/note/checkpoint.ts";
import { authenticateCheckpoint, type CosignedCheckpoint } from "../protocol/note/cosigned-checkpoint.ts";
import { parseNote } from "../protocol/note/signed-note.ts";
import { parseTlogPolicy } from "../protocol/note/tlog-policy.ts";
import { type CheckpointCode, WrongAnswerError } from "./audit-finding.ts";
import type { SeenCheckpoint } from "./audit-state.ts";
import type { TileReader } from "./tile-reader.ts";

export interface ShownCheckpoint extends Checkpoint {
  readonly note: string;
}

/** Reads a signed note without believing it. @throws MalformedError. */
export function readShown(note: string): ShownCheckpoint {
  return { ...parseCheckpoint(parseNote(note).text), note };
}

export interface CheckpointProblem {
  readonly code: CheckpointCode;
  readonly message: string;
}

/** Verifies the log's signature and the quorum; when is another question. */
export async function authenticate(
  note: string,
  root: TrustRoot,
): Promise<CosignedCheckpoint | CheckpointProblem> {
  try {
    return await authenticateCheckpoint(note, parseTlogPolicy(root.logPolicy));
  } catch (error) {
    if (error instanceof MalformedError) return { code: "checkpoint-malformed", message: error.message };
    if (!(error instanceof VerificationError)) throw error;
    const code = error.code === "checkpoint-quorum" ? "checkpoint-quorum" : "checkpoint-signature";
    return { code, message: `${error.message} (trust root version ${root.version})` };
  }
}

/** Whether the tree that is shown is the one of `size` and `root` (hex), grown. */
export type Continuity = "continues" | "forked" | "unproven";

/**
 * Makes the consistency proof from the log's own tiles and verifies it. "forked": they prove that the shown tree has another beginning.
 * "unproven": tiles are missing or do not lead to the shown root, so that they prove nothing.
 */
export async function compareTrees(
  reader: TileReader,
  before: { readonly size: number; readonly root: string },
  shown: Checkpoint,
): Promise<Continuity> {
  if (before.size === 0) return "continues";
  const equal = before.size === shown.size;
  try {
    const prover = reader.prover(shown.size);
    const beginning = equal ? shown.root : await prover.rootAt(before.size);
    const proof = equal ? [] : await prover.consistency(before.size, shown.size);
    verifyConsistency({
      fromSize: before.size,
      fromRoot: beginning,
      toSize: shown.size,
      toRoot: shown.root,
      proof,
    });
    return equalBytes(beginning, decodeHex(before.root)) ? "continues" : "forked";
  } catch (error) {
    if (error instanceof VerificationError || error instanceof WrongAnswerError) return "unproven";
    throw error;
  }
}

/** Both trees, for the reader who must decide what to do about it. */
export function describeBoth(seen: SeenCheckpoint, shown: Checkpoint): string {
  return `seen before: size ${seen.size}, root ${seen.root}; shown now: size ${shown.size}, root ${encodeHex(shown.root)}`;
}
