// Checks a log before it opens: nothing is served or signed before the database, its tiles and what was signed before agree. The checks
// read the right edge of the tree, never all of it.

import { nativeSha256 } from "../node/sha256.ts";
import { equalBytes } from "../protocol/encoding/bytes.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import type { TrustRoot } from "../protocol/entry/trust-root.ts";
import { hashLeaf } from "../protocol/merkle/hash.ts";
import { TILE_WIDTH } from "../protocol/merkle/tile.ts";
import { type Checkpoint, openCheckpoint, parseCheckpoint } from "../protocol/note/checkpoint.ts";
import { parseNote } from "../protocol/note/signed-note.ts";
import { logKeyOf } from "../protocol/note/tlog-policy.ts";
import { currentTrustRoot } from "../protocol/registration/in-force.ts";
import type { HighWater, HighWaterMark } from "./checkpointing/high-water.ts";
import type { Published } from "./checkpointing/publication.ts";
import { StartRefusedError } from "./errors.ts";
import { loadInForce } from "./sequencing/load-in-force.ts";
import type { LogState } from "./sequencing/recorder.ts";
import type { LogReader } from "./store/log-store.ts";
import { damageIn } from "./store/open-store.ts";
import { GrowingTree } from "./tree/growing-tree.ts";
import { Prover } from "./tree/prover.ts";

const WRITE_ANEW =
  "it cannot be known whether the database is behind; run 'touchstone recover --from MIRROR', which writes it anew";

/** A store that was found in order. */
export interface Stored {
  readonly tree: GrowingTree;
  /** Of that tree. */
  readonly prover: Prover;
  readonly state: LogState;
  readonly published: Published | null;
}

/** A log that may start. */
export interface Loaded extends Omit<Stored, "prover"> {
  /** The checkpoint of the high-water mark. */
  readonly signed: Checkpoint | null;
  /** The note of that mark. */
  readonly mark: string | null;
}

/** @throws StartRefusedError */
export async function loadLog(store: LogReader, highWater: HighWater): Promise<Loaded> {
  const stored = await loadStored(store);
  const mark = await highWater.read();
  requireMarkKept(stored, mark);
  return { ...stored, signed: await requireExtended(stored, mark), mark: mark?.note ?? null };
}

/** What is in the store, apart from the high-water mark. @throws StartRefusedError */
export async function loadStored(store: LogReader): Promise<Stored> {
  try {
    return await readStored(store);
  } catch (error) {
    const damage = damageIn(error);
    throw damage === undefined
      ? error
      : new StartRefusedError("log-damaged", `the log is damaged: ${damage}`);
  }
}

async function readStored(store: LogReader): Promise<Stored> {
  const head = await store.head();
  const tree = await GrowingTree.load(store, head);
  await checkNewestEntries(store, head.size);
  const prover = new Prover(store, () => tree);
  const state = { head, inForce: await loadInForce(store, head.size) };
  return { tree, prover, state, published: await loadPublished(store, prover, head.size) };
}

/** The trust root in force. @throws StartRefusedError "log-empty" */
export function requireFounded({ inForce }: LogState): TrustRoot {
  const root = currentTrustRoot(inForce)?.root;
  if (root === undefined) {
    throw new StartRefusedError("log-empty", "the log is empty; create it with 'touchstone init'");
  }
  return root;
}

/**
 * Whatever is published was marked before, and a write of the mark that a crash cut short leaves entries behind that are not signed.
 * @param mark what was read when the store was in this state, or later. @throws StartRefusedError
 */
export function requireMarkKept({ state, published }: Stored, mark: HighWaterMark | undefined): void {
  if (published === null) return;
  if (mark === undefined) {
    throw new StartRefusedError(
      "high-water-missing",
      `the log has published checkpoints but its high-water file is missing or holds no mark, so ${WRITE_ANEW}`,
    );
  }
  const { size } = parseCheckpoint(parseNote(mark.note).text);
  if (size < published.checkpoint.size) {
    throw new StartRefusedError(
      "log-damaged",
      `the log has published size ${published.checkpoint.size}, its high-water file says ${size}: it is damaged or an old copy, so ${WRITE_ANEW}`,
    );
  }
  if (mark.isTorn && size === state.head.size) {
    throw new StartRefusedError(
      "log-damaged",
      `a half of the high-water file is damaged, and by no write that was cut short, so ${WRITE_ANEW}`,
    );
  }
}

/** The entries of the last bundle are the ones whose hashes the tree ends in, and none follow. */
async function checkNewestEntries(store: LogReader, size: number): Promise<void> {
  const first = size === 0 ? 0 : Math.floor((size - 1) / TILE_WIDTH) * TILE_WIDTH;
  const leaves = await store.readLeaves(first, size + 1);
  if (leaves.length !== size - first)
    refuseDamaged(`its newest entry is ${first + leaves.length - 1}, its tree ends at ${size - 1}`);
  const tile = leaves.length === 0 ? undefined : await store.readTile(0, first / TILE_WIDTH);
  leaves.forEach((leaf, i) => {
    const expected = tile?.hashes.subarray(32 * i, 32 * (i + 1)) ?? new Uint8Array(0);
    if (!equalBytes(hashLeaf(leaf, nativeSha256), expected))
      refuseDamaged(`entry ${first + i} does not have the hash in its tile`);
  });
}

async function loadPublished(store: LogReader, prover: Prover, size: number): Promise<Published | null> {
  const newest = await store.newestCheckpoint();
  if (newest === undefined) return null;
  const checkpoint = parseCheckpoint(parseNote(newest.note).text);
  if (checkpoint.size > size)
    refuseDamaged(`it has published size ${checkpoint.size}, its tree has ${size} entries`);
  if (!equalBytes(await prover.rootAt(checkpoint.size), checkpoint.root)) {
    refuseDamaged(`its tree differs from the checkpoint it published at size ${checkpoint.size}`);
  }
  const { note, cosignedAt } = newest;
  const inForce = await loadInForce(store, checkpoint.size);
  const edge = (await GrowingTree.load(store, checkpoint)).edge();
  return { checkpoint, note, cosignedAt: new Date(cosignedAt * 1000), inForce, edge };
}

/**
 * The tree must extend what was signed. A crash may have lost the publication of a checkpoint, but never a signed entry.
 * @param mark what was read when the store was in this state, or earlier.
 * @returns the checkpoint of the mark. @throws StartRefusedError
 */
export async function requireExtended(
  { state: { head, inForce }, prover }: Stored,
  mark: HighWaterMark | undefined,
): Promise<Checkpoint | null> {
  if (mark === undefined) return null;
  const root = currentTrustRoot(inForce)?.root;
  const checkpoint =
    root === undefined
      ? parseCheckpoint(parseNote(mark.note).text)
      : await openSigned(mark.note, root.logPolicy);
  if (checkpoint.size > head.size) refuseBehind(checkpoint.size, head.size);
  const actual = await prover.rootAt(checkpoint.size);
  if (!equalBytes(actual, checkpoint.root)) {
    refuseDamaged(
      `the log has signed root ${encodeHex(checkpoint.root)} at size ${checkpoint.size}, its tree has ${encodeHex(actual)}`,
    );
  }
  return checkpoint;
}

/** A log whose database is gone. @throws StartRefusedError */
export async function refuseMissing(location: string, highWater: Pick<HighWater, "read">): Promise<never> {
  const mark = await highWater.read();
  if (mark !== undefined) refuseBehind(parseCheckpoint(parseNote(mark.note).text).size, 0);
  throw new StartRefusedError(
    "database-missing",
    `${location}: there is no such database; create a log with 'touchstone init', or fetch this one with 'touchstone recover --from MIRROR'`,
  );
}

function refuseBehind(signed: number, size: number): never {
  throw new StartRefusedError(
    "database-behind",
    `the log has signed a tree of ${signed} entries, the database has ${size}: it is an old copy. Run 'touchstone recover --from MIRROR' to fetch what is missing; starting without it would fork the log`,
  );
}

async function openSigned(note: string, logPolicy: string): Promise<Checkpoint> {
  try {
    return await openCheckpoint(note, logKeyOf(logPolicy));
  } catch (error) {
    return refuseDamaged(
      `its high-water file does not hold a checkpoint of this log (${(error as Error).message})`,
    );
  }
}

function refuseDamaged(what: string): never {
  throw new StartRefusedError(
    "log-damaged",
    `the log is damaged: ${what}; run 'touchstone fsck', then recover from a mirror`,
  );
}
