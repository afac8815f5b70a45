// Whatever is searched for, and however many entries there are, one search looks at a bounded number of rows: counted, at 100,000
// entries of which the conditions are chosen so that each is common and none meet.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digestPrefix } from "../../../src/log/store/digest-prefix.ts";
import type { SearchQuery } from "../../../src/log/store/log-store.ts";
import { openForWriting } from "../../../src/log/store/sqlite/open.ts";
import { MAX_EXAMINED } from "../../../src/log/store/sqlite/search.ts";
import { SqliteReader } from "../../../src/log/store/sqlite/sqlite-reader.ts";
import { NOW } from "../../support/clock.ts";
import { sha256Of } from "../../support/release-predicates.ts";

const ENTRIES = 100_000;
/** A search may go over the bound by the last entry that it looks at. */
const BOUND = MAX_EXAMINED + 20;

let folder: string;
let store: SqliteReader;
const common = sha256Of("common");
const rare = sha256Of("rare");

/** Platforms and policies take turns; the last platform and the first entries are of rare kinds, names and keys. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-search-"));
  store = new SqliteReader(openForWriting(join(folder, "log.db"), { now: NOW }));
  const { database } = store;
  database.pragma("synchronous = OFF");
  const numbers = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${ENTRIES})`;
  const leaf = Buffer.from(JSON.stringify({ payload: Buffer.from("{}").toString("base64") })).toString("hex");
  database.transaction(() => {
    database.exec(`${numbers}
      INSERT INTO entries SELECT i, x'${leaf}', CAST(printf('%032d', i) AS BLOB),
        CASE WHEN i = 3 THEN 'trust-root' WHEN i % 2 = 0 THEN 'platform' ELSE 'policy' END,
        CASE WHEN i = 5 THEN 'rare' WHEN i % 2 = 0 THEN 'even' ELSE 'odd' END,
        CASE WHEN i = 5 THEN '1' ELSE printf('1.%d', i / 2) END FROM n`);
    database.exec(`${numbers}
      INSERT INTO entry_signers SELECT CASE WHEN i = 7 THEN x'${rare}' ELSE x'${common}' END, i FROM n WHERE i % 2 = 1`);
    database.exec(`${numbers} INSERT INTO entry_digests SELECT ${digestPrefix(common)}, i FROM n`);
  })();
}, 120_000);
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const QUERIES: Array<[what: string, query: Partial<SearchQuery>, finds: number[] | null]> = [
  ["everything", {}, null],
  ["version and kind, of which none meet", { version: "1.7", kind: "trust-root" }, []],
  ["name and version", { name: "rare", version: "1" }, [5]],
  ["name and version, of which none meet", { name: "even", version: "1" }, []],
  ["publisher and a rare kind", { publisher: common, kind: "trust-root" }, [3]],
  ["kind and a rare name", { kind: "policy", name: "rare" }, [5]],
  ["a rare publisher and a kind", { publisher: rare, kind: "policy" }, [7]],
  ["a kind and a name that are common and never meet", { kind: "platform", name: "odd" }, null],
  ["a publisher and a kind that are common and never meet", { publisher: common, kind: "platform" }, null],
  ["a publisher, kind and name that never meet", { publisher: common, kind: "policy", name: "even" }, null],
  ["a digest of which every entry has the beginning, and none the rest", { digest: common }, null],
];

test.each(QUERIES)("a search for %s looks at a bounded number of rows", async (_, query, finds) => {
  const page = await store.search({ ...query, before: ENTRIES, limit: 100 });
  expect(page.examined).toBeLessThanOrEqual(BOUND);
  // What is rare is found, or not, at once; what never meets goes on behind the cursor.
  if (finds === null) expect(page.next).toBeGreaterThan(0);
  else expect([page.indexes, page.next]).toEqual([finds, null]);
});

test("an empty page with a cursor leads on: every page is bounded, and the last one ends it", async () => {
  let pages = 0;
  let examined = 0;
  for (let before: number | null = 20_000; before !== null; pages++) {
    const page = await store.search({ kind: "platform", name: "odd", before, limit: 100 });
    expect([page.indexes.length, page.examined <= BOUND]).toEqual([0, true]);
    expect(page.next ?? -1).toBeLessThan(before);
    examined += page.examined;
    before = page.next;
  }
  expect(pages).toBeLessThan(60);
  expect(examined).toBeLessThan(50_000);
});
