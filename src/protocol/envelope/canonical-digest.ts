// Names a JSON value by the digest of its one canonical form.
import { sha256 } from "../cryptography/hash.ts";
import { encodeHex } from "../encoding/hex.ts";
import { utf8 } from "../encoding/text.ts";
import { canonicalize } from "./canonical-json.ts";

/** SHA-256 of the value's RFC 8785 form, hex. @throws MalformedError on what JSON cannot say. */
export function canonicalDigest(value: unknown): string {
  return encodeHex(sha256(utf8(canonicalize(value))));
}
