// Holds a checkpoint as a store has it against the tree that the entries give.
import { witnessVerifier } from "../../node/ed25519.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { splitTimestamp } from "../../protocol/note/cosignature.ts";
import {
  authenticateCheckpoint,
  type CosignedCheckpoint,
  timeOfQuorum,
} from "../../protocol/note/cosigned-checkpoint.ts";
import { type NoteSignature, openNote } from "../../protocol/note/signed-note.ts";
import { keysOf, type TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import type { PublishedCheckpoint } from "../store/log-store.ts";
import type { GrowingTree } from "../tree/growing-tree.ts";

/**
 * Whether a checkpoint is of this tree, which has its size, and is stored as it was published.
 * @throws Error that says what is wrong with it.
 */
export async function requireSound(
  published: PublishedCheckpoint,
  tree: Pick<GrowingTree, "root">,
  policy: TlogPolicy,
): Promise<void> {
  const cosigned = await authenticateCheckpoint(published.note, policy);
  const { size, root } = cosigned.checkpoint;
  if (size !== published.size || !equalBytes(root, tree.root())) throw new Error("it is of another tree");
  await requireAsPublished(published, cosigned, policy);
}

/** The log stores the lines that it has verified and no others, and one of their times, from which on the quorum was met. */
async function requireAsPublished(
  { note, cosignedAt }: PublishedCheckpoint,
  { cosignatures }: CosignedCheckpoint,
  policy: TlogPolicy,
): Promise<void> {
  const verifiers = await Promise.all(keysOf(policy).map(witnessVerifier));
  const { verified, unverified } = await openNote(note, verifiers);
  const isOfLog = (line: NoteSignature) =>
    policy.logs.some(({ key }) => key.name === line.name && key.keyId === line.keyId);
  const isTimed = (line: NoteSignature) => (splitTimestamp(line.signature)?.timestamp ?? 0) > 0;
  if (unverified.length > 0 || !verified.every((line) => isOfLog(line) || isTimed(line)))
    throw new Error("it has a signature of nobody");
  const latest = timeOfQuorum(policy, cosignatures) ?? 0;
  if (cosignedAt > latest || !cosignatures.some(({ timestamp }) => timestamp === cosignedAt))
    throw new Error(`it was not cosigned at ${cosignedAt}`);
}
