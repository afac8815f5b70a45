// A reference to another entry, from the file of its statement: it can be signed and published before or after this one.
import { createHash } from "node:crypto";
import type { ReleaseKind } from "../../protocol/entry/release-kinds.ts";
import { parseStatement } from "../../protocol/envelope/statement.ts";
import { parseWhole } from "./files/other-format.ts";
import { withFile } from "./files/random-access.ts";

/** Base64 of an entry's payload is part of at most 65,535 bytes. */
const MAX_STATEMENT = 64 * 1024;

export interface StatementReference<K extends ReleaseKind> {
  readonly kind: K;
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the DSSE payload: of the file, byte for byte. */
  readonly digest: string;
}

/** @throws MalformedError when the file is not a canonical statement of that kind. */
export async function readStatementReference<K extends ReleaseKind>(
  path: string,
  kind: K,
): Promise<StatementReference<K>> {
  return await withFile(path, "statement", async (file) => {
    if (file.size > MAX_STATEMENT) throw file.malformed(`longer than ${MAX_STATEMENT} bytes`, MAX_STATEMENT);
    const payload = await file.read(0, file.size, "the statement");
    const statement = parseWhole(file, payload, parseStatement, "json");
    if (statement.kind !== kind) throw file.malformed(`is of kind ${statement.kind}, expected ${kind}`, 0);
    const digest = createHash("sha256").update(payload).digest("hex");
    return { kind, name: statement.name, version: statement.version, digest };
  });
}
