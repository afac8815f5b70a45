// fsck finds every kind of damage. The database's own triggers are dropped first: they would not let a program do this, a disk would.
import { writeFileSync } from "node:fs";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import { fsck } from "../../../src/log/maintenance/fsck.ts";
import type { FsckCheck } from "../../../src/log/maintenance/fsck-finding.ts";
import { openSnapshot } from "../../../src/log/store/open-store.ts";
import { formatCheckpoint } from "../../../src/protocol/note/checkpoint.ts";
import { createNoteSigner } from "../../../src/protocol/note/key.ts";
import { signNote } from "../../../src/protocol/note/signed-note.ts";
import { policyPredicate } from "../../support/document-predicates.ts";
import { LogHarness } from "../../support/log-harness.ts";
import { sha256Of } from "../../support/release-predicates.ts";
import { inOrder, signReleaseSet } from "../../support/release-set.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";
import { logKey, ORIGIN } from "../../support/witnesses.ts";

let harness: LogHarness;

beforeEach(async () => {
  harness = await LogHarness.make({ withStatus: true });
  const log = await harness.create();
  const set = await signReleaseSet(harness.keys);
  await log.publish(inOrder(set));
  await log.publish([await signStatement("policy", policyPredicate(set), [harness.keys.policy])]);
  await log.publish(await signPlatforms(harness.keys, "vm", 300));
  await log.putAttachment(sha256Of("[]"), new TextEncoder().encode("[]"));
  await log.close();
});

afterEach(() => harness.remove());

function damage(sql: string): void {
  const database = new Sqlite(harness.databaseFile);
  const triggers = database
    .prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
    .all();
  for (const { name } of triggers) database.exec(`DROP TRIGGER ${name}`);
  database.pragma("foreign_keys = OFF");
  database.pragma("ignore_check_constraints = ON");
  database.exec(sql);
  database.close();
}

async function findings() {
  const store = await openSnapshot(harness.databaseFile);
  try {
    return await fsck(store, new HighWaterFile(harness.highWaterPath));
  } finally {
    await store.close();
  }
}

describe("fsck", () => {
  it("finds nothing in a sound log and counts what it read", async () => {
    const seen: number[] = [];
    const store = await openSnapshot(harness.databaseFile);
    const report = await fsck(store, new HighWaterFile(harness.highWaterPath), (entries) =>
      seen.push(entries),
    );
    await store.close();
    expect(report).toEqual({ entries: 310, checkpoints: 4, attachments: 1, findings: [] });
    expect(seen).toEqual([256, 310]);
  });

  const DAMAGE: Array<[what: string, sql: string, check: FsckCheck]> = [
    [
      "a changed entry",
      "UPDATE entries SET leaf = CAST(replace(CAST(leaf AS TEXT), 'e', 'f') AS BLOB) WHERE idx = 50",
      "entry",
    ],
    [
      "a flipped bit in a signature",
      'UPDATE entries SET leaf = CAST(replace(CAST(leaf AS TEXT), \'"sig":"\', \'"sig":"AAAA\') AS BLOB) WHERE idx = 50',
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
    ["a changed payload digest", "UPDATE entries SET payload_digest = zeroblob(32) WHERE idx = 60", "index"],
    ["a lost digest", "DELETE FROM entry_digests WHERE idx = 60", "index"],
    ["an invented digest", "INSERT INTO entry_digests VALUES (7, 60)", "index"],
    ["a lost signer", "DELETE FROM entry_signers WHERE idx = 60", "index"],
    ["a changed tile", "UPDATE tiles SET hashes = zeroblob(8192) WHERE level = 0 AND idx = 0", "tile"],
    ["changed inner nodes", "UPDATE tiles SET inner = zeroblob(8128) WHERE level = 0 AND idx = 0", "tile"],
    ["a lost tile", "DELETE FROM tiles WHERE level = 1", "tile"],
    ["an invented tile", "INSERT INTO tiles VALUES (3, 0, zeroblob(32), NULL)", "tile"],
    ["a tree head of another size", "UPDATE tree_head SET size = 309", "tree-head"],
    ["a tree head with another root", "UPDATE tree_head SET root = zeroblob(32)", "tree-head"],
    ["a checkpoint at another size", "UPDATE checkpoints SET size = 9 WHERE number = 2", "checkpoint"],
    ["a checkpoint beyond the tree", "UPDATE checkpoints SET size = 999 WHERE number = 2", "checkpoint"],
    [
      "a forged checkpoint",
      "UPDATE checkpoints SET note = replace(note, char(10) || '10' || char(10), char(10) || '11' || char(10))",
      "checkpoint",
    ],
    ["a changed attachment", "UPDATE attachments SET bytes = CAST('{}' AS BLOB)", "attachment"],
    ["a policy under another kind", "UPDATE entries SET kind = 'status' WHERE kind = 'policy'", "in-force"],
  ];
  for (const [what, sql, check] of DAMAGE) {
    it(`finds ${what}`, async () => {
      damage(sql);
      const report = await findings();
      expect(report.findings.map((finding) => finding.check)).toContain(check);
    });
  }

  it("finds a signature that does not verify", async () => {
    const database = new Sqlite(harness.databaseFile, { readonly: true });
    const { leaf } = database.prepare<[], { leaf: Buffer }>("SELECT leaf FROM entries WHERE idx = 50").get()!;
    database.close();
    const text = leaf.toString();
    const at = text.indexOf('"sig":"') + 10;
    const forged = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
    damage(`UPDATE entries SET leaf = x'${Buffer.from(forged).toString("hex")}' WHERE idx = 50`);
    expect((await findings()).findings.map(({ check }) => check)).toContain("signature");
  });

  it("finds that the high-water mark is ahead, of another tree, or no checkpoint", async () => {
    const signer = createNoteSigner(await logKey());
    const mark = (size: number) =>
      signNote(formatCheckpoint({ origin: ORIGIN, size, root: new Uint8Array(32) }), [signer]);
    for (const note of [await mark(400), await mark(100), null]) {
      if (note === null) writeFileSync(harness.highWaterPath, "x".repeat(8192));
      else await harness.replaceHighWater(note);
      expect((await findings()).findings.map(({ check }) => check)).toEqual(["high-water"]);
    }
  });
});
