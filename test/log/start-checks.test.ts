// What a start refuses, and with which words; and what it repairs by itself.
import { rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HighWaterFile } from "../../src/log/checkpointing/high-water.ts";
import { createLog, openLog } from "../../src/log/open-or-create.ts";
import { formatCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { createNoteSigner } from "../../src/protocol/note/key.ts";
import { signNote } from "../../src/protocol/note/signed-note.ts";
import { damageDatabase } from "../support/damage-database.ts";
import { testKey } from "../support/keys.ts";
import { LogHarness } from "../support/log-harness.ts";
import { platformPredicate } from "../support/release-predicates.ts";
import { signPlatforms, signStatement } from "../support/signing.ts";
import { auditAsStranger } from "../support/stranger.ts";
import { trustRootPredicate } from "../support/trust-root.ts";
import { logKey, ORIGIN } from "../support/witnesses.ts";

let harness: LogHarness;

beforeEach(async () => {
  harness = await LogHarness.make();
});
afterEach(() => harness.remove());

async function fill(): Promise<void> {
  const log = await harness.create();
  await log.publish(await signPlatforms(harness.keys, "vm", 300));
  await log.close();
}

const damage = (sql: string) => damageDatabase(harness.databaseFile, sql);

const signed = async (size: number, key = logKey()) =>
  signNote(formatCheckpoint({ origin: ORIGIN, size, root: new Uint8Array(32) }), [
    createNoteSigner(await key),
  ]);

describe("creating a log", () => {
  it("makes the trust root entry 0, once", async () => {
    const log = await harness.create();
    expect(log.read.inForce.trustRoots).toHaveLength(1);
    expect(log.read.published()?.checkpoint.size).toBe(1);
    await log.close();
    await expect(harness.create()).rejects.toMatchObject({ code: "log-not-empty" });
    await (await harness.open()).close();
  });

  it("refuses a trust root that names another log key, or that nobody who may has signed, and stays empty", async () => {
    const predicate = await trustRootPredicate(harness.keys);
    const unsigned = await signStatement("trust-root", predicate, [harness.keys.publisher]);
    await expect(createLog(await harness.config(), unsigned)).rejects.toMatchObject({
      code: "not-authorised",
    });
    const stranger = await signStatement("trust-root", predicate, [await testKey("stranger")]);
    await expect(createLog(await harness.config(), stranger)).rejects.toMatchObject({
      code: "not-authorised",
    });
    const good = await signStatement("trust-root", predicate, [harness.keys.root[0]]);
    const other = { ...(await harness.config()), signer: createNoteSigner(await logKey("other.example")) };
    await expect(createLog(other, good)).rejects.toMatchObject({ code: "wrong-log-key" });
    const platform = await signStatement("platform", platformPredicate(), [harness.keys.publisher]);
    await expect(createLog(await harness.config(), platform)).rejects.toMatchObject({
      code: "signature-unknown-key",
    });
    await expect(harness.open()).rejects.toMatchObject({ code: "log-empty" });
  });
});

describe("a start", () => {
  it("serves what was there", async () => {
    await fill();
    const log = await harness.open();
    expect(log.read.published()?.checkpoint.size).toBe(301);
    await auditAsStranger(log.read, log.read.inForce.trustRoots[0]!.root.logPolicy);
    await log.close();
  });

  it("refuses another log key than the trust root's", async () => {
    await fill();
    const config = { ...(await harness.config()), signer: createNoteSigner(await logKey("other.example")) };
    await expect(openLog(config)).rejects.toMatchObject({ code: "wrong-log-key" });
  });

  it("refuses a database behind the high-water mark, naming recover", async () => {
    await fill();
    await harness.replaceHighWater(await signed(400));
    await expect(harness.open()).rejects.toMatchObject({
      code: "database-behind",
      message:
        "the log has signed a tree of 400 entries, the database has 301: it is an old copy. Run 'touchstone recover --from MIRROR' to fetch what is missing; starting without it would fork the log",
    });
  });

  it("refuses a high-water mark of another tree, by another key, or that is none", async () => {
    await fill();
    for (const note of [await signed(300), await signed(301, logKey("other.example")), null]) {
      if (note === null) writeFileSync(harness.highWaterPath, "x".repeat(8192));
      else await harness.replaceHighWater(note);
      await expect(harness.open()).rejects.toMatchObject({ code: "log-damaged" });
    }
  });

  it("refuses to do without a high-water file once it has published", async () => {
    await fill();
    rmSync(harness.highWaterPath);
    await expect(harness.open()).rejects.toMatchObject({ code: "high-water-missing" });
  });

  const DAMAGE = [
    ["a tree head that its tiles do not lead to", "UPDATE tree_head SET root = zeroblob(32)"],
    ["a missing tile at the right edge", "DELETE FROM tiles WHERE level = 0 AND idx = 1"],
    [
      "an entry beyond the tree",
      "INSERT INTO entries VALUES (301, x'00', zeroblob(32), 'platform', 'x', '1')",
    ],
    ["a missing newest entry", "DELETE FROM entries WHERE idx = 300"],
    [
      "a changed entry of the last bundle",
      "UPDATE entries SET leaf = CAST(replace(leaf, 'a', 'b') AS BLOB) WHERE idx = 280",
    ],
    [
      "a published checkpoint beyond the tree",
      "UPDATE checkpoints SET note = replace(note, char(10) || '301', char(10) || '999')",
    ],
    [
      "a published checkpoint of another tree",
      "UPDATE checkpoints SET note = replace(note, char(10) || '301', char(10) || '300')",
    ],
  ] as const;
  for (const [what, sql] of DAMAGE) {
    it(`refuses ${what}`, async () => {
      await fill();
      damage(sql);
      await expect(harness.open()).rejects.toMatchObject({ name: "StartRefusedError", code: "log-damaged" });
      // The lock is free again: fsck and recover can be run.
      await expect(harness.open()).rejects.toMatchObject({ code: "log-damaged" });
    });
  }

  it("publishes what a crash left durable but unpublished", async () => {
    await fill();
    const { note: before } = (await new HighWaterFile(harness.highWaterPath).read())!;
    damage("DELETE FROM checkpoints WHERE size > 1");
    const log = await harness.open();
    await expect.poll(() => log.read.published()?.checkpoint.size, { timeout: 10_000 }).toBe(301);
    // What is signed again is what was signed before.
    expect(log.read.published()?.note.split("\n").slice(0, 3)).toEqual(before.split("\n").slice(0, 3));
    await log.close();
  });
});

describe("closing", () => {
  it("finishes what was accepted and takes nothing new", async () => {
    const log = await harness.create();
    const entries = await signPlatforms(harness.keys, "vm", 200);
    const accepted = entries.map((entry) => log.publish([entry]));
    const closed = log.close();
    await expect(log.publish([entries[0]!])).rejects.toMatchObject({ code: "shutting-down" });
    const outcomes = (await Promise.all(accepted)).flat();
    expect(outcomes.every(({ outcome, state }) => outcome === "new" && state === "published")).toBe(true);
    await closed;
    const again = await harness.open();
    expect(again.read.published()?.checkpoint.size).toBe(201);
    await again.close();
  });

  it("refuses at once what is beyond the bound on waiting entries", async () => {
    harness = await LogHarness.make({ config: { limits: { maxPendingEntries: 10 } } });
    const log = await harness.create();
    const entries = await signPlatforms(harness.keys, "vm", 30);
    const results = await Promise.allSettled(entries.map((entry) => log.publish([entry])));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
    expect(results.filter((r) => r.status === "rejected" && r.reason.code === "queue-full")).toHaveLength(20);
    const outcomes = await log.publish(entries);
    expect(outcomes.filter(({ outcome }) => outcome === "known")).toHaveLength(10);
    await log.close();
  });
});
