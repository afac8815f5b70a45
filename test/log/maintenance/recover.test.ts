// An old backup put back is refused, and recovered from a mirror that is trusted in nothing. Every way in which the mirror can lie is refused.
import { copyFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import type { Log } from "../../../src/log/log.ts";
import { backUp } from "../../../src/log/maintenance/backup.ts";
import { fsck } from "../../../src/log/maintenance/fsck.ts";
import { type Recovered, recover } from "../../../src/log/maintenance/recover.ts";
import { openSnapshot, openStore } from "../../../src/log/store/open-store.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate } from "../../support/document-predicates.ts";
import { readMirror, writeMirror } from "../../support/fetch-mirror.ts";
import { testKey } from "../../support/keys.ts";
import { LogHarness } from "../../support/log-harness.ts";
import { kernelPredicate, sha256Of } from "../../support/release-predicates.ts";
import { inOrder, signReleaseSet } from "../../support/release-set.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";
import { auditAsStranger } from "../../support/stranger.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { logKey } from "../../support/witnesses.ts";

let harness: LogHarness;
let mirror: string;
let backup: string;
let seen: string[];

/** A log with a backup of its first days, and a mirror of all of it, which spans several bundles, trust roots and attachments. */
beforeEach(async () => {
  harness = await LogHarness.make({ withStatus: true });
  mirror = join(harness.folder, "mirror");
  backup = join(harness.folder, "backup.db");
  const log = await harness.create();
  const { keys } = harness;
  await log.publish(await signPlatforms(keys, "before", 100));
  expect((await backUp(harness.databaseFile, backup, { now: NOW })).size).toBe(102);
  await log.publish(await signPlatforms(keys, "after", 400));
  const bytes = new TextEncoder().encode("[]");
  const kernel = kernelPredicate();
  const attachment = { digest: sha256Of("[]"), size: 2, mediaType: "application/json" as const };
  const attached = { ...kernel, patches: { ...kernel.patches, inline: null, attachment } };
  await log.publish([await signStatement("kernel-patch-set", attached, [keys.publisher]), bytes]);
  const newcomer = await testKey("newcomer");
  const change = { version: 2, previous: log.read.inForce.trustRoots[0]!.digest };
  const predicate = await trustRootPredicate({ ...keys, publisher: newcomer }, change);
  await log.publish([await signStatement("trust-root", predicate, [keys.root[0]])]);
  const set = await signReleaseSet({ ...keys, publisher: newcomer }, "2.0");
  await log.publish(inOrder(set));
  await log.publish([await signStatement("policy", policyPredicate(set), [keys.policy])]);
  await writeMirror(log.read, mirror, [sha256Of("[]")]);
  seen = (await log.read.checkpointsFrom(0, 1000)).map(({ note }) => note);
  await log.close();
});

afterEach(() => harness.remove());

function putBackupBack(): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(harness.databaseFile + suffix, { force: true });
  copyFileSync(backup, harness.databaseFile);
}

async function runRecovery(fetch = readMirror(mirror)): Promise<Recovered> {
  const store = await openStore(harness.databaseFile, NOW);
  try {
    const { verifierKey } = await logKey();
    return await recover({
      store,
      highWater: new HighWaterFile(harness.highWaterPath),
      logKey: verifierKey,
      fetch,
    });
  } finally {
    await store.close();
  }
}

async function check(): Promise<Log> {
  const store = await openSnapshot(harness.databaseFile);
  const report = await fsck(store, new HighWaterFile(harness.highWaterPath));
  expect(report.findings).toEqual([]);
  await store.close();
  return harness.open();
}

/** The mirror with some of its files replaced. */
const lying =
  (change: (path: string, bytes: Uint8Array) => Uint8Array | undefined): typeof honest =>
  async (path) => {
    const bytes = await readMirror(mirror)(path);
    return bytes && change(path, bytes);
  };
const honest = readMirror("");

describe("an old backup put back", () => {
  beforeEach(putBackupBack);

  it("is refused with a message that names recover, then recovered from a mirror and served on", async () => {
    await expect(harness.open()).rejects.toMatchObject({
      name: "StartRefusedError",
      code: "database-behind",
      message: expect.stringContaining("touchstone recover"),
    });
    const recovered = await runRecovery();
    expect(recovered.added).toBe(recovered.size - 102);
    const log = await check();
    await auditAsStranger(log.read, log.read.inForce.trustRoots.at(-1)!.root.logPolicy, seen);
    expect(log.read.inForce.policies.get("production")).toBeDefined();
    expect(await log.read.attachment(sha256Of("[]"))).toBeDefined();
    const [entry] = await signPlatforms(
      { ...harness.keys, publisher: await testKey("newcomer") },
      "recovered",
      1,
    );
    expect((await log.publish([entry!]))[0]?.state).toBe("published");
    await log.close();
    expect((await runRecovery()).added).toBe(0);
  });

  it("is refused, too, where the high-water file is missing, until recover has written it anew", async () => {
    rmSync(harness.highWaterPath);
    await expect(harness.open()).rejects.toMatchObject({ code: "high-water-missing" });
    await runRecovery();
    expect(existsSync(harness.highWaterPath)).toBe(true);
    await (await check()).close();
  });

  it("goes on after a recovery that was cut short", async () => {
    let bundles = 0;
    const cut = lying((path, bytes) =>
      path.startsWith("tile/entries/") && ++bundles > 1 ? undefined : bytes,
    );
    await expect(runRecovery(cut)).rejects.toMatchObject({ code: "recover-missing" });
    await expect(harness.open()).rejects.toMatchObject({ code: "database-behind" });
    await runRecovery();
    await (await check()).close();
  });

  it("recovers everything when the database is lost whole", async () => {
    rmSync(harness.databaseFile);
    const recovered = await runRecovery();
    expect(recovered.added).toBe(recovered.size);
    await (await check()).close();
  });

  it("takes the full tiles of a mirror that dropped the partial ones", async () => {
    const full = lying((path, bytes) => (path.includes(".p/") ? undefined : bytes));
    await expect(runRecovery(full)).rejects.toMatchObject({ code: "recover-missing" });
    const widened: typeof honest = async (path) => (path.includes(".p/") ? undefined : widen(path));
    await runRecovery(widened);
    await (await check()).close();
  });
});

/** Answers a full tile or bundle with what the partial one begins with. */
async function widen(path: string): Promise<Uint8Array | undefined> {
  const bytes = await readMirror(mirror)(path);
  if (bytes !== undefined || !path.startsWith("tile/")) return bytes;
  const widths = Array.from({ length: 255 }, (_, i) => `${path}.p/${255 - i}`).map((name) =>
    join(mirror, name),
  );
  const partial = new Uint8Array(readFileSync(widths.find((name) => existsSync(name))!));
  if (!path.startsWith("tile/entries/"))
    return Buffer.concat([partial, new Uint8Array(8192 - partial.length)]);
  const width = Number(widths.find((name) => existsSync(name))!.split(".p/")[1]);
  return Buffer.concat([partial, ...Array.from({ length: 256 - width }, () => Uint8Array.of(0, 1, 65))]);
}

describe("a mirror that lies", () => {
  beforeEach(putBackupBack);

  const flip = (bytes: Uint8Array, at: number) => bytes.with(at, bytes[at]! ^ 1);

  it("with a forged checkpoint is refused", async () => {
    const forged = lying((path, bytes) =>
      path === "checkpoint" ? Buffer.from(Buffer.from(bytes).toString().replace("\n5", "\n6")) : bytes,
    );
    await expect(runRecovery(forged)).rejects.toMatchObject({ name: "VerificationError" });
  });

  it("with a changed hash is refused before anything is written", async () => {
    const fork = lying((path, bytes) => (path === "tile/0/000" ? flip(bytes, 32 * 150) : bytes));
    await expect(runRecovery(fork)).rejects.toMatchObject({ code: "recover-fork" });
    const short = lying((path, bytes) => (path === "tile/0/001" ? bytes.subarray(0, 100) : bytes));
    await expect(runRecovery(short)).rejects.toMatchObject({ code: "recover-tile" });
    const store = await openSnapshot(harness.databaseFile);
    expect((await store.head()).size).toBe(102);
    await store.close();
  });

  it("with a changed entry, a missing bundle or another attachment is refused", async () => {
    const entry = lying((path, bytes) => (path === "tile/entries/001" ? flip(bytes, 700) : bytes));
    await expect(runRecovery(entry)).rejects.toMatchObject({ code: "recover-entry" });
    const missing = lying((path, bytes) => (path.startsWith("tile/entries/001") ? undefined : bytes));
    await expect(runRecovery(missing)).rejects.toMatchObject({ code: "recover-missing" });
    const attachment = lying((path, bytes) => (path.startsWith("v1/") ? flip(bytes, 0) : bytes));
    await expect(runRecovery(attachment)).rejects.toMatchObject({ code: "recover-attachment" });
  });

  it("or that is behind the high-water mark itself cannot help", async () => {
    const early = join(harness.folder, "early");
    const fresh = await LogHarness.make({ withStatus: true });
    copyFileSync(backup, fresh.databaseFile);
    await fresh.replaceHighWater(seen.find((note) => note.split("\n")[1] === "102")!);
    const log = await fresh.open();
    await writeMirror(log.read, early);
    await log.close();
    fresh.remove();
    await expect(runRecovery(readMirror(early))).rejects.toMatchObject({ code: "database-behind" });
  });
});

describe("a backup", () => {
  it("is a whole log of its own, without the high-water mark, and overwrites nothing", async () => {
    const store = await openSnapshot(backup);
    const report = await fsck(store, null);
    expect(report).toMatchObject({ entries: 102, findings: [] });
    await store.close();
    await expect(backUp(harness.databaseFile, backup, { now: NOW })).rejects.toThrow("exists");
  });
});
