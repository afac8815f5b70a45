// Reads a reference to another entry from the file of its statement or envelope: it can be signed and published before or after this one.
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { Reference } from "../../protocol/entry/reference.ts";
import { MAX_LEAF_BYTES } from "../../protocol/envelope/dsse.ts";
import { parseStatement } from "../../protocol/envelope/statement.ts";
import { parseSignable } from "../signing/sign.ts";
import { parseWhole } from "./files/other-format.ts";
import { withFile } from "./files/random-access.ts";

/** What is read of a file: an envelope in any JSON form. */
const MAX_STATEMENT = 2 * MAX_LEAF_BYTES;

/** @throws MalformedError when the file is not a statement of that kind, nor an envelope of one. */
export async function readStatementReference<K extends string>(
  path: string,
  { kind }: { readonly kind: K },
): Promise<Reference<K>> {
  return await withFile(path, "statement", async (file) => {
    if (file.size > MAX_STATEMENT) throw file.malformed(`longer than ${MAX_STATEMENT} bytes`, MAX_STATEMENT);
    const bytes = await file.read(0, file.size, "the statement");
    const { payload } = parseWhole(file, bytes, parseSignable, "json");
    const { kind: found, name, version } = parseStatement(payload);
    if (found !== kind) throw file.malformed(`is of kind ${found}, expected ${kind}`, 0);
    return { kind, name, version, digest: encodeHex(sha256(payload)) };
  });
}
