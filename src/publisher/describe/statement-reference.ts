// Reads a reference to another entry from the file of its statement or envelope: it can be signed and published before or after this one.
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { Kind } from "../../protocol/entry/kinds.ts";
import type { Reference } from "../../protocol/entry/reference.ts";
import { MAX_LEAF_BYTES } from "../../protocol/envelope/dsse.ts";
import { parseStatement, type StatementOf } from "../../protocol/envelope/statement.ts";
import { parseSignable } from "../signing/sign.ts";
import { parseWhole } from "./files/other-format.ts";
import { withFile } from "./files/random-access.ts";

/** What is read of a file: an envelope in any JSON form. */
const MAX_STATEMENT = 2 * MAX_LEAF_BYTES;

/** @throws MalformedError when the file is not a statement of that kind, nor an envelope of one. */
export async function readStatementReference<K extends Kind>(
  path: string,
  kind: { readonly kind: K },
): Promise<Reference<K>> {
  return (await readReferenced(path, kind)).reference;
}

/** The same with what the statement says, for who must fit it. */
export async function readReferenced<K extends Kind>(
  path: string,
  { kind }: { readonly kind: K },
): Promise<{ readonly reference: Reference<K>; readonly statement: StatementOf<K> }> {
  return await withFile(path, "statement", async (file) => {
    if (file.size > MAX_STATEMENT) throw file.malformed(`longer than ${MAX_STATEMENT} bytes`, MAX_STATEMENT);
    const bytes = await file.read(0, file.size, "the statement");
    const { payload } = parseWhole(file, bytes, parseSignable, "json");
    const statement = parseStatement(payload);
    const { kind: found, name, version } = statement;
    if (found !== kind) throw file.malformed(`is of kind ${found}, expected ${kind}`, 0);
    const reference = { kind, name, version, digest: encodeHex(sha256(payload)) };
    return { reference, statement: statement as unknown as StatementOf<K> };
  });
}
