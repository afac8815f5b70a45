// Recovers a database that is behind what the log has signed: the missing entries come from a mirror (C2SP tlog-tiles), which is not
// trusted. The tree must lead from the database's to the signed root, every leaf to its hash, and every entry must register again.

import { nativeSha256 } from "../../node/sha256.ts";
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { type Envelope, parseLeaf } from "../../protocol/envelope/dsse.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { HASH_LENGTH, hashLeaf } from "../../protocol/merkle/hash.ts";
import {
  type BundleRange,
  bundlesOfRange,
  entriesPath,
  parseEntryBundle,
  TILE_WIDTH,
  tilePath,
} from "../../protocol/merkle/tile.ts";
import { type Checkpoint, openCheckpoint } from "../../protocol/note/checkpoint.ts";
import { authenticateCheckpoint } from "../../protocol/note/cosigned-checkpoint.ts";
import type { VerifierKey } from "../../protocol/note/key.ts";
import { formatNote, parseNote } from "../../protocol/note/signed-note.ts";
import { parseTlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { currentTrustRoot } from "../../protocol/registration/in-force.ts";
import { attachmentsOf } from "../../protocol/registration/references.ts";
import type { HighWater } from "../checkpointing/high-water.ts";
import { StartRefusedError } from "../errors.ts";
import { NO_OBSERVER } from "../observer.ts";
import { loadInForce } from "../sequencing/load-in-force.ts";
import type { Attached } from "../sequencing/pending-batch.ts";
import { Recorder } from "../sequencing/recorder.ts";
import { verifyBatch } from "../sequencing/verify-batch.ts";
import type { LogReader, LogStore } from "../store/log-store.ts";
import { GrowingTree } from "../tree/growing-tree.ts";
import { Prover } from "../tree/prover.ts";
import { keepConfirmations } from "./keep-confirmations.ts";
import { statedRoots } from "./stated-roots.ts";

/**
 * Reads a path below the mirror's prefix, such as `checkpoint` or `tile/0/000`; undefined where there is nothing.
 * @param seen size of a tree that who asks has seen: where several processes serve a log, one that has less waits for it (docs/cluster.md).
 */
export type ReadPath = (path: string, seen?: number) => Promise<Uint8Array | undefined>;

export interface RecoverConfig {
  readonly store: LogStore;
  readonly highWater: HighWater;
  /** The log's public key. */
  readonly logKey: VerifierKey;
  readonly fetch: ReadPath;
  readonly onProgress?: (recovered: number, missing: number) => void;
}

export interface Recovered {
  /** Entries that were added. */
  readonly added: number;
  readonly size: number;
}

/**
 * Adds to the database what it lacks of the mirror's tree, and writes the high-water mark anew.
 * @throws VerificationError naming what the mirror got wrong; everything before that point is kept, and is right.
 * @throws StartRefusedError "database-behind" when the mirror, too, is behind what the log has signed.
 */
export async function recover(config: RecoverConfig): Promise<Recovered> {
  const { store, highWater, logKey } = config;
  const note = await required(config.fetch, "checkpoint");
  const target = await openCheckpoint(note, logKey);
  const before = await store.head();
  const tree = await GrowingTree.load(store, before);
  const mark = await checkMark(config, target, before.size);
  const hashes = await missingHashes(config.fetch, before.size, target.size);
  const signedRoot =
    target.size >= before.size
      ? tree.rootWith(hashes)
      : await new Prover(store, () => tree).rootAt(target.size);
  if (!equalBytes(signedRoot, target.root))
    fail("recover-fork", "its tree is not a continuation of the database's");
  const { recorder, byIdentity } = await replay(config, tree, hashes);
  await checkMarkRoot(recorder, store, mark);
  const prover = new Prover(store, () => recorder.edge);
  const { head, inForce } = recorder.state;
  const recovered = { size: head.size, inForce, rootAt: (size: number) => prover.rootAt(size) };
  await keepConfirmations(config.fetch, store, recovered, byIdentity);
  await keepCheckpoint(store, recorder, note, target);
  const signed = await largestSigned(store, note, target, logKey);
  if (mark === null || signed.size >= mark.size) await writeMark(highWater, signed.note, logKey);
  return { added: hashes.length, size: Math.max(target.size, before.size) };
}

/** What the mirror shows, or what the database has published, where that is more: both are signed, and of one tree. */
async function largestSigned(
  store: LogStore,
  note: Uint8Array,
  target: Checkpoint,
  logKey: VerifierKey,
): Promise<{ readonly size: number; readonly note: Uint8Array | string }> {
  const published = await store.newestCheckpoint();
  if (published === undefined || published.size <= target.size) return { size: target.size, note };
  const { size } = await openCheckpoint(published.note, logKey);
  return { size, note: published.note };
}

/** The log's own signature is the mark; the cosignatures have their place in the history of checkpoints. */
async function writeMark(
  highWater: HighWater,
  note: Uint8Array | string,
  logKey: VerifierKey,
): Promise<void> {
  const { text, signatures } = parseNote(note);
  const own = signatures.filter(({ name, keyId }) => name === logKey.name && keyId === logKey.keyId);
  await highWater.swap(formatNote({ text, signatures: own }));
  await highWater.close();
}

async function checkMark(
  { highWater, logKey }: RecoverConfig,
  target: Checkpoint,
  size: number,
): Promise<Checkpoint | null> {
  const written = await highWater.read();
  if (written === undefined) return null;
  const mark = await openCheckpoint(written.note, logKey);
  if (mark.size > target.size && mark.size > size) {
    throw new StartRefusedError(
      "database-behind",
      `the log has signed ${mark.size} entries, the mirror has ${target.size}: find a mirror that has them all, or close the log`,
    );
  }
  return mark;
}

async function checkMarkRoot(recorder: Recorder, store: LogReader, mark: Checkpoint | null): Promise<void> {
  if (mark === null) return;
  const root = await new Prover(store, () => recorder.edge).rootAt(mark.size);
  if (!equalBytes(root, mark.root))
    fail("recover-fork", `its tree differs from what the log has signed at size ${mark.size}`);
}

/** The leaf hashes from `from` up to `to`. They are right when they lead to the signed root. */
async function missingHashes(fetch: ReadPath, from: number, to: number): Promise<Uint8Array[]> {
  const hashes: Uint8Array[] = [];
  for (const { index, first, count, width } of bundlesOfRange(from, Math.max(0, to - from), to)) {
    const tile = await fetchWide(fetch, (w) => tilePath(0, index, w), width);
    if (tile.length < width * HASH_LENGTH)
      fail("recover-tile", `its tile ${index} is shorter than ${width} hashes`);
    for (let i = first; i < first + count; i++)
      hashes.push(tile.slice(i * HASH_LENGTH, (i + 1) * HASH_LENGTH));
  }
  return hashes;
}

async function replay(
  config: RecoverConfig,
  tree: GrowingTree,
  hashes: readonly Uint8Array[],
): Promise<{ recorder: Recorder; byIdentity: number[] }> {
  const { store, onProgress } = config;
  const head = await store.head();
  const inForce = await loadInForce(store, head.size);
  const keys = new KeyRing();
  for (const { root } of inForce.trustRoots) await keys.add(root.keys);
  for (const { keys: provider } of inForce.identityKeys) await keys.addProvider(provider);
  // What statuses state of the index is held against the log by audits and by fsck: here its own signature over the tree is enough.
  let indexRoot = statedRoots([]);
  const recorder = new Recorder({
    reader: store,
    writer: store,
    tree,
    state: { head, inForce },
    observer: NO_OBSERVER,
    indexRoot: (size) => indexRoot(size),
  });
  const target = head.size + hashes.length;
  const byIdentity: number[] = [];
  for (const range of bundlesOfRange(head.size, hashes.length, target)) {
    const start = range.index * TILE_WIDTH + range.first - head.size;
    const envelopes = await fetchEnvelopes(config.fetch, range, hashes.slice(start, start + range.count));
    const verified = await verifyBatch(envelopes, keys);
    indexRoot = statedRoots(verified);
    const batch = await recorder.begin(verified);
    batch.accept(verified, null, await fetchAttachments(config, envelopes));
    await recorder.record(batch);
    for (const [i, { statement, recordedAt }] of envelopes.entries()) {
      if (recordedAt !== null) byIdentity.push(head.size + start + i);
      if (statement.kind === "trust-root") await keys.add(statement.predicate.keys);
      if (statement.kind === "identity-keys") await keys.addProvider(statement.predicate);
    }
    onProgress?.(start + range.count, hashes.length);
  }
  return { recorder, byIdentity };
}

async function fetchEnvelopes(
  fetch: ReadPath,
  range: BundleRange,
  hashes: readonly Uint8Array[],
): Promise<Envelope[]> {
  const bytes = await fetchWide(fetch, (width) => entriesPath(range.index, width), range.width);
  const leaves = parseWidest(bytes, range.width).slice(range.first, range.first + range.count);
  return leaves.map((leaf, i) => {
    if (!equalBytes(hashLeaf(leaf, nativeSha256), hashes[i] ?? new Uint8Array(0))) {
      fail(
        "recover-entry",
        `its entry ${range.index * TILE_WIDTH + range.first + i} does not have the hash in the tree`,
      );
    }
    return parseLeaf(leaf);
  });
}

/** A bundle that was fetched in its full width may stand for the partial one that was asked for. */
function parseWidest(bytes: Uint8Array, width: number): Uint8Array[] {
  try {
    return parseEntryBundle(bytes, width);
  } catch (error) {
    if (width === TILE_WIDTH) throw error;
    return parseEntryBundle(bytes, TILE_WIDTH);
  }
}

async function fetchAttachments(
  { store, fetch }: RecoverConfig,
  envelopes: readonly Envelope[],
): Promise<Attached> {
  const attached = new Map<string, Uint8Array>();
  for (const { digest, size } of envelopes.flatMap(({ statement }) => attachmentsOf(statement))) {
    if (
      attached.has(digest) ||
      (await store.lookup({ attachments: [{ digest, size }] })).attachments.length > 0
    )
      continue;
    const bytes = await required(fetch, `v1/attachments/sha256/${digest}`);
    if (encodeHex(nativeSha256(bytes)) !== digest)
      fail("recover-attachment", `its attachment ${digest} has other bytes`);
    attached.set(digest, bytes);
  }
  return attached;
}

/** Keeps the mirror's checkpoint when the quorum had cosigned it; otherwise the service publishes its own. */
async function keepCheckpoint(
  store: LogStore,
  recorder: Recorder,
  note: Uint8Array,
  target: Checkpoint,
): Promise<void> {
  const root = currentTrustRoot(recorder.state.inForce)?.root;
  const newest = await store.newestCheckpoint();
  if (root === undefined || (newest !== undefined && newest.size >= target.size)) return;
  try {
    const { cosignatures } = await authenticateCheckpoint(note, parseTlogPolicy(root.logPolicy));
    const cosignedAt = Math.min(...cosignatures.map(({ timestamp }) => timestamp));
    if (Number.isFinite(cosignedAt)) {
      await store.addCheckpoint({ size: target.size, cosignedAt, note: new TextDecoder().decode(note) });
    }
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
  }
}

/** A partial tile or bundle; the full one where the mirror no longer keeps it. */
async function fetchWide(
  fetch: ReadPath,
  path: (width: number) => string,
  width: number,
): Promise<Uint8Array> {
  return (await fetch(path(width))) ?? (await required(fetch, path(TILE_WIDTH)));
}

async function required(fetch: ReadPath, path: string): Promise<Uint8Array> {
  const bytes = await fetch(path);
  return bytes ?? fail("recover-missing", `it has no ${path}`);
}

type RecoverCode =
  | "recover-fork"
  | "recover-tile"
  | "recover-entry"
  | "recover-attachment"
  | "recover-missing";

function fail(code: RecoverCode, detail: string): never {
  throw new VerificationError<RecoverCode>(code, `the mirror cannot be used: ${detail}`);
}
