// Finds entries in SQLite: by kind, name, version, any digest, publisher; newest first, page by page.
import type { Database } from "better-sqlite3";
import { parseLeaf } from "../../../protocol/envelope/dsse.ts";
import { digestsOf } from "../entry-record.ts";
import type { SearchQuery } from "../log-store.ts";

const PREFIX_DIGITS = 12;

/** The key under which a hex digest is indexed: its first 48 bits, an integer that JavaScript and SQLite both hold. */
export function digestPrefix(digest: string): number {
  return Number.parseInt(digest.slice(0, PREFIX_DIGITS), 16);
}

/** Conditions for the query's fields, and the values they compare with. Text and values never mix. */
function conditionsOf(query: SearchQuery): Array<[sql: string, value: unknown]> {
  const conditions: Array<[string, unknown]> = [["e.idx < ?", query.before]];
  if (query.digest !== undefined) conditions.push(["d.prefix = ?", digestPrefix(query.digest)]);
  if (query.publisher !== undefined) conditions.push(["s.key_id = ?", Buffer.from(query.publisher, "hex")]);
  if (query.name !== undefined) conditions.push(["e.name = ?", query.name]);
  if (query.kind !== undefined) conditions.push(["e.kind = ?", query.kind]);
  if (query.version !== undefined) conditions.push(["e.version = ?", query.version]);
  return conditions;
}

/** CROSS JOIN fixes the order of the loops: the table that the rarest condition is on is read first, newest first. */
function sqlOf(query: SearchQuery, conditions: ReadonlyArray<[sql: string, value: unknown]>): string {
  const tables = [
    ...(query.digest === undefined ? [] : ["entry_digests d"]),
    ...(query.publisher === undefined ? [] : ["entry_signers s"]),
  ];
  const joins = tables.map((table) => `e.idx = ${table.at(-1)}.idx`);
  const where = [...joins, ...conditions.map(([sql]) => sql)].join(" AND ");
  const order = `${tables[0]?.at(-1) ?? "e"}.idx`;
  return `SELECT e.idx, e.leaf FROM ${[...tables, "entries e"].join(" CROSS JOIN ")} WHERE ${where} ORDER BY ${order} DESC`;
}

/** Indexes of the entries that the query finds. */
export function searchEntries(database: Database, query: SearchQuery): number[] {
  const conditions = conditionsOf(query);
  const rows = database.prepare<unknown[], { idx: number; leaf: Buffer }>(sqlOf(query, conditions));
  const found: number[] = [];
  for (const { idx, leaf } of rows.iterate(...conditions.map(([, value]) => value))) {
    if (query.digest === undefined || digestsOf(parseLeaf(leaf)).includes(query.digest)) found.push(idx);
    if (found.length >= query.limit) break;
  }
  return found;
}
