// A log that signs with ML-DSA-44 beside Ed25519, and witnesses with such keys. Each test ends with a stranger's audit.
import { afterEach, expect, it } from "vitest";
import { type Cosigner, type CosignRequest, OwnCosigner } from "../../../src/log/checkpointing/cosigner.ts";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import type { Log } from "../../../src/log/log.ts";
import { fsck } from "../../../src/log/maintenance/fsck.ts";
import { openSnapshot } from "../../../src/log/store/open-store.ts";
import { createMlDsaLogSigner } from "../../../src/protocol/note/cosignature.ts";
import { COSIGNATURE_ML_DSA_44, type NotePrivateKey } from "../../../src/protocol/note/key.ts";
import { parseNote } from "../../../src/protocol/note/signed-note.ts";
import { type HarnessOptions, LogHarness } from "../../support/log-harness.ts";
import { testKey, vkeyOf } from "../../support/notes.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";
import { auditAsStranger } from "../../support/stranger.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { logKey, ORIGIN, witnessKey } from "../../support/witnesses.ts";

const ed25519 = await logKey();
const mlDsa = await testKey(ORIGIN, COSIGNATURE_ML_DSA_44);
const own = await witnessKey("own.example");
const outside = await testKey("pq.example", COSIGNATURE_ML_DSA_44);

/** The lines of a note, by key. */
const signersOf = (note: string) => parseNote(note).signatures.map(({ name, keyId }) => `${name}+${keyId}`);
const idsOf = (...keys: readonly NotePrivateKey[]) =>
  keys.map(({ verifierKey: { name, keyId } }) => `${name}+${keyId}`);

function policy(logs: readonly NotePrivateKey[], witnesses: readonly NotePrivateKey[]): string {
  const names = witnesses.map(({ verifierKey }) => verifierKey.name);
  return [
    ...logs.map((key) => `log ${vkeyOf(key)}\n`),
    ...witnesses.map((key) => `witness ${key.verifierKey.name} ${vkeyOf(key)}\n`),
    `group all-witnesses all ${names.join(" ")}\nquorum all-witnesses\n`,
  ].join("");
}

let harness: LogHarness;
let log: Log;
let asked: string[] = [];

const listening = (key: NotePrivateKey): Cosigner => {
  const cosigner = new OwnCosigner(key, () => harness.clock.now);
  return {
    name: cosigner.name,
    gather: (request: CosignRequest) => {
      asked.push(request.note);
      return cosigner.gather(request);
    },
  };
};

async function begin(options: HarnessOptions): Promise<void> {
  asked = [];
  harness = await LogHarness.make(options);
  log = await harness.create();
}

afterEach(async () => {
  await auditAsStranger(log.read, log.read.inForce.trustRoots.at(-1)!.root.logPolicy, []);
  await log.close();
  const store = await openSnapshot(harness.databaseFile);
  expect((await fsck(store, new HighWaterFile(harness.highWaterPath))).findings).toEqual([]);
  await store.close();
  harness.remove();
});

it("signs every checkpoint with both keys, and marks it with the Ed25519 one", async () => {
  await begin({
    cosigners: [listening(own)],
    trustRoot: { logPolicy: policy([ed25519, mlDsa], [own]) },
    config: { mlDsaSigner: createMlDsaLogSigner(mlDsa) },
  });
  expect(signersOf(log.read.published()!.note)).toEqual(idsOf(ed25519, mlDsa, own));
  expect(asked.map(signersOf)).toEqual([idsOf(ed25519, mlDsa)]);
  const mark = await new HighWaterFile(harness.highWaterPath).read();
  expect(signersOf(mark!.note)).toEqual(idsOf(ed25519));
  await log.close();
  log = await harness.open();
  await log.publish(await signPlatforms(harness.keys, "after-restart", 1));
  expect(signersOf(log.read.published()!.note)).toEqual(idsOf(ed25519, mlDsa, own));
});

it("counts a witness' ML-DSA-44 cosignature, and sends witnesses none but the log's own lines", async () => {
  await begin({
    cosigners: [listening(own), listening(outside)],
    trustRoot: { logPolicy: policy([ed25519], [own, outside]) },
  });
  await log.publish(await signPlatforms(harness.keys, "another", 1));
  const { note } = log.read.published()!;
  expect(signersOf(note)[0]).toBe(idsOf(ed25519)[0]);
  expect(new Set(signersOf(note).slice(1))).toEqual(new Set(idsOf(own, outside)));
  expect(new Set(asked.flatMap(signersOf))).toEqual(new Set(idsOf(ed25519)));
});

it("signs with a second key once the trust root names it", async () => {
  await begin({
    cosigners: [listening(own)],
    trustRoot: { logPolicy: policy([ed25519], [own]) },
    config: { mlDsaSigner: createMlDsaLogSigner(mlDsa) },
  });
  expect(signersOf(log.read.published()!.note)).toEqual(idsOf(ed25519, own));
  const change = {
    version: 2,
    previous: log.registered.trustRoots[0]!.digest,
    logPolicy: policy([ed25519, mlDsa], [own]),
  };
  const next = await trustRootPredicate(harness.keys, change);
  await log.publish([await signStatement("trust-root", next, harness.keys.root.slice(0, 1))]);
  expect(signersOf(log.read.published()!.note)).toEqual(idsOf(ed25519, mlDsa, own));
});
