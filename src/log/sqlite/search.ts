// Finding entries in SQLite: by kind, name, version, any digest, publisher; newest first, page by page.
import type { Database } from "better-sqlite3";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import type { SearchQuery } from "../log-store.ts";

/** Conditions for the query's fields, and the values they compare with. Text and values never mix. */
function conditionsOf(query: SearchQuery): Array<[sql: string, value: unknown]> {
  const conditions: Array<[string, unknown]> = [["e.idx < ?", query.before]];
  if (query.digest !== undefined) conditions.push(["d.digest = ?", decodeHex(query.digest)]);
  if (query.publisher !== undefined) conditions.push(["s.key_id = ?", decodeHex(query.publisher)]);
  if (query.name !== undefined) conditions.push(["e.name = ?", query.name]);
  if (query.kind !== undefined) conditions.push(["e.kind = ?", query.kind]);
  if (query.version !== undefined) conditions.push(["e.version = ?", query.version]);
  return conditions;
}

/** Indexes of the entries that the query finds. CROSS JOIN fixes the order of the loops: the rarest table is read first. */
export function searchEntries(database: Database, query: SearchQuery): number[] {
  const conditions = conditionsOf(query);
  const tables = [
    ...(query.digest === undefined ? [] : ["entry_digests d"]),
    ...(query.publisher === undefined ? [] : ["entry_signers s"]),
    "entries e",
  ];
  const joins = [
    ...(query.digest === undefined ? [] : ["e.idx = d.idx"]),
    ...(query.publisher === undefined ? [] : ["e.idx = s.idx"]),
  ];
  const order = query.digest !== undefined ? "d.idx" : query.publisher !== undefined ? "s.idx" : "e.idx";
  const where = [...joins, ...conditions.map(([sql]) => sql)].join(" AND ");
  return database
    .prepare<unknown[], { idx: number }>(
      `SELECT e.idx FROM ${tables.join(" CROSS JOIN ")} WHERE ${where} ORDER BY ${order} DESC LIMIT ?`,
    )
    .all(...conditions.map(([, value]) => value), query.limit)
    .map(({ idx }) => idx);
}
