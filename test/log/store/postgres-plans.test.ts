// No statement of the store walks the log in PostgreSQL: the plan that it chooses for each of them at 100,000 entries, and the rows that a
// search looks at, whatever is searched for. The planner is told nothing of the tables, and everything.
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestPrefix } from "../../../src/log/store/digest-prefix.ts";
import type { SearchQuery } from "../../../src/log/store/log-store.ts";
import { prepareSchema } from "../../../src/log/store/postgres/open.ts";
import { READING_SETTINGS } from "../../../src/log/store/postgres/pool.ts";
import { PostgresReader } from "../../../src/log/store/postgres/postgres-reader.ts";
import { askSession, connect, destroy } from "../../../src/log/store/postgres/session.ts";
import { STATEMENTS, statementsIn } from "../../../src/log/store/postgres/statements.ts";
import { TestPostgres, whyNoPostgres } from "../../support/postgres.ts";
import { sha256Of } from "../../support/release-predicates.ts";

const ENTRIES = 100_000;
/** A search may go over its bound of 1000 by the last entry that it looks at. */
const BOUND = 1020;
const [common, rare] = [sha256Of("common"), sha256Of("rare")];

/** Platforms and policies take turns; the last platform and the first entries are of rare kinds, names and keys. */
const ROWS: Readonly<Record<string, string>> = {
  entries: `i, convert_to('{"payload":"e30="}', 'UTF8'), sha256(i::text::bytea),
    CASE WHEN i = 3 THEN 'trust-root' WHEN i % 2 = 0 THEN 'platform' ELSE 'policy' END,
    CASE WHEN i = 5 THEN 'rare' WHEN i % 2 = 0 THEN 'even' ELSE 'odd' END,
    CASE WHEN i = 5 THEN '1' ELSE '1.' || i / 2 END`,
  entry_signers: `decode(CASE WHEN i = 7 THEN '${rare}' WHEN i % 2 = 1 THEN '${common}' ELSE repeat('00', 32) END, 'hex'), i`,
  entry_digests: `${digestPrefix(common)}, i`,
  entry_tokens: "sha256(i::text::bytea), i",
  tiles: "0, i, sha256(i::text::bytea)",
  checkpoints: "i + 1, i + 1, i + 1, 'note'",
  attachments: "sha256(i::text::bytea), '\\x00'",
};

/** What writes is one statement of the database's own functions, which name their rows; fences and locks touch one row. */
const READS = Object.values(STATEMENTS).filter(
  ({ name, text }) =>
    /FROM (?:@(?:entries|tiles|tree_head|checkpoints|attachments)|unnest)/.test(text) && name !== "search",
);
/** PostgreSQL compiles a statement that it takes to be dearer (jit_above_cost), which takes it tens of milliseconds each time. */
const COMPILED_ABOVE = 100_000;

describe.skipIf(whyNoPostgres !== undefined)(
  `reading 100,000 entries in PostgreSQL${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  () => {
    let postgres: TestPostgres;
    let client: pg.Client;
    let reader: PostgresReader;
    let within: ReturnType<typeof statementsIn>;
    const rowsRead = async () => {
      const { rows } = await client.query<{ whole: number; stepped: number }>(
        `SELECT sum(seq_tup_read)::integer AS whole, sum(idx_scan)::integer AS stepped FROM pg_stat_xact_user_tables`,
      );
      return rows[0]!;
    };

    beforeAll(async () => {
      postgres = TestPostgres.start("fsync = off", "autovacuum = off");
      const location = postgres.location();
      await prepareSchema(location);
      within = statementsIn(location.schema);
      for (const [table, values] of Object.entries(ROWS))
        postgres.sql(
          `INSERT INTO ${table} SELECT ${values} FROM generate_series(0, ${ENTRIES - 1}) AS i`,
          location.schema,
        );
      client = await connect(location.url, location, { name: "plans", settings: READING_SETTINGS });
      reader = new PostgresReader(
        { ask: (statement, values = []) => askSession(client, within(statement), values) },
        { changed: async () => undefined },
      );
    }, 120_000);
    afterAll(() => {
      destroy(client);
      postgres.remove();
    });

    it.each(["as a log is served", "after ANALYZE"])("no statement walks the log, %s", async (when) => {
      if (when === "after ANALYZE") await client.query("SET default_transaction_read_only = off; ANALYZE");
      expect(READS.length).toBeGreaterThan(11);
      await client.query("SET plan_cache_mode = force_generic_plan");
      for (const { name, text } of READS.map(within)) {
        await client.query(`DEALLOCATE ALL; PREPARE asked AS ${text}`);
        const parameters = new Set(text.match(/\$\d+/g)).size;
        const nulls = Array<string>(parameters).fill("NULL").join(", ");
        const plan = await client.query<{ "QUERY PLAN": string }>(
          `EXPLAIN EXECUTE asked${parameters > 0 ? `(${nulls})` : ""}`,
        );
        const lines = plan.rows.map((row) => row["QUERY PLAN"]);
        const [, cost] = /cost=[\d.]+\.\.([\d.]+)/.exec(lines[0] ?? "") ?? [];
        expect(Number(cost), name).toBeLessThan(COMPILED_ABOVE);
        for (const [i, line] of lines.entries()) {
          expect(line, name).not.toMatch(/Seq Scan/);
          // The newest checkpoint is the first of an index that is read from its end.
          const isWalk = /Index (?:Only )?Scan/.test(line) && !/Index Cond/.test(lines[i + 1] ?? "");
          if (isWalk)
            expect([name, line], lines.join("\n")).toEqual([
              name,
              expect.stringMatching(/Backward using checkpoints_pkey/),
            ]);
        }
      }
      await client.query("SET plan_cache_mode = auto; DEALLOCATE ALL");
    });

    const QUERIES: Array<[what: string, query: Partial<SearchQuery>, finds: number[] | null]> = [
      ["everything", {}, null],
      ["version and kind, of which none meet", { version: "1.7", kind: "trust-root" }, []],
      ["a version in every kind", { version: "1.7" }, [15, 14]],
      ["name and version", { name: "rare", version: "1" }, [5]],
      ["name and version, of which none meet", { name: "even", version: "1" }, []],
      ["publisher and a rare kind", { publisher: common, kind: "trust-root" }, [3]],
      ["kind and a rare name", { kind: "policy", name: "rare" }, [5]],
      ["a rare publisher and a kind", { publisher: rare, kind: "policy" }, [7]],
      ["a kind and a name that are common and never meet", { kind: "platform", name: "odd" }, null],
      [
        "a publisher and a kind that are common and never meet",
        { publisher: common, kind: "platform" },
        null,
      ],
      ["a digest of which every entry has the beginning, and none the rest", { digest: common }, null],
    ];

    it.each(QUERIES)("a search for %s looks at a bounded number of rows", async (_, query, finds) => {
      await client.query("BEGIN");
      const before = await rowsRead();
      const page = await reader.search({ ...query, before: ENTRIES, limit: 100 });
      const after = await rowsRead();
      await client.query("COMMIT");
      expect(page.examined).toBeLessThanOrEqual(BOUND);
      expect(after.whole - before.whole).toBe(0);
      expect(after.stepped - before.stepped).toBeLessThanOrEqual(BOUND);
      // What is rare is found, or not, at once; what never meets goes on behind the cursor.
      if (finds === null) expect(page.next).toBeGreaterThan(0);
      else expect([page.indexes, page.next]).toEqual([finds, null]);
    });
  },
);
