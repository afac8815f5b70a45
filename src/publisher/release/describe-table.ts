// Hands a table of a release file to the describer of its kind. A failure names the table, and the key whose file it is about.
import type { ReleaseKind } from "../../protocol/entry/release-kinds.ts";
import { MalformedError, PolicyError, VerificationError } from "../../protocol/errors.ts";
import { RefusedError, UnreachableError } from "../../verifier/service-errors.ts";
import type { DescribeCode } from "../describe/describe-code.ts";
import type { Described } from "../describe/described.ts";
import { DESCRIBERS } from "../describe/kinds/list.ts";
import type { ReleaseInput } from "../describe/release-fields.ts";
import type { DescribedTable } from "./artefact-table.ts";
import type { ReleaseFile } from "./release-file.ts";

/** Path of the statement that a reference names. `key` is where the reference stands in its table. */
export type StatementAt = (reference: string, kind: ReleaseKind, key: string) => Promise<string>;

/** @throws whatever the describe throws. */
export async function describeTable(
  table: DescribedTable,
  release: ReleaseInput,
  statementAt: StatementAt,
): Promise<Described> {
  const describer = DESCRIBERS.find(({ kind }) => kind.kind === table.kind);
  if (describer === undefined) throw new TypeError(`no describer of ${table.kind}`);
  const statements: Record<string, string> = {};
  for (const [key, { kind }] of Object.entries(describer.kind.references))
    statements[key] = await statementAt(String(table[key]), kind as ReleaseKind, key);
  return await describer.describe({ ...table, ...statements, release });
}

/** The release's fields, the table's own before those of [release]. @throws MalformedError naming one that neither gives. */
export function releaseInputOf(
  table: string,
  described: DescribedTable,
  shared: ReleaseFile["release"],
): ReleaseInput {
  const { name, version, channel, svn, builder, source, ...optional } = { ...shared, ...described };
  const { sourceCommit, sourceArchive, provenance, provenanceKey } = optional;
  const given = <T>(value: T | undefined, key: string): T => {
    if (value === undefined)
      throw new MalformedError(
        "release file",
        "not given, neither here nor in [release]",
        `artefacts.${table}.${key}`,
      );
    return value;
  };
  return {
    name: given(name, "name"),
    version: given(version, "version"),
    channel: given(channel, "channel"),
    svn: given(svn, "svn"),
    builder: given(builder, "builder"),
    source: given(source, "source"),
    ...(sourceCommit === undefined ? {} : { sourceCommit }),
    ...(sourceArchive === undefined ? {} : { sourceArchive }),
    ...(provenance === undefined ? {} : { provenance }),
    ...(provenanceKey === undefined ? {} : { provenanceKey }),
  };
}

/** An error of `action` with the place in the release file that it is about. */
export async function inTable<T>(table: string, values: object, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof Error) || isNoFileOfOurs(error)) throw error;
    if (error instanceof MalformedError && error.at?.startsWith("artefacts.")) throw error;
    const at = `artefacts.${table}${keyOf(values, error.message)}`;
    if (error instanceof VerificationError)
      throw new VerificationError<DescribeCode>(error.code, `${at}: ${error.message}`);
    throw new MalformedError("release file", error.message, at);
  }
}

function isNoFileOfOurs(error: Error): boolean {
  return error instanceof PolicyError || error instanceof RefusedError || error instanceof UnreachableError;
}

/** ".key" of the longest text that the message repeats: describes name the file that is wrong. */
function keyOf(values: object, message: string): string {
  const texts = (value: unknown, at: string): [string, string][] => {
    if (typeof value === "string") return [[at, value]];
    if (value === null || typeof value !== "object") return [];
    return Object.entries(value).flatMap(([key, member]) => texts(member, `${at}.${key}`));
  };
  const [best] = texts(values, "")
    .filter(([, text]) => text.length > 1 && message.includes(text))
    .sort(([, a], [, b]) => b.length - a.length);
  return best?.[0] ?? "";
}
