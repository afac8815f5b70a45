// fsck and the start find damage in PostgreSQL as they do in a file. The database's own triggers are passed over first: they would not let
// a program do this, a disk or an administrator would.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import { StartRefusedError } from "../../../src/log/errors.ts";
import { copyLog } from "../../../src/log/maintenance/copy-log.ts";
import { fsck } from "../../../src/log/maintenance/fsck.ts";
import type { FsckCheck } from "../../../src/log/maintenance/fsck-finding.ts";
import { loadLog } from "../../../src/log/start-checks.ts";
import { openSnapshot, openStore } from "../../../src/log/store/open-store.ts";
import type { PostgresLocation } from "../../../src/log/store/store-location.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate } from "../../support/document-predicates.ts";
import { LogHarness } from "../../support/log-harness.ts";
import { TestPostgres, whyNoPostgres } from "../../support/postgres.ts";
import { kernelPredicate, sha256Of } from "../../support/release-predicates.ts";
import { inOrder, signReleaseSet } from "../../support/release-set.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";

const ZEROS = "decode(repeat('00', 32), 'hex')";
const DAMAGE: Array<[what: string, sql: string, check: FsckCheck]> = [
  [
    "a changed entry",
    "UPDATE entries SET leaf = set_byte(leaf, 100, get_byte(leaf, 100) # 1) WHERE idx = 50",
    "entry",
  ],
  [
    "an entry swapped for another",
    "UPDATE entries SET leaf = (SELECT leaf FROM entries WHERE idx = 51) WHERE idx = 50",
    "entry",
  ],
  ["a lost entry at the end", "DELETE FROM entries WHERE idx = 309", "tree-head"],
  ["a gap", "DELETE FROM entries WHERE idx = 100", "entry"],
  ["a changed name", "UPDATE entries SET name = 'other' WHERE idx = 60", "index"],
  ["a changed payload digest", `UPDATE entries SET payload_digest = ${ZEROS} WHERE idx = 60`, "index"],
  ["a lost digest", "DELETE FROM entry_digests WHERE idx = 60", "index"],
  ["an invented digest", "INSERT INTO entry_digests VALUES (7, 60)", "index"],
  ["a lost signer", "DELETE FROM entry_signers WHERE idx = 60", "index"],
  ["an invented token", `INSERT INTO entry_tokens VALUES (${ZEROS}, 60)`, "index"],
  [
    "a changed tile",
    "UPDATE tiles SET hashes = set_byte(hashes, 32, get_byte(hashes, 32) # 1) WHERE level = 0 AND idx = 0",
    "tile",
  ],
  [
    "changed inner nodes",
    "UPDATE tiles SET inner_nodes = set_byte(inner_nodes, 0, get_byte(inner_nodes, 0) # 1) WHERE level = 0 AND idx = 0",
    "tile",
  ],
  ["a lost tile", "DELETE FROM tiles WHERE level = 1", "tile"],
  ["an invented tile", `INSERT INTO tiles VALUES (3, 0, ${ZEROS}, NULL)`, "tile"],
  ["a tree head of another size", "UPDATE tree_head SET size = 309", "tree-head"],
  ["a tree head with another root", `UPDATE tree_head SET root = ${ZEROS}`, "tree-head"],
  ["a checkpoint beyond the tree", "UPDATE checkpoints SET size = 999 WHERE number = 2", "checkpoint"],
  ["a checkpoint with another time", "UPDATE checkpoints SET cosigned_at = cosigned_at + 1", "checkpoint"],
  ["a removed checkpoint", "DELETE FROM checkpoints WHERE number = 5", "database"],
  ["a renumbered checkpoint", "UPDATE checkpoints SET number = 9 WHERE number = 2", "database"],
  ["a changed attachment", "UPDATE attachments SET bytes = '\\x7b7d'", "attachment"],
  [
    "an attachment that no entry names",
    "INSERT INTO attachments VALUES (sha256('\\x7b7d'), '\\x7b7d')",
    "attachment",
  ],
  ["a dropped index", "DROP INDEX entries_by_kind", "database"],
  ["a trigger that is off", "ALTER TABLE entries DISABLE TRIGGER entries_in_order", "database"],
  [
    "a trigger of somebody else",
    "CREATE TRIGGER other BEFORE INSERT ON entries EXECUTE FUNCTION refuse('x')",
    "database",
  ],
  ["a policy under another kind", "UPDATE entries SET kind = 'status' WHERE kind = 'policy'", "in-force"],
];

describe.skipIf(whyNoPostgres !== undefined)(
  `fsck of a log on PostgreSQL${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  () => {
    let harness: LogHarness;
    let postgres: TestPostgres;
    let sound: PostgresLocation;
    let copies = 0;
    const mark = () => new HighWaterFile(harness.highWaterPath);

    /** A copy of the whole database, damaged. */
    function damaged(sql: string): PostgresLocation {
      const name = `copy_${++copies}`;
      postgres.sql(`CREATE DATABASE ${name} TEMPLATE postgres`);
      postgres.sql(`SET session_replication_role = replica; ${sql}`, sound.schema, name);
      return { ...sound, url: sound.url.replace("/postgres?", `/${name}?`) };
    }
    async function findingsIn(location: PostgresLocation) {
      const store = await openSnapshot(location);
      const { findings } = await fsck(store, mark());
      await store.close();
      return findings;
    }

    beforeAll(async () => {
      harness = await LogHarness.make({ withStatus: true });
      const log = await harness.create();
      const set = await signReleaseSet(harness.keys);
      await log.publish(inOrder(set));
      await log.publish([await signStatement("policy", policyPredicate(set), [harness.keys.policy])]);
      await log.publish(await signPlatforms(harness.keys, "vm", 299));
      const kernel = kernelPredicate("attached");
      const attachment = { digest: sha256Of("[]"), size: 2, mediaType: "application/json" as const };
      const attached = { ...kernel, patches: { ...kernel.patches, inline: null, attachment } };
      const envelope = await signStatement("kernel-patch-set", attached, [harness.keys.publisher]);
      await log.publish([envelope, new TextEncoder().encode("[]")]);
      await log.close();
      postgres = TestPostgres.start("fsync = on");
      sound = postgres.location();
      const file = await openSnapshot(harness.databaseFile);
      const store = await openStore(sound, NOW);
      await copyLog(file, store);
      await store.close();
      await file.close();
    });
    afterAll(() => {
      postgres.remove();
      harness.remove();
    });

    it("finds nothing in a sound log and counts what it read", async () => {
      const store = await openSnapshot(sound);
      expect(await fsck(store, mark())).toEqual({
        entries: 310,
        checkpoints: 5,
        attachments: 1,
        findings: [],
      });
      await store.close();
    });

    it.each(DAMAGE)("finds %s", async (_, sql, check) => {
      const checks = (await findingsIn(damaged(sql))).map((finding) => finding.check);
      expect(checks).toContain(check);
    });

    it.each([
      ["a lost entry at the end", "DELETE FROM entries WHERE idx = 309", "log-damaged"],
      ["a tree head with another root", `UPDATE tree_head SET root = ${ZEROS}`, "log-damaged"],
      ["a lost tile", "DELETE FROM tiles WHERE level = 1", "log-damaged"],
      [
        "an old copy",
        "DELETE FROM checkpoints; DELETE FROM entries WHERE idx > 9; DELETE FROM tiles; UPDATE tree_head SET size = 0, root = sha256('')",
        "log-damaged",
      ],
    ])("the start refuses %s, as fsck does", async (_, sql, code) => {
      const location = damaged(sql);
      const store = await openStore(location, NOW);
      const refusal = await loadLog(store, mark()).catch((error: unknown) => error);
      await store.close();
      expect(refusal).toBeInstanceOf(StartRefusedError);
      expect(refusal).toMatchObject({ code });
      const findings = await findingsIn(location);
      expect(findings.map(({ detail }) => detail)).toContain((refusal as Error).message);
    });

    it("a database that was put back is behind what the log has signed", async () => {
      const location = damaged(
        "DELETE FROM checkpoints; DELETE FROM entries; DELETE FROM tiles; UPDATE tree_head SET size = 0, root = sha256('')",
      );
      const store = await openStore(location, NOW);
      await expect(loadLog(store, mark())).rejects.toMatchObject({ code: "database-behind" });
      await store.close();
    });
  },
);
