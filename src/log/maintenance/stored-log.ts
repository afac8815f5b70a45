// Reads what a store has published as a client reads it over HTTP (C2SP tlog-tiles), without a service: for exports, and for audits of a
// backup.
import { utf8 } from "../../protocol/encoding/text.ts";
import { parseLeaf } from "../../protocol/envelope/dsse.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { HASH_LENGTH } from "../../protocol/merkle/hash.ts";
import {
  encodeEntryBundle,
  parseTilePath,
  TILE_WIDTH,
  type Tile,
  tileWidth,
} from "../../protocol/merkle/tile.ts";
import type { LogReader, PublishedCheckpoint } from "../store/log-store.ts";
import type { ReadPath } from "./recover.ts";

export type StoredLog = Pick<
  LogReader,
  "newestCheckpoint" | "firstCheckpointCovering" | "readTile" | "readLeaves" | "attachment"
>;

const CONFIRMATION = /^v1\/confirmations\/(0|[1-9][0-9]{0,15})$/;
const ATTACHMENT = /^v1\/attachments\/sha256\/([0-9a-f]{64})$/;

/**
 * A reader of paths of the tree under a published checkpoint.
 * @param at that checkpoint. Unless given it is the newest, as the store has it at each call: give it a snapshot then.
 */
export function readStoredLog(store: StoredLog, at?: PublishedCheckpoint): ReadPath {
  return async (path) => {
    const published = at ?? (await store.newestCheckpoint());
    if (path === "checkpoint") return published && utf8(published.note);
    const [, digest] = ATTACHMENT.exec(path) ?? [];
    if (digest !== undefined) return store.attachment(digest);
    const [, index] = CONFIRMATION.exec(path) ?? [];
    if (index !== undefined) return readConfirmation(store, Number(index));
    const tile = tileOf(path);
    return tile && readTile(store, tile, published?.size ?? 0);
  };
}

/** The first checkpoint over an entry with an identity. */
async function readConfirmation(store: StoredLog, index: number): Promise<Uint8Array | undefined> {
  const [leaf] = await store.readLeaves(index, index + 1);
  if (leaf === undefined || parseLeaf(leaf).recordedAt === null) return undefined;
  const covering = await store.firstCheckpointCovering(index + 1);
  return covering && utf8(covering.note);
}

function tileOf(path: string): Tile | undefined {
  try {
    return parseTilePath(path);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return undefined;
  }
}

async function readTile(
  store: StoredLog,
  { level, index, width }: Tile,
  size: number,
): Promise<Uint8Array | undefined> {
  if (width > tileWidth(level, index, size)) return undefined;
  if (level !== "entries")
    return (await store.readTile(level, index))?.hashes.subarray(0, width * HASH_LENGTH);
  const start = index * TILE_WIDTH;
  return encodeEntryBundle(await store.readLeaves(start, start + width));
}
