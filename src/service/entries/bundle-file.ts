// Writes an entry bundle as the bytes of a file, and reads it again without decompressing it: that takes half a megabyte of memory and some
// milliseconds, for bytes that nobody wants who takes gzip.
import { nativeSha256 } from "../../node/sha256.ts";
import { concatBytes, equalBytes } from "../../protocol/encoding/bytes.ts";
import { decodeUtf8, utf8 } from "../../protocol/encoding/text.ts";
import { HASH_LENGTH } from "../../protocol/merkle/hash.ts";

/** A bundle as it is kept. */
export interface KeptBundle {
  readonly gzipped: Uint8Array<ArrayBuffer>;
  /** Strong, and different for each form (RFC 9110 §8.8.3). */
  readonly etags: { readonly gzip: string; readonly identity: string };
}

/** Characters of an entity tag with its quotes. */
const ETAG_LENGTH = 29;

/** SHA-256 of all that follows; the entity tag of the plain bytes; the compressed bundle. */
export function formatBundleFile({ gzipped, etags }: KeptBundle): Uint8Array {
  const content = concatBytes(utf8(etags.identity), gzipped);
  return concatBytes(nativeSha256(content), content);
}

/** @returns undefined for a file that is not as it was written: a power cut may leave anything of it. */
export function parseBundleFile(bytes: Uint8Array<ArrayBuffer>): KeptBundle | undefined {
  const content = bytes.subarray(HASH_LENGTH);
  if (!equalBytes(nativeSha256(content), bytes.subarray(0, HASH_LENGTH))) return undefined;
  const identity = decodeUtf8(content.subarray(0, ETAG_LENGTH));
  return { gzipped: content.subarray(ETAG_LENGTH), etags: etagsFrom(identity) };
}

/** @param identity the entity tag of the plain bytes. */
export function etagsFrom(identity: string): KeptBundle["etags"] {
  return { identity, gzip: identity.replace(/"$/, '.gz"') };
}
