// Where the references of a release file lead: a statement prepared from a table of the same file, or one of the log. Both end as a
// file that describes can read.
import { join } from "node:path";
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { describeReference, type Reference, type ReleaseKind } from "../../protocol/entry/reference.ts";
import { parseStatement, type Statement, type StatementOf } from "../../protocol/envelope/statement.ts";
import { MalformedError } from "../../protocol/errors.ts";
import type { LogClient } from "../client/log-client.ts";
import { findEntry, parseReference } from "../client/lookup.ts";
import { TABLE_NAME } from "./artefact-table.ts";
import type { Member } from "./policy-content.ts";

/** A statement with its digest and the path of its file. */
export interface SourcedStatement {
  readonly statement: Statement;
  readonly digest: string;
  readonly path: string;
}

export interface StatementSources {
  /** Takes note of a table's statement. */
  add(table: string, payload: Uint8Array, path: string): SourcedStatement;
  /** What a reference at a place of the release file names. @throws MalformedError naming the place. */
  find<K extends ReleaseKind>(
    reference: string,
    kind: K,
    at: string,
  ): Promise<Member<K> & { readonly path: string }>;
  /** What an entry refers to by digest. @throws MalformedError */
  follow<K extends ReleaseKind>(reference: Reference & { readonly kind: K }): Promise<Member<K>>;
  /** Tables of a kind, in the order in which they were added. */
  tablesOf(kind: ReleaseKind): string[];
}

/**
 * @param folder where statements of the log are written.
 * @param write writes a file and its folder.
 */
export function statementSources(
  folder: string,
  client: LogClient,
  write: (path: string, content: Uint8Array) => void,
): StatementSources {
  const tables = new Map<string, SourcedStatement>();

  async function fromLog(
    wanted: { kind: string; name: string; version: string },
    at: string,
  ): Promise<SourcedStatement> {
    const { kind, name, version } = wanted;
    const found = await findEntry(client, { kind: kind as ReleaseKind, name, version });
    if (found === undefined) throw refused(`the log has no ${kind}/${name}@${version}`, at);
    const { statement, payload, payloadDigest: digest } = found.envelope;
    if (describeReference(statement) !== `${kind}/${name}@${version}`)
      throw refused(
        `asked for ${kind}/${name}@${version}, the log answered with ${describeReference(statement)}`,
        at,
      );
    const path = join(folder, "references", `${digest}.json`);
    write(path, payload);
    return { statement, digest, path };
  }

  return {
    add(table, payload, path) {
      const statement = parseStatement(payload);
      const label = describeReference(statement);
      const other = [...tables].find(([, taken]) => describeReference(taken.statement) === label)?.[0];
      if (other !== undefined) throw refused(`is ${label}, as artefacts.${other} is`, `artefacts.${table}`);
      const added = { statement, digest: encodeHex(sha256(payload)), path };
      tables.set(table, added);
      return added;
    },
    async find(reference, kind, at) {
      if (!TABLE_NAME.test(reference))
        return ofKind(await fromLog(parseLogged(reference, kind, at), at), kind, at);
      const found = tables.get(reference);
      if (found === undefined) throw refused(`no table artefacts.${reference} is a ${kind}`, at);
      return ofKind(found, kind, at);
    },
    async follow(reference) {
      const here = [...tables.values()].find(({ digest }) => digest === reference.digest);
      const found = here ?? (await fromLog(reference, "policy"));
      if (found.digest !== reference.digest)
        throw refused(`${describeReference(reference)} is in the log with another content`, "policy");
      return ofKind(found, reference.kind, "policy");
    },
    tablesOf: (kind) =>
      [...tables].filter(([, { statement }]) => statement.kind === kind).map(([table]) => table),
  };
}

function parseLogged(
  reference: string,
  kind: ReleaseKind,
  at: string,
): { kind: string; name: string; version: string } {
  if (!reference.startsWith(`${kind}/`) || !reference.includes("@"))
    throw refused(`expected a table of this file or ${kind}/name@version`, at);
  return parseReference(reference);
}

function ofKind<K extends ReleaseKind>(
  found: SourcedStatement,
  kind: K,
  at: string,
): Member<K> & { path: string } {
  if (found.statement.kind !== kind) throw refused(`is a ${found.statement.kind}, expected a ${kind}`, at);
  return { ...found, statement: found.statement as unknown as StatementOf<K> };
}

function refused(detail: string, at: string): MalformedError {
  return new MalformedError("release file", detail, at);
}
