// Witnesses of a whole log that are late, dead, or not named yet, and what the log says of them.
import { afterEach, describe, expect, it } from "vitest";
import { type Cosigner, LogBehindError, OwnCosigner } from "../../../src/log/checkpointing/cosigner.ts";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import type { LogLimits } from "../../../src/log/config.ts";
import type { Log } from "../../../src/log/log.ts";
import { fsck } from "../../../src/log/maintenance/fsck.ts";
import type { Logger } from "../../../src/log/observer.ts";
import { openSnapshot } from "../../../src/log/store/open-store.ts";
import type { TrustRoot } from "../../../src/protocol/entry/trust-root.ts";
import { authenticateCheckpoint } from "../../../src/protocol/note/cosigned-checkpoint.ts";
import { parseNote } from "../../../src/protocol/note/signed-note.ts";
import { parseTlogPolicy } from "../../../src/protocol/note/tlog-policy.ts";
import { formatTlogProof, parseTlogProof, verifyTlogProof } from "../../../src/protocol/note/tlog-proof.ts";
import { LogHarness } from "../../support/log-harness.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";
import { auditAsStranger } from "../../support/stranger.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { logKey, tlogPolicy, witnessKey } from "../../support/witnesses.ts";

const NAMES = ["w0.example", "w1.example", "w2.example"] as const;
const PATIENT = { timeout: 10_000 };
const QUICK: Partial<LogLimits> = { retryMs: 20, tickMs: 20, publishWaitMs: 1000, cosignTimeoutMs: 5000 };

let harness: LogHarness;
let log: Log;
let lines: Array<{ level: string; message: string; facts: object }> = [];

const note =
  (level: string) =>
  (facts: object, message: string): void =>
    void lines.push({ level, message, facts });
const logger: Logger = { info: note("info"), warn: note("warn"), error: note("error") };
const said = (part: string) => lines.filter(({ message }) => message.includes(part));

/** A cosigner that a test stops and lets go. */
class Held implements Cosigner {
  readonly name: string;
  readonly #cosigner: Promise<Cosigner>;
  isDead = false;
  #gate = Promise.resolve();
  release = () => {};

  constructor(name: string) {
    this.name = name;
    this.#cosigner = witnessKey(name).then((key) => new OwnCosigner(key, () => harness.clock.now));
  }

  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  async gather(...call: Parameters<Cosigner["gather"]>): Promise<readonly string[]> {
    await this.#gate;
    if (this.isDead) throw new Error("nobody there");
    return (await this.#cosigner).gather(...call);
  }
}

const policyOf = async (names: readonly string[], threshold: number) =>
  tlogPolicy(await logKey(), await Promise.all(names.map(witnessKey)), threshold);

async function begin(
  cosigners: readonly Cosigner[],
  trustRoot: Partial<TrustRoot>,
  limits: Partial<LogLimits> = {},
): Promise<void> {
  lines = [];
  harness = await LogHarness.make({
    cosigners,
    trustRoot,
    config: { limits: { ...QUICK, ...limits }, observer: { logger, measure: () => undefined } },
  });
  log = await harness.create();
}

async function successor(logPolicy: string) {
  const change = { version: 2, previous: log.registered.trustRoots[0]!.digest, logPolicy };
  const predicate = await trustRootPredicate(harness.keys, change);
  return signStatement("trust-root", predicate, harness.keys.root.slice(0, 1));
}

const logPolicy = () => log.read.inForce.trustRoots.at(-1)!.root.logPolicy;
const signaturesOf = (text: string) => parseNote(text).signatures.length;

afterEach(async () => {
  await auditAsStranger(log.read, logPolicy());
  await log.close();
  const store = await openSnapshot(harness.databaseFile);
  expect((await fsck(store, new HighWaterFile(harness.highWaterPath))).findings).toEqual([]);
  await store.close();
  harness.remove();
});

describe("a cosignature that comes after the quorum was reached", () => {
  it("is added: another note of the same size, a new row, and earlier proofs hold", async () => {
    const cosigners = NAMES.map((name) => new Held(name));
    await begin(cosigners, { logPolicy: await policyOf(NAMES, 2) });
    await expect.poll(() => signaturesOf(log.read.published()!.note), PATIENT).toBe(4);
    cosigners[2]!.hold();
    const [entry] = await signPlatforms(harness.keys, "vm", 1);
    const [outcome] = await log.publish([entry!]);
    await expect.poll(() => signaturesOf(log.read.published()!.note), PATIENT).toBe(3);
    const before = log.read.published()!;
    const proof = formatTlogProof({
      index: 1,
      proof: await log.read.proveInclusion(1),
      checkpoint: before.note,
    });
    cosigners[2]!.release();
    await expect.poll(() => signaturesOf(log.read.published()!.note), PATIENT).toBe(4);

    const after = log.read.published()!;
    expect(after.checkpoint).toEqual(before.checkpoint);
    expect(after.inForce).toBe(before.inForce);
    const { cosignatures } = await authenticateCheckpoint(after.note, parseTlogPolicy(logPolicy()));
    expect(cosignatures.map(({ name }) => name).sort()).toEqual([...NAMES]);
    const rows = await log.read.checkpointsFrom(2, 10);
    expect(rows.map((row) => row.note)).toContain(before.note);
    expect(rows.at(-1)?.note).toBe(after.note);
    await verifyTlogProof(parseTlogProof(proof), outcome!.leafHash, parseTlogPolicy(logPolicy()));
  });

  it("is there after a restart", async () => {
    const cosigners = NAMES.map((name) => new Held(name));
    await begin(cosigners, { logPolicy: await policyOf(NAMES, 1) });
    await expect.poll(() => signaturesOf(log.read.published()!.note), PATIENT).toBe(4);
    const { note: complete } = log.read.published()!;
    await log.close();
    log = await harness.open();
    expect(log.read.published()!.note).toBe(complete);
  });

  it("of an overtaken checkpoint changes nothing that is newer", async () => {
    const cosigners = NAMES.map((name) => new Held(name));
    await begin(cosigners, { logPolicy: await policyOf(NAMES, 2) });
    cosigners[2]!.hold();
    for (const entry of await signPlatforms(harness.keys, "vm", 3)) await log.publish([entry]);
    expect(log.read.published()!.checkpoint.size).toBe(4);
    cosigners[2]!.release();
    await expect.poll(() => signaturesOf(log.read.published()!.note), PATIENT).toBe(4);
    expect(log.read.published()!.checkpoint.size).toBe(4);
    const sizes = (await log.read.checkpointsFrom(0, 100)).map(({ size }) => size);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    await log.close();
    log = await harness.open();
    expect(log.read.published()!.checkpoint.size).toBe(4);
  });

  it("does not keep a log from closing, however late", async () => {
    const cosigners = NAMES.map((name) => new Held(name));
    await begin(cosigners, { logPolicy: await policyOf(NAMES, 2) }, { cosignTimeoutMs: 3_600_000 });
    cosigners[2]!.hold();
    await log.publish(await signPlatforms(harness.keys, "vm", 1));
    await log.close();
    cosigners[2]!.release();
    log = await harness.open();
    expect(log.read.published()!.checkpoint.size).toBe(2);
  });

  it("that shows a larger tree of this log stops the log", async () => {
    const [first, second, third] = NAMES.map((name) => new Held(name));
    const knowing: Cosigner = {
      name: "knowing",
      gather: async (...call) => {
        const given = await third!.gather(...call);
        if (log === undefined || call[0].checkpoint.size < 2) return given;
        throw new LogBehindError("size 9 was cosigned");
      },
    };
    await begin([first!, second!, knowing], { logPolicy: await policyOf(NAMES, 2) });
    third!.hold();
    await log.publish(await signPlatforms(harness.keys, "vm", 1));
    third!.release();
    await expect.poll(() => log.unavailable()?.code, PATIENT).toBe("log-stopped");
  });
});

describe("while the quorum is lost", () => {
  async function lose(): Promise<readonly Held[]> {
    const cosigners = NAMES.map((name) => new Held(name));
    await begin(cosigners, { logPolicy: await policyOf(NAMES.slice(0, 2), 2) }, { publishWaitMs: 50 });
    cosigners[1]!.isDead = true;
    await log.publish(await signPlatforms(harness.keys, "vm", 1));
    await expect.poll(() => said("no checkpoint could be published").length, PATIENT).toBeGreaterThan(0);
    harness.clock.now = new Date(harness.clock.now.getTime() + 61_000);
    return cosigners;
  }

  it("the trust root that removes the dead witness is taken, and the log goes on", async () => {
    await lose();
    const [entry] = await signPlatforms(harness.keys, "late", 1);
    await expect(log.publish([entry!])).rejects.toMatchObject({ code: "quorum-lost" });
    const root = await successor(await policyOf([NAMES[0], NAMES[2]], 2));
    await expect(log.publish([root, entry!])).rejects.toMatchObject({ code: "quorum-lost" });
    expect((await log.publish([root]))[0]).toMatchObject({ outcome: "new", index: 2 });
    await expect.poll(() => log.unavailable(), PATIENT).toBeNull();
    expect((await log.publish([entry!]))[0]).toMatchObject({ index: 3 });
    await expect.poll(() => log.read.published()?.checkpoint.size, PATIENT).toBe(4);
  });

  it("says which witnesses are waited for, and what is taken", async () => {
    const cosigners = await lose();
    expect(log.unavailable()?.message).toBe(
      "the quorum all-witnesses has not cosigned; missing: w1, so no entries are taken until they do, but for a trust root that names other witnesses",
    );
    cosigners[1]!.isDead = false;
    await expect.poll(() => log.unavailable(), PATIENT).toBeNull();
  });

  it("a trust root that nobody signed is refused as ever", async () => {
    const cosigners = await lose();
    const predicate = await trustRootPredicate(harness.keys, {
      version: 2,
      previous: log.registered.trustRoots[0]!.digest,
    });
    const forged = await signStatement("trust-root", predicate, [harness.keys.publisher]);
    await expect(log.publish([forged])).rejects.toMatchObject({ code: "not-authorised" });
    cosigners[1]!.isDead = false;
    await expect.poll(() => log.unavailable(), PATIENT).toBeNull();
  });
});

describe("a configured witness that the trust root does not name yet", () => {
  it("is said to be that, once for each trust root, and counts as soon as it is named", async () => {
    const cosigners = [new Held(NAMES[0]), new Held(NAMES[1])];
    await begin(cosigners, { logPolicy: await policyOf([NAMES[0]], 1) });
    for (const entry of await signPlatforms(harness.keys, "vm", 3)) await log.publish([entry]);
    const unnamed = () => said("that the trust root does not name yet");
    await expect.poll(() => unnamed().length, PATIENT).toBe(1);
    const { keyId } = (await witnessKey(NAMES[1])).verifierKey;
    expect(unnamed()[0]).toMatchObject({
      level: "info",
      facts: { cosigner: NAMES[1], keys: [`${NAMES[1]}+${keyId}`] },
    });
    expect(lines.filter(({ level }) => level !== "info")).toEqual([]);
    await log.publish([await successor(await policyOf(NAMES.slice(0, 2), 2))]);
    expect(signaturesOf(log.read.published()!.note)).toBe(3);
    expect(unnamed()).toHaveLength(1);
  });

  it("is told from one that signs with another key than the named one", async () => {
    const other: Cosigner = {
      name: NAMES[1],
      gather: async () => [`— ${NAMES[1]} ${Buffer.alloc(76, 1).toString("base64")}\n`],
    };
    await begin([new Held(NAMES[0]), other], { logPolicy: await policyOf(NAMES.slice(0, 2), 1) });
    await log.publish(await signPlatforms(harness.keys, "vm", 1));
    await expect
      .poll(() => said("with another key than the trust root names for it").length, PATIENT)
      .toBe(1);
  });
});
