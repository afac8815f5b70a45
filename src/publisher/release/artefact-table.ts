// Makes the tables of a release file from the describers: what each needs beside the fields of every release.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import * as z from "zod";
import { integer } from "../../protocol/entry/fields.shape.ts";
import type { ReleaseKind } from "../../protocol/entry/release-kinds.ts";
import { DESCRIBERS } from "../describe/kinds/list.ts";
import { type PathField, word } from "../describe/table-fields.ts";
import { zodOf } from "../zod-of.ts";

export const TABLE_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** A path relative to the release file. With `mustExist`, a path to nothing is refused where it is written. */
export function pathFrom(folder: string, mustExist: boolean): PathField {
  const absolute = z
    .string()
    .min(1)
    .max(4096)
    .transform((path) => resolve(folder, path));
  return mustExist
    ? absolute.refine(existsSync, { error: ({ input }) => `${input} does not exist` })
    : absolute;
}
/** What identifies a release, with the names and meanings of the describes' options. Given in [release], in a table, or both. */
export function releaseFields(path: PathField) {
  return {
    name: word.exactOptional(),
    version: word.exactOptional(),
    channel: word.exactOptional(),
    svn: zodOf(integer).exactOptional(),
    builder: word.exactOptional(),
    source: word.exactOptional(),
    sourceCommit: word.exactOptional(),
    sourceArchive: path.exactOptional(),
    provenance: path.exactOptional(),
    provenanceKey: path.exactOptional(),
  };
}

/** The table of each kind that is described from artefacts. */
export function artefactTables(
  path: PathField,
): Readonly<Partial<Record<ReleaseKind, z.ZodType<DescribedTable>>>> {
  const tables = DESCRIBERS.map(({ kind: { kind }, table }) => [
    kind,
    z.strictObject({ kind: z.literal(kind), ...releaseFields(path), ...table(path) }),
  ]);
  return Object.fromEntries(tables);
}

/** A statement that another step of the build has written, with its attachments beside it. */
export function statementTable(path: PathField) {
  return z.strictObject({ kind: word, statement: path });
}

/** A table as its describer takes it. */
export type DescribedTable = z.infer<z.ZodObject<ReturnType<typeof releaseFields>>> & {
  readonly kind: ReleaseKind;
  readonly [key: string]: unknown;
};
