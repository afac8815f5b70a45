// Implements StoreInspection on PostgreSQL: it counts the rows of the schema.
import type pg from "pg";
import { digestPrefix } from "../digest-prefix.ts";
import { readMigrations } from "../migrations.ts";
import type { IndexedBy, StoreCounts, StoreInspection } from "../store-inspection.ts";
import { damaged, MIGRATIONS_FOLDER } from "./open.ts";
import { schemaDifferences } from "./schema.ts";

const COUNTS = `
  SELECT (SELECT count(*) FROM entries) AS entries, (SELECT coalesce(max(idx), -1) FROM entries) AS newest,
         (SELECT count(*) FROM entry_digests) AS digests, (SELECT count(*) FROM entry_signers) AS signers,
         (SELECT count(*) FROM entry_tokens) AS tokens, (SELECT count(*) FROM tiles) AS tiles`;

/** Whether rows are missing for what an entry is found by. */
const LEADS_TO = `
  SELECT NOT EXISTS (
    SELECT FROM unnest($2::bigint[]) AS asked WHERE NOT EXISTS (SELECT FROM entry_digests WHERE prefix = asked AND idx = $1)
    UNION ALL SELECT FROM unnest($3::text[]) AS asked
      WHERE NOT EXISTS (SELECT FROM entry_signers WHERE key_id = decode(asked, 'hex') AND idx = $1)
    UNION ALL SELECT FROM unnest($4::text[]) AS asked
      WHERE NOT EXISTS (SELECT FROM entry_tokens WHERE token = decode(asked, 'hex') AND idx = $1)) AS leads`;

/** Checkpoints are numbered from 1 without gaps, and the head has their number: what is missing was removed. */
const CHECKPOINTS = `
  SELECT count(*) AS count, coalesce(min(number), 1) AS lowest, coalesce(max(number), 0) AS highest,
         (SELECT checkpoints FROM tree_head) AS last FROM checkpoints`;

export class PostgresInspection implements StoreInspection {
  readonly #client: pg.Client;
  readonly #schema: string;

  constructor(client: pg.Client, schema: string) {
    this.#client = client;
    this.#schema = schema;
  }

  /** What is not as the migrations left it, and what amcheck says of the indexes where the database has it. */
  async integrity(): Promise<string[]> {
    const differences = await schemaDifferences(
      this.#client,
      this.#schema,
      readMigrations(MIGRATIONS_FOLDER),
    );
    return [
      ...differences.map(damaged),
      ...(await this.#headProblems()),
      ...(await this.#missingCheckpoints()),
      ...(await this.#brokenIndexes()),
    ];
  }

  async counts(): Promise<StoreCounts> {
    return this.#one<StoreCounts>(COUNTS);
  }

  async indexOf(payloadDigest: string): Promise<number | undefined> {
    const text = "SELECT idx FROM entries WHERE payload_digest = $1";
    const { rows } = await this.#client.query<{ idx: number }>(text, [Buffer.from(payloadDigest, "hex")]);
    return rows[0]?.idx;
  }

  async leadsTo(index: number, { digests, signers, tokens }: IndexedBy): Promise<boolean> {
    const values = [index, digests.map(digestPrefix), [...signers], [...tokens]];
    return (await this.#one<{ leads: boolean }>(LEADS_TO, values)).leads;
  }

  digestRows(digests: readonly string[]): number {
    return new Set(digests.map(digestPrefix)).size;
  }

  async attachmentDigests(): Promise<string[]> {
    const text = "SELECT encode(digest, 'hex') AS digest FROM attachments";
    return (await this.#client.query<{ digest: string }>(text)).rows.map(({ digest }) => digest);
  }

  async #headProblems(): Promise<string[]> {
    const { heads } = await this.#one<{ heads: number }>("SELECT count(*) AS heads FROM tree_head");
    return heads === 1 ? [] : [`its tree has ${heads} heads`];
  }

  async #missingCheckpoints(): Promise<string[]> {
    type Numbers = Record<"count" | "last" | "lowest" | "highest", number>;
    const { count, last, lowest, highest } = await this.#one<Numbers>(CHECKPOINTS);
    if (count === last && lowest === 1 && highest === last) return [];
    return [`${last} checkpoints were published, ${count} are stored, numbered from ${lowest} to ${highest}`];
  }

  /** An extension that only an administrator installs: CREATE EXTENSION amcheck. */
  async #brokenIndexes(): Promise<string[]> {
    const { has } = await this.#one<{ has: boolean }>(
      "SELECT to_regprocedure('public.bt_index_check(regclass,boolean)') IS NOT NULL AS has",
    );
    if (!has) return [];
    const { rows } = await this.#client.query<{ name: string }>(
      `SELECT indexrelid::regclass::text AS name FROM pg_index JOIN pg_class ON indexrelid = pg_class.oid
       WHERE relnamespace = $1::regnamespace`,
      [this.#schema],
    );
    const problems: string[] = [];
    for (const { name } of rows) {
      await this.#client.query("SAVEPOINT one");
      try {
        await this.#client.query("SELECT public.bt_index_check($1::regclass, true)", [name]);
      } catch (error) {
        problems.push(`its index ${name}: ${(error as Error).message}`);
      }
      await this.#client.query("ROLLBACK TO one");
    }
    return problems;
  }

  async #one<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row> {
    return (await this.#client.query<Row>(text, [...values])).rows[0] as Row;
  }
}
