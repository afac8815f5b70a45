// fsck finds every kind of damage. The database's own triggers are dropped first: they would not let a program do this, a disk would.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SignatureThreads } from "../../../src/log/checking/signature-threads.ts";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import { type FsckReport, fsck } from "../../../src/log/maintenance/fsck.ts";
import type { FsckCheck } from "../../../src/log/maintenance/fsck-finding.ts";
import type { LogStore } from "../../../src/log/store/log-store.ts";
import { openSnapshot } from "../../../src/log/store/open-store.ts";
import { formatCheckpoint } from "../../../src/protocol/note/checkpoint.ts";
import { createNoteSigner } from "../../../src/protocol/note/key.ts";
import { signNote } from "../../../src/protocol/note/signed-note.ts";
import { damageDatabase } from "../../support/damage-database.ts";
import { policyPredicate } from "../../support/document-predicates.ts";
import { intercept } from "../../support/intercept.ts";
import { LogHarness } from "../../support/log-harness.ts";
import { kernelPredicate, sha256Of } from "../../support/release-predicates.ts";
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
  await log.publish(await signPlatforms(harness.keys, "vm", 299));
  const kernel = kernelPredicate("attached");
  const attachment = { digest: sha256Of("[]"), size: 2, mediaType: "application/json" as const };
  const attached = { ...kernel, patches: { ...kernel.patches, inline: null, attachment } };
  await log.publish([
    await signStatement("kernel-patch-set", attached, [harness.keys.publisher]),
    new TextEncoder().encode("[]"),
  ]);
  await log.close();
});

afterEach(() => harness.remove());

/** Threads that check the entries of any log, however short. They end with the process. */
const threads = new SignatureThreads(2, 0);

const damage = (sql: string) => damageDatabase(harness.databaseFile, sql);

/** Of a checkpoint with several wrong signatures the one is named that was checked first, which is for the thread pool to say. */
const comparable = ({ findings, ...counts }: FsckReport) => ({
  ...counts,
  findings: findings.map(({ check, detail }) => (check === "checkpoint" ? { check } : { check, detail })),
});

/** On one thread and with several, which must find the same. */
async function findings() {
  const store = await openSnapshot(harness.databaseFile);
  const highWater = new HighWaterFile(harness.highWaterPath);
  try {
    const report = await fsck(store, highWater);
    expect(comparable(await fsck(store, highWater, { threads }))).toEqual(comparable(report));
    return report;
  } finally {
    await store.close();
  }
}

describe("fsck", () => {
  it("finds nothing in a sound log and counts what it read", async () => {
    const seen: number[][] = [];
    const store = await openSnapshot(harness.databaseFile);
    const onProgress = (...progress: number[]) => void seen.push(progress);
    const report = await fsck(store, new HighWaterFile(harness.highWaterPath), { onProgress });
    await store.close();
    expect(report).toEqual({ entries: 310, checkpoints: 5, attachments: 1, findings: [] });
    expect(seen).toEqual([
      [256, 310],
      [310, 310],
    ]);
  });

  it("goes on where an entry cannot be read, whichever it is, and names it", async () => {
    for (const index of [0, 1, 3, 7, 8, 9, 50, 309]) {
      const kept = `UPDATE entries SET leaf = x WHERE idx = ${index}`;
      damage(`CREATE TABLE kept AS SELECT leaf AS x FROM entries WHERE idx = ${index}`);
      damage(kept.replace("= x", "= CAST('{}' AS BLOB)"));
      const { entries, findings: found } = await findings();
      expect(entries).toBe(310);
      expect(found.map(({ detail }) => detail).join("\n")).toContain(`entry ${index}: `);
      damage(kept.replace("= x", "= (SELECT x FROM kept)"));
      damage("DROP TABLE kept");
    }
    expect((await findings()).findings).toEqual([]);
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
    ["a dropped index of names", "DROP INDEX entries_by_name", "database"],
    ["a lost digest", "DELETE FROM entry_digests WHERE idx = 60", "index"],
    ["an invented digest", "INSERT INTO entry_digests VALUES (7, 60)", "index"],
    ["a lost signer", "DELETE FROM entry_signers WHERE idx = 60", "index"],
    ["a changed tile", "UPDATE tiles SET hashes = zeroblob(8192) WHERE level = 0 AND idx = 0", "tile"],
    ["changed inner nodes", "UPDATE tiles SET inner = zeroblob(8128) WHERE level = 0 AND idx = 0", "tile"],
    ["a lost tile", "DELETE FROM tiles WHERE level = 1", "tile"],
    ["an invented tile", "INSERT INTO tiles VALUES (3, 0, zeroblob(32), NULL)", "tile"],
    ["a changed path", "UPDATE tile_paths SET hashes = zeroblob(1088) WHERE number = 7", "database"],
    ["a lost path", "DELETE FROM tile_paths WHERE number = 15", "database"],
    ["an invented path", "INSERT INTO tile_paths VALUES (16, zeroblob(1088))", "database"],
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
    ["a removed older checkpoint", "DELETE FROM checkpoints WHERE number = 2", "database"],
    ["a removed newest checkpoint", "DELETE FROM checkpoints WHERE number = 5", "database"],
    ["a checkpoint with another time", "UPDATE checkpoints SET cosigned_at = cosigned_at + 1", "checkpoint"],
    ["a renumbered checkpoint", "UPDATE checkpoints SET number = 9 WHERE number = 2", "database"],
    ["a dropped index", "DROP INDEX entries_by_kind", "database"],
    ["an index of somebody else", "CREATE INDEX other ON entries (leaf)", "database"],
    ["a tree head of another number", "UPDATE tree_head SET one = 2", "database"],
    [
      "an attachment that no entry names",
      "INSERT INTO attachments VALUES (unhex('44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'), CAST('{}' AS BLOB))",
      "attachment",
    ],
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

  it("finds a dropped trigger, view or index, in the words in which the start refuses", async () => {
    for (const type of ["trigger", "view", "index"]) {
      const database = new Sqlite(harness.databaseFile);
      const [name] = database
        .prepare<[string], string>("SELECT name FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL")
        .pluck()
        .all(type);
      database.exec(`DROP ${type} ${name}`);
      database.close();
      const message = `the log is damaged: its ${type} ${name} is missing or changed; put a backup in its place, and run 'touchstone recover --from MIRROR'`;
      expect((await findings()).findings).toContainEqual({ check: "database", detail: message });
      if (type === "trigger")
        await expect(harness.open()).rejects.toMatchObject({ code: "log-damaged", message });
    }
  });

  /** What the start refuses, fsck finds in the same words. */
  async function bothRefuse(message: RegExp): Promise<void> {
    const refusal = await harness.open().then(
      () => "it started",
      (error: Error) => error.message,
    );
    expect(refusal).toMatch(message);
    expect((await findings()).findings.map(({ detail }) => detail)).toContain(refusal);
  }

  it("finds a missing, emptied, truncated, half-damaged or old high-water file, as the start does", async () => {
    const whole = readFileSync(harness.highWaterPath);
    const put = (bytes: Uint8Array) => writeFileSync(harness.highWaterPath, bytes);
    rmSync(harness.highWaterPath);
    await bothRefuse(/high-water file is missing or holds no mark/);
    for (const empty of [new Uint8Array(0), new Uint8Array(8192)]) {
      put(empty);
      await bothRefuse(/high-water file is missing or holds no mark/);
    }
    for (const length of [1, 4096, 8191]) {
      put(whole.subarray(0, length));
      await bothRefuse(/is damaged: it has \d+ bytes, not 8192/);
    }
    for (const damaged of [
      Buffer.from(whole).fill(0, 0, 4096),
      Buffer.from(whole).fill(0, 4096),
      Buffer.from(whole).fill(1, 100, 101),
      Buffer.from(whole).fill(1, 4196, 4197),
    ]) {
      put(damaged);
      await bothRefuse(
        /its high-water file says \d+: it is damaged or an old copy|a half of the high-water file/,
      );
    }
    put(whole);
    expect((await findings()).findings).toEqual([]);
  });

  it("takes a write of the mark that a crash cut short for what it is, as the start does", async () => {
    await harness.replaceHighWater((await new HighWaterFile(harness.highWaterPath).read())!.note);
    const marked = readFileSync(harness.highWaterPath);
    let isCut = true;
    const store = (inner: LogStore) =>
      intercept(inner, {
        addCheckpoint: async (checkpoint) =>
          isCut ? Promise.reject(new Error("the machine stops")) : inner.addCheckpoint(checkpoint),
      });
    const again = await LogHarness.at(harness.folder, { store, config: { limits: { publishWaitMs: 20 } } });
    const log = await again.open();
    await log.publish(await signPlatforms(harness.keys, "late", 1));
    await log.close();
    const written = readFileSync(harness.highWaterPath);
    const slot = written.subarray(0, 4096).equals(marked.subarray(0, 4096)) ? 4096 : 0;
    writeFileSync(harness.highWaterPath, Buffer.from(written).fill(7, slot + 300, slot + 4096));
    expect((await findings()).findings).toEqual([]);
    isCut = false;
    await (await again.open()).close();
    expect(await new HighWaterFile(harness.highWaterPath).read()).toMatchObject({ isTorn: false });
    expect((await findings()).findings).toEqual([]);
  });

  it("finds what the start finds, in the same words", async () => {
    await harness.replaceHighWater(
      await signNote(formatCheckpoint({ origin: ORIGIN, size: 400, root: new Uint8Array(32) }), [
        createNoteSigner(await logKey()),
      ]),
    );
    await bothRefuse(/has signed a tree of 400 entries, the database has 310: it is an old copy/);
    damage("UPDATE tree_head SET root = zeroblob(32)");
    await bothRefuse(/its tiles do not lead to the root of its tree head/);
  });

  it("finds a page that cannot be read, and says what to do about a log beside it", async () => {
    const bytes = readFileSync(harness.databaseFile);
    writeFileSync(harness.databaseFile, bytes.fill(0xff, 4096, bytes.length));
    const refusal = await openSnapshot(harness.databaseFile).then(
      async () => (await findings()).findings.map(({ detail }) => detail).join(),
      (error: Error) => error.message,
    );
    expect(refusal).toMatch(/cannot be read.*remove what ends in -wal and -shm beside it/);
  });
});
