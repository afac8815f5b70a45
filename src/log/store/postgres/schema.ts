// Compares a schema with what its migrations say: each table, index, trigger and function that they make is there and does what it did, and
// no trigger or function besides.
import type pg from "pg";
import type { Migration } from "../migrations.ts";

const MADE = /^CREATE (TABLE|INDEX|TRIGGER|FUNCTION) ([a-z_0-9]+)/gm;
const BODY = /^CREATE FUNCTION ([a-z_0-9]+).*?AS \$\$(.*?)\$\$/gms;

/** What is there, by what migrations call it; an index that is not valid and a trigger that is off do not count. */
const OBJECTS = `
  SELECT 'TABLE ' || relname AS object FROM pg_class WHERE relkind = 'r' AND relnamespace = $1::regnamespace
  UNION ALL SELECT 'INDEX ' || relname FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid
    WHERE relnamespace = $1::regnamespace AND indisvalid
  UNION ALL SELECT 'TRIGGER ' || tgname FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid
    WHERE relnamespace = $1::regnamespace AND NOT tgisinternal AND tgenabled IN ('O', 'A')
  UNION ALL SELECT 'FUNCTION ' || proname FROM pg_proc WHERE pronamespace = $1::regnamespace`;

/** What is missing or changed, a sentence each; none when the schema is as the migrations made it. */
export async function schemaDifferences(
  client: pg.ClientBase,
  schema: string,
  migrations: readonly Migration[],
): Promise<string[]> {
  const texts = migrations.map(({ sql }) => sql).join("\n");
  const made = [...texts.matchAll(MADE)].map(([, type, name]) => `${type} ${name}`);
  const there = await client.query<{ object: string }>(OBJECTS, [schema]);
  const objects = new Set(there.rows.map(({ object }) => object));
  const bodies = new Map([...texts.matchAll(BODY)].map(([, name, body]) => [name, body]));
  const functions = await client.query<{ name: string; body: string }>(
    "SELECT proname AS name, prosrc AS body FROM pg_proc WHERE pronamespace = $1::regnamespace",
    [schema],
  );
  return [
    ...made.filter((object) => !objects.has(object)).map((object) => `its ${named(object)} is missing`),
    ...[...objects]
      .filter((object) => object.startsWith("TRIGGER ") && !made.includes(object))
      .map((object) => `its ${named(object)} is none of its own`),
    ...functions.rows
      .filter(({ name, body }) => bodies.get(name) !== body)
      .map(({ name }) => `its function ${name} is missing or changed`),
  ];
}

const named = (object: string) => object.replace(/^[A-Z]+/, (type) => type.toLowerCase());
