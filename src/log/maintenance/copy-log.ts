// Copies a log from one store into another, of whatever back end: entries with what finds them, attachments, and every checkpoint. Tiles
// are computed anew, so the tree proves the copy. What a copy that was cut short has is kept, and the next one goes on behind it.
import { nativeSha256 } from "../../node/sha256.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { parseLeaf, type VerifiedEnvelope } from "../../protocol/envelope/dsse.ts";
import { readToken } from "../../protocol/identity/token.ts";
import { digestsOf } from "../../protocol/lookup/term.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import { tokenIdOf } from "../../protocol/registration/identities.ts";
import { attachmentsOf } from "../../protocol/registration/references.ts";
import { StartRefusedError } from "../errors.ts";
import { withSigners } from "../store/entry-record.ts";
import type { LogReader, LogStore, NewAttachment, NewEntry, TreeHead } from "../store/log-store.ts";
import { GrowingTree } from "../tree/growing-tree.ts";
import { Prover } from "../tree/prover.ts";

/** Entries of one append, and the bytes of attachments at which it is made before. */
const BATCH = 512;
const MAX_BATCH_BYTES = 64 * 1024 * 1024;

export type CopyProgress = (copied: number, entries: number) => void;

/**
 * Copies one moment of a log.
 * @param source as it was at that moment: a snapshot. @param target empty, or with the beginning of this log in it.
 * @returns the tree head of both. @throws StartRefusedError "log-not-empty" where another log is in the target; "log-damaged".
 */
export async function copyLog(
  source: LogReader,
  target: LogStore,
  onProgress: CopyProgress = () => undefined,
): Promise<TreeHead> {
  const head = await source.head();
  const tree = await beginningIn(target, source, head);
  while (tree.size < head.size) {
    await copyBatch(source, target, tree, head.size);
    onProgress(tree.size, head.size);
  }
  if (!equalBytes(tree.root(), head.root))
    throw new StartRefusedError(
      "log-damaged",
      "the entries do not lead to the root of the log they were copied from: run 'touchstone fsck' on it",
    );
  await copyCheckpoints(source, target);
  return head;
}

/** The tree of what the target has. */
async function beginningIn(target: LogReader, source: LogReader, head: TreeHead): Promise<GrowingTree> {
  const there = await target.head();
  const whole = await GrowingTree.load(source, head);
  const isBeginning =
    there.size <= head.size &&
    equalBytes(await new Prover(source, () => whole).rootAt(there.size), there.root);
  if (!isBeginning)
    throw new StartRefusedError("log-not-empty", "there is another log in the store to copy to");
  return GrowingTree.load(target, there);
}

async function copyBatch(source: LogReader, target: LogStore, tree: GrowingTree, end: number): Promise<void> {
  const from = tree.size;
  const entries: NewEntry[] = [];
  const attachments: NewAttachment[] = [];
  let bytes = 0;
  for (const leaf of await source.readLeaves(from, Math.min(from + BATCH, end))) {
    const envelope = withSigners(parseLeaf(leaf, nativeSha256));
    entries.push(copiedEntry(envelope, from + entries.length));
    for (const attachment of await attachmentsOfEntry(source, envelope)) {
      attachments.push(attachment);
      bytes += attachment.bytes.length;
    }
    tree.append(hashLeaf(leaf, nativeSha256));
    if (bytes >= MAX_BATCH_BYTES) break;
  }
  if (entries.length === 0) throw new StartRefusedError("log-damaged", `entry ${from} is missing`);
  const head = { size: tree.size, root: tree.root() };
  await target.append(from, { entries, attachments, tiles: tree.takeWrites(), head });
}

/** Signatures and tokens were verified before the entry got into the log; fsck does so again. */
function copiedEntry(envelope: VerifiedEnvelope, index: number): NewEntry {
  const { leaf, payloadDigest, statement, signers, signatures } = envelope;
  const { kind, name, version } = statement;
  const tokens = signatures.flatMap(({ identity }) => (identity ? [tokenIdOf(readToken(identity.jwt))] : []));
  return { index, leaf, payloadDigest, kind, name, version, signers, tokens, digests: digestsOf(envelope) };
}

async function attachmentsOfEntry(
  source: LogReader,
  { statement }: VerifiedEnvelope,
): Promise<NewAttachment[]> {
  const found: NewAttachment[] = [];
  for (const { digest } of attachmentsOf(statement)) {
    const bytes = await source.attachment(digest);
    if (bytes !== undefined) found.push({ digest, bytes });
  }
  return found;
}

/** In the order in which they follow each other; those that are there are passed over. */
async function copyCheckpoints(source: LogReader, target: LogStore): Promise<void> {
  const there = await target.checkpointsFrom(0, Number.MAX_SAFE_INTEGER);
  const notes = new Set(there.map(({ note, cosignedAt }) => `${cosignedAt} ${note}`));
  for (const checkpoint of await source.checkpointsFrom(0, Number.MAX_SAFE_INTEGER))
    if (!notes.has(`${checkpoint.cosignedAt} ${checkpoint.note}`)) await target.addCheckpoint(checkpoint);
}
