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
import { makeSplitView, type SplitView } from "./split-view.ts";
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

/** What a tree was when it was smaller, with the proof that it grew out of that. */
export interface ProvenBeginning {
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** Consistency proof from there to the whole tree (RFC 6962 §2.1.2). */
  readonly proof: readonly Uint8Array[];
}

/**
 * Makes the consistency proof from the log's own tiles and verifies it.
 * @param size 1 to the size that is shown.
 * @returns undefined where tiles are missing or do not lead to the shown root, so that they prove nothing.
 */
export async function proveBeginning(
  reader: TileReader,
  size: number,
  shown: Checkpoint,
): Promise<ProvenBeginning | undefined> {
  if (size === shown.size) return { root: shown.root, proof: [] };
  try {
    const prover = reader.prover(shown.size);
    const root = await prover.rootAt(size);
    const proof = await prover.consistency(size, shown.size);
    verifyConsistency({ fromSize: size, fromRoot: root, toSize: shown.size, toRoot: shown.root, proof });
    return { root, proof };
  } catch (error) {
    if (error instanceof VerificationError || error instanceof WrongAnswerError) return undefined;
    throw error;
  }
}

/** Whether the tree that is shown is the one of `size` and `root` (hex), grown. */
export type Continuity = "continues" | "forked" | "unproven";

/** "forked": the log's own tiles prove that the shown tree has another beginning. "unproven": they prove nothing. */
export async function compareTrees(
  reader: TileReader,
  before: { readonly size: number; readonly root: string },
  shown: Checkpoint,
): Promise<Continuity> {
  if (before.size === 0) return "continues";
  const beginning = await proveBeginning(reader, before.size, shown);
  if (beginning === undefined) return "unproven";
  return equalBytes(beginning.root, decodeHex(before.root)) ? "continues" : "forked";
}

/**
 * Proves that a log signed two trees: two notes of it, and what its tiles say of the larger one.
 * @param reader reads the tiles of the larger tree.
 * @returns null where both may be true, or the tiles prove nothing.
 */
export async function proveSplitView(
  reader: TileReader,
  one: ShownCheckpoint,
  other: ShownCheckpoint,
): Promise<SplitView | null> {
  const [smaller, larger] = one.size <= other.size ? [one, other] : [other, one];
  const beginning = smaller.size === 0 ? undefined : await proveBeginning(reader, smaller.size, larger);
  if (beginning === undefined || equalBytes(beginning.root, smaller.root)) return null;
  const notes = { smaller: smaller.note, larger: larger.note };
  return makeSplitView(larger.origin, notes, beginning.root, beginning.proof);
}

/** Both trees, for the reader who must decide what to do about it. */
export function describeBoth(seen: SeenCheckpoint, shown: Checkpoint): string {
  return `seen before: size ${seen.size}, root ${seen.root}; shown now: size ${shown.size}, root ${encodeHex(shown.root)}`;
}
