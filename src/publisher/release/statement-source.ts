// Follows the references of a release file to a statement prepared from a table of the same file, or to one of the log. Both end as a
// file that describes can read.
import { join } from "node:path";
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import type { ReleaseKind } from "../../protocol/entry/release-kinds.ts";
import { parseStatement, type Statement } from "../../protocol/envelope/statement.ts";
import { MalformedError } from "../../protocol/errors.ts";
import type { LogClient } from "../client/log-client.ts";
import { parseReference } from "../client/lookup.ts";
import { findRelease, followReference, type LoggedRelease } from "../policy/find-release.ts";
import { type ReferenceTo, type Released, type ReleaseName, releasedAs } from "../policy/release-set.ts";
import { TABLE_NAME } from "./artefact-table.ts";
import { inReleaseFile } from "./in-release-file.ts";

/** A statement with its digest and the path of its file. */
export interface SourcedStatement {
  readonly statement: Statement;
  readonly digest: string;
  readonly path: string;
}

/** A release with the path of its statement's file. */
export type ReleaseWithFile<K extends ReleaseKind> = Released<K> & { readonly path: string };

export interface StatementSources {
  /** Takes note of a table's statement. */
  add(table: string, payload: Uint8Array, path: string): SourcedStatement;
  /** What a reference at a place of the release file names. @throws MalformedError naming the place. */
  find<K extends ReleaseKind>(reference: string, kind: K, at: string): Promise<ReleaseWithFile<K>>;
  /** What an entry refers to by digest. @throws MalformedError */
  follow<K extends ReleaseKind>(reference: ReferenceTo<K>): Promise<ReleaseWithFile<K>>;
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

  function withFile<K extends ReleaseKind>({ payload, ...released }: LoggedRelease<K>): ReleaseWithFile<K> {
    const path = join(folder, "references", `${released.reference.digest}.json`);
    write(path, payload);
    return { ...released, path };
  }

  return {
    add(table, payload, path) {
      const statement = parseStatement(payload);
      const label = describeReference(statement);
      const other = [...tables].find(([, taken]) => describeReference(taken.statement) === label)?.[0];
      if (other !== undefined)
        throw new MalformedError(
          "release file",
          `is ${label}, as artefacts.${other} is`,
          `artefacts.${table}`,
        );
      const added = { statement, digest: encodeHex(sha256(payload)), path };
      tables.set(table, added);
      return added;
    },
    find: (reference, kind, at) =>
      inReleaseFile(at, async () => {
        if (!TABLE_NAME.test(reference))
          return withFile(await findRelease(client, parseLogged(reference, kind)));
        const found = tables.get(reference);
        if (found === undefined) throw unresolved(`no table artefacts.${reference} is a ${kind}`);
        return { ...releasedAs(kind, found.statement, found.digest), path: found.path };
      }),
    follow: (reference) =>
      inReleaseFile("policy", async () => {
        const here = [...tables.values()].find(({ digest }) => digest === reference.digest);
        if (here === undefined) return withFile(await followReference(client, reference));
        return { ...releasedAs(reference.kind, here.statement, here.digest), path: here.path };
      }),
    tablesOf: (kind) =>
      [...tables].filter(([, { statement }]) => statement.kind === kind).map(([table]) => table),
  };
}

function parseLogged<K extends ReleaseKind>(reference: string, kind: K): ReleaseName<K> {
  if (!reference.startsWith(`${kind}/`) || !reference.includes("@"))
    throw unresolved(`expected a table of this file or ${kind}/name@version`);
  return { ...parseReference(reference), kind };
}

function unresolved(detail: string): MalformedError {
  return new MalformedError("reference", detail);
}
