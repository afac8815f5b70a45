// Keeps what confirms entries with identities when a log is recovered: the first checkpoints over them, whose times nothing else remembers.
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { parseCheckpoint } from "../../protocol/note/checkpoint.ts";
import { authenticateCheckpoint, timeOfQuorum } from "../../protocol/note/cosigned-checkpoint.ts";
import { parseNote } from "../../protocol/note/signed-note.ts";
import { parseTlogPolicy } from "../../protocol/note/tlog-policy.ts";
import type { InForce } from "../../protocol/registration/in-force.ts";
import type { LogStore, PublishedCheckpoint } from "../store/log-store.ts";
import { confirmationPath } from "./confirmation-path.ts";
import type { ReadPath } from "./recover.ts";

export interface RecoveredTree {
  readonly size: number;
  readonly inForce: InForce;
  /** The root of its first so many entries. */
  rootAt(size: number): Promise<Uint8Array>;
}

/** What the mirror does not have, or has wrong, is left out: the entry is in the log all the same, unconfirmed. */
export async function keepConfirmations(
  fetch: ReadPath,
  store: LogStore,
  tree: RecoveredTree,
  indexes: readonly number[],
): Promise<void> {
  const kept = new Set<string>();
  for (const index of indexes) {
    const bytes = await fetch(confirmationPath(index));
    if (bytes === undefined) continue;
    const checkpoint = await readConfirmation(bytes, tree).catch(leftOut);
    if (checkpoint === undefined || kept.has(checkpoint.note)) continue;
    kept.add(checkpoint.note);
    await store.addCheckpoint(checkpoint);
  }
}

/** @throws MalformedError, VerificationError for a checkpoint that is not of this tree. */
async function readConfirmation(
  bytes: Uint8Array,
  { size: largest, inForce, rootAt }: RecoveredTree,
): Promise<PublishedCheckpoint | undefined> {
  const note = decodeUtf8(bytes);
  const { size, root } = parseCheckpoint(parseNote(note).text);
  const placed = inForce.trustRoots.findLast(({ index }) => index < size);
  if (placed === undefined || size > largest || !equalBytes(await rootAt(size), root)) return undefined;
  const policy = parseTlogPolicy(placed.root.logPolicy);
  const { cosignatures } = await authenticateCheckpoint(note, policy);
  return { size, cosignedAt: timeOfQuorum(policy, cosignatures) ?? 0, note };
}

function leftOut(error: unknown): undefined {
  if (!(error instanceof MalformedError || error instanceof VerificationError)) throw error;
}
