// What a log does with entries that are published by an identity: the time that it sets, what it remembers over a restart, what survives a
// recovery, and what its page checks.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSource } from "../../src/auditor/log-source.ts";
import { type Cosigner, OwnCosigner } from "../../src/log/checkpointing/cosigner.ts";
import { HighWaterFile } from "../../src/log/checkpointing/high-water.ts";
import { fsck } from "../../src/log/maintenance/fsck.ts";
import { recover } from "../../src/log/maintenance/recover.ts";
import { readStoredLog } from "../../src/log/maintenance/stored-log.ts";
import { openSnapshot, openStore } from "../../src/log/store/open-store.ts";
import { CopyTarget } from "../../src/mirror/copy-target.ts";
import { mirrorLog } from "../../src/mirror/mirror.ts";
import { FolderStore } from "../../src/node/objects/folder-store.ts";
import { type Envelope, envelopeToJson, parseLeaf, recordAt } from "../../src/protocol/envelope/dsse.ts";
import { checkEntry } from "../../src/service/pages/scripts/entry-proof.ts";
import { NOW } from "../support/clock.ts";
import { identityKeysPredicate, identityRoles } from "../support/identity-log.ts";
import { testKeys } from "../support/keys.ts";
import { FakeProvider } from "../support/provider.ts";
import { platformPredicate } from "../support/release-predicates.ts";
import { problemOf, refusalOf, ServiceHarness } from "../support/service-harness.ts";
import { signPlatforms, signStatement } from "../support/signing.ts";
import { logKey, witnessKey } from "../support/witnesses.ts";

const provider = await FakeProvider.create();
let service: ServiceHarness;
let isCosigning: boolean;

beforeEach(async () => {
  isCosigning = true;
  const own = new OwnCosigner(await witnessKey("own.example"), () => service.logHarness.clock.now);
  const cosigner: Cosigner = {
    name: own.name,
    gather: (request) => (isCosigning ? own.gather(request) : Promise.reject(new Error("no answer"))),
  };
  service = await ServiceHarness.start({
    cosigners: [cosigner],
    trustRoot: await identityRoles(await testKeys()),
    logLimits: { publishWaitMs: 500, retryMs: 20 },
  });
  const keys = identityKeysPredicate([provider]);
  await service.log.publish([await signStatement("identity-keys", keys, service.keys.root)]);
});
afterEach(() => service.stop());

const platform = (name: string, change: Parameters<FakeProvider["signStatement"]>[2] = {}) =>
  provider.signStatement("platform", platformPredicate(name), change);
const moveClock = (ms: number) => {
  service.logHarness.clock.now = new Date(NOW.getTime() + ms);
};
async function indexOf({ payloadDigest }: Envelope): Promise<number> {
  return (await service.log.read.findByDigest(payloadDigest))?.index ?? -1;
}
async function recordedAt(envelope: Envelope): Promise<string | null> {
  const { leaf } = (await service.log.publish([envelope]))[0]!;
  return parseLeaf(leaf).recordedAt;
}

describe("the time of an entry", () => {
  it("is the log's, to the second, and goes into the leaf that is answered, one by one and in batches", async () => {
    moveClock(1999);
    const one = await service.publish(await platform("one"));
    const answer = (await one.json()) as { envelope: { recordedAt: string } };
    expect([one.status, answer.envelope.recordedAt]).toEqual([201, "2026-11-23T12:00:01Z"]);
    const batch = await service.publishBatch([await platform("two"), await platform("three")]);
    const lines = (await batch.text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as typeof answer);
    expect(lines.map(({ envelope }) => envelope.recordedAt)).toEqual(Array(2).fill("2026-11-23T12:00:01Z"));
  });

  it("goes on with the clock", async () => {
    moveClock(1000);
    expect(await recordedAt(await platform("one"))).toBe("2026-11-23T12:00:01Z");
    moveClock(90_000);
    expect(await recordedAt(await platform("two"))).toBe("2026-11-23T12:01:30Z");
  });

  it("is not a client's to set", async () => {
    const sent = recordAt(await platform("one"), "2026-11-23T12:00:00Z");
    expect(await problemOf(await service.publish(sent))).toMatchObject({
      status: 422,
      code: "invalid-entry",
      pointer: "/recordedAt",
    });
    const [signed] = (await signPlatforms(service.keys, "vm", 1)) as [Envelope];
    const odd = { ...envelopeToJson(signed), recordedAt: "2026-11-23T12:00:00Z" };
    expect(await refusalOf(await service.post(JSON.stringify(odd)))).toBe("422 invalid-entry");
  });

  it("never goes back, also where the clock does and after a restart", async () => {
    moveClock(60_000);
    expect(await recordedAt(await platform("one"))).toBe("2026-11-23T12:01:00Z");
    moveClock(30_000);
    expect(await recordedAt(await platform("two"))).toBe("2026-11-23T12:01:00Z");
    await service.log.close();
    const again = await service.logHarness.open();
    const { leaf } = (await again.publish([await platform("three")]))[0]!;
    expect(parseLeaf(leaf).recordedAt).toBe("2026-11-23T12:01:00Z");
    await again.close();
  });

  it("is no part of an entry without an identity, whose bytes are as they were sent", async () => {
    const [signed] = (await signPlatforms(service.keys, "vm", 1)) as [Envelope];
    const { leaf } = (await service.log.publish([signed]))[0]!;
    expect(leaf).toEqual(signed.leaf);
  });
});

it("the same payload again is answered with the entry that is there, by whatever token", async () => {
  const [first, again] = [await platform("one"), await platform("one")];
  const { leaf } = (await service.log.publish([first]))[0]!;
  moveClock(600_000);
  for (const envelope of [first, again]) {
    const [outcome] = await service.log.publish([envelope]);
    expect([outcome!.outcome, Uint8Array.from(outcome!.leaf)]).toEqual(["known", leaf]);
  }
});

it("a token is used once, also over a restart and within a batch", async () => {
  const claims = { jti: "once" };
  const [one, two] = [await platform("one", { claims }), await platform("two", { claims })];
  expect(await refusalOf(await service.publishBatch([one, two]))).toBe("409 token-used");
  expect((await service.publish(one)).status).toBe(201);
  expect(await refusalOf(await service.publish(two))).toBe("409 token-used");
  await service.log.close();
  const again = await service.logHarness.open();
  await expect(again.publish([two])).rejects.toMatchObject({ code: "token-used" });
  await again.close();
});

it("keys of a provider count for what comes after them in the same batch", async () => {
  const rotated = await FakeProvider.create("kid-2");
  const [newest] = service.log.registered.identityKeys;
  const next = identityKeysPredicate([rotated], { version: 2, previous: newest!.digest });
  const keys = await signStatement("identity-keys", next, service.keys.root);
  const entry = await rotated.signStatement("platform", platformPredicate("rotated"));
  expect(await refusalOf(await service.publishBatch([entry, keys]))).toBe("401 token-invalid");
  expect((await service.publishBatch([keys, entry])).status).toBe(201);
});

it("while the quorum is lost, nothing gets an index that could be confirmed too late", async () => {
  isCosigning = false;
  expect((await service.publish(await platform("durable"))).status).toBe(202);
  moveClock(61_000);
  const { size } = service.log.registered;
  expect(await refusalOf(await service.publish(await platform("refused")))).toBe("503 quorum-lost");
  expect(service.log.registered.size).toBe(size);
});

it("an entry that was cosigned too late is shown as such, and is no damage", async () => {
  isCosigning = false;
  const envelope = await platform("late");
  expect((await service.publish(envelope)).status).toBe(202);
  moveClock(301_000);
  isCosigning = true;
  await expect.poll(async () => (await service.publish(envelope)).status).toBe(200);
  const page = await (await service.get(`/entries/${await indexOf(envelope)}`)).text();
  expect(page).toContain("Unconfirmed.");
  await service.log.close();
  const store = await openSnapshot(service.logHarness.databaseFile);
  const mark = new HighWaterFile(service.logHarness.highWaterPath);
  expect((await fsck(store, mark)).findings).toEqual([]);
  await store.close();
});

it("a recovery from a mirror keeps what confirms an entry", async () => {
  const { logHarness } = service;
  const [{ index } = { index: -1 }] = await service.log.publish([await platform("one")]);
  moveClock(3_600_000);
  await service.log.publish(await signPlatforms(service.keys, "later", 3));
  const folder = join(logHarness.folder, "mirror");
  const store = await openSnapshot(logHarness.databaseFile);
  await mirrorLog({
    read: readStoredLog(store),
    target: new CopyTarget(new FolderStore(folder)),
    trust: null,
    now: logHarness.clock.now,
  });
  const before = await store.firstCheckpointCovering(index + 1);
  await store.close();
  expect(existsSync(join(folder, `v1/confirmations/${index}`))).toBe(true);
  await service.log.close();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(logHarness.databaseFile + suffix, { force: true });
  const lost = await openStore(logHarness.databaseFile, NOW);
  await recover({
    store: lost,
    highWater: new HighWaterFile(logHarness.highWaterPath),
    logKey: (await logKey()).verifierKey,
    fetch: openSource(folder, { fetch }),
  });
  expect((await lost.firstCheckpointCovering(index + 1))?.note).toBe(before?.note);
  await lost.close();
  const recovered = await openSnapshot(logHarness.databaseFile);
  expect((await fsck(recovered, new HighWaterFile(logHarness.highWaterPath))).findings).toEqual([]);
  await recovered.close();
  const again = await logHarness.open();
  expect(again.read.inForce.recordedAt).toBe("2026-11-23T12:00:00Z");
  await again.close();
});

describe("the page's check of an entry", () => {
  let index: number;
  const check = async (change: (path: string) => string | undefined = () => undefined) => {
    const found: string[] = [];
    const fetchPath = async (path: string, accept = "application/json") => {
      const response = await service.get(`/${change(path) ?? path}`, { accept });
      if (!response.ok) throw new Error(`${path} answered ${response.status}`);
      return new Uint8Array(await response.arrayBuffer());
    };
    const progress = {
      begin: () => undefined,
      path: () => undefined,
      done: (step: { found: readonly string[] }) => found.push(...step.found),
    };
    const { digest } = service.log.read.inForce.trustRoots[0]!;
    await checkEntry(index, { version: 1, digest }, fetchPath, NOW, progress);
    return found.join("\n");
  };

  it("verifies the token by the provider's keys in the log, and when the entry was there", async () => {
    index = (await service.log.publish([await platform("one")]))[0]!.index;
    const status = () => service.log.read.inForce.status?.index ?? 0;
    await expect.poll(status).toBeGreaterThan(0);
    expect(await check()).toContain("valid signature by identity acme-release");
    await expect(
      check((path) => (path.startsWith("v1/confirmations/") ? "nothing" : undefined)),
    ).rejects.toThrow(`v1/confirmations/${index} answered 404`);
    const noKeys = (path: string) =>
      path.includes("kind=identity-keys") ? path.replace("identity-keys", "gpu-rim") : undefined;
    await expect(check(noKeys)).rejects.toThrow("has no RS256 key");
  });
});
