// Compares a database with what its migrations make of an empty one: tables, indexes, triggers, the numbers that SQLite gives out, and
// the rows that follow from others.
import type { Database } from "better-sqlite3";
import { openSqlite } from "../../../node/sqlite.ts";
import type { Migration } from "../migrations.ts";
import { migrate } from "./migrate.ts";

interface SchemaObject {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

/** What is missing, changed or added, a sentence each; none when the schema is as the migrations made it. */
export function schemaDifferences(database: Database, migrations: readonly Migration[]): string[] {
  const fresh = openSqlite(":memory:", {});
  try {
    migrate(fresh, migrations, new Date(0));
    const [expected, actual] = [objectsOf(fresh), objectsOf(database)];
    const broken = [...expected].filter(([name, sql]) => actual.get(name) !== sql);
    const added = [...actual].filter(([name]) => !expected.has(name));
    return [
      ...broken.map(([name]) => `${name} is missing or changed`),
      ...added.map(([name]) => `${name} is none of its own`),
      ...versionDifference(database, migrations.length),
    ];
  } finally {
    fresh.close();
  }
}

/** Definitions, by type and name. What SQLite makes by itself has none. */
function objectsOf(database: Database): Map<string, string> {
  const rows = database
    .prepare<[], SchemaObject>(
      "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'",
    )
    .all();
  return new Map(rows.map(({ type, name, sql }) => [`its ${type} ${name}`, sql]));
}

function versionDifference(database: Database, newest: number): string[] {
  const version = database.pragma("user_version", { simple: true });
  return version === newest ? [] : [`its user_version is ${version}, and ${newest} migrations ran`];
}

/** Checkpoints are numbered from 1 without gaps, and SQLite remembers the last number: what is missing was removed. */
export function missingCheckpoints(database: Database): string[] {
  const { count, last, lowest, highest } = database
    .prepare<[], { count: number; last: number; lowest: number; highest: number }>(
      `SELECT count(*) AS count, coalesce(min(number), 1) AS lowest, coalesce(max(number), 0) AS highest,
              coalesce((SELECT max(seq) FROM sqlite_sequence WHERE name = 'checkpoints'), 0) AS last
         FROM checkpoints`,
    )
    .get() as { count: number; last: number; lowest: number; highest: number };
  if (count === last && lowest === 1 && highest === last) return [];
  return [`${last} checkpoints were published, ${count} are stored, numbered from ${lowest} to ${highest}`];
}

/** On a connection that only reads, SQLite's own check passes over the constraint that there is one head. */
export function headProblems(database: Database): string[] {
  const numbers = database.prepare<[], number>("SELECT one FROM tree_head").pluck().all();
  return numbers.length === 1 && numbers[0] === 1 ? [] : [`its tree has ${numbers.length} heads, ${numbers}`];
}

/** Proofs are made of the rows of tile_paths, and nothing else compares them with the tiles that they follow from. */
export function pathProblems(database: Database): string[] {
  const wrong = database
    .prepare<[], number>(
      `SELECT idx FROM paths_of_tiles AS expected LEFT JOIN tile_paths AS stored ON stored.number = expected.number
        WHERE stored.hashes IS NOT expected.hashes LIMIT 1`,
    )
    .pluck()
    .get();
  if (wrong !== undefined) return [`the paths of tile ${wrong} are missing or not those of the tile`];
  const surplus = database
    .prepare<[], number>("SELECT (SELECT count(*) FROM tile_paths) - (SELECT count(*) FROM paths_of_tiles)")
    .pluck()
    .get();
  return surplus === 0 ? [] : [`${surplus} rows of paths are of no tile`];
}
