// Says how each object of a static copy is sent over HTTP: what it is, whether it may be kept, whether it is worth compressing.
import type { ObjectMeta } from "../node/objects/object-store.ts";
import { MalformedError } from "../protocol/errors.ts";
import { parseTilePath } from "../protocol/merkle/tile.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";
const ASK_AGAIN = "no-cache";
export const TEXT = "text/plain; charset=utf-8";
const JSON_TEXT = "application/json";
const ATTACHMENT = /^v1\/attachments\/sha256\/[0-9a-f]{64}$/;
const CONFIRMATION = /^v1\/confirmations\/(?:0|[1-9][0-9]{0,15})$/;
const SEEN_CHECKPOINT = /^checkpoints\/(?:x[0-9]{3}\/){0,6}[0-9]{3}\/[0-9a-f]{64}$/;

/** How what may be at a path is sent; undefined for every path that readers of a log do not ask for. */
export function publicMeta(path: string): ObjectMeta | undefined {
  if (path === "checkpoint") return { contentType: TEXT, cacheControl: ASK_AGAIN, gzip: false };
  if (SEEN_CHECKPOINT.test(path) || CONFIRMATION.test(path))
    return { contentType: TEXT, cacheControl: IMMUTABLE, gzip: false };
  if (ATTACHMENT.test(path)) return { contentType: JSON_TEXT, cacheControl: IMMUTABLE, gzip: false };
  if (!isTile(path)) return undefined;
  const gzip = path.startsWith("tile/entries/");
  return { contentType: "application/octet-stream", cacheControl: IMMUTABLE, gzip };
}

/** The same for whatever a copy holds, its own state included. */
export function metaOf(path: string): ObjectMeta {
  return publicMeta(path) ?? { contentType: JSON_TEXT, cacheControl: ASK_AGAIN, gzip: false };
}

function isTile(path: string): boolean {
  try {
    parseTilePath(path);
    return true;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return false;
  }
}
