// Makes the service that the examples of openapi.yaml are taken from: published keys, a clock that stands still, and something in the log
// for every call to answer with. Ed25519 is deterministic, so it says the same every time.
import { createHash } from "node:crypto";
import { type Cosigner, OwnCosigner } from "../../src/log/checkpointing/cosigner.ts";
import { packageVersion } from "../../src/node/package-root.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { canonicalize } from "../../src/protocol/envelope/canonical-json.ts";
import { type Envelope, envelopeToJson } from "../../src/protocol/envelope/dsse.ts";
import { NOW } from "./clock.ts";
import { revocationPredicate } from "./document-predicates.ts";
import { identityKeysPredicate, identityRoles } from "./identity-log.ts";
import { coseSigner, testKey, testKeys } from "./keys.ts";
import { FakeProvider } from "./provider.ts";
import { kernelPredicate, platformPredicate, sha256Of } from "./release-predicates.ts";
import { ServiceHarness, type ServiceHarnessOptions } from "./service-harness.ts";
import { signPlatforms, signStatement } from "./signing.ts";
import { witnessKey } from "./witnesses.ts";

export interface ExampleService {
  readonly harness: ServiceHarness;
  /** The kernel of the release that the policy "production" accepts. */
  readonly kernel: { readonly index: number; readonly envelope: Envelope };
  /** An entry that is revoked. */
  readonly revoked: number;
  /** An entry that was published by an identity. */
  readonly byIdentity: number;
  /** Hex SHA-256 of an attachment. */
  readonly attachment: string;
  /** Entries under the checkpoint. */
  readonly size: number;
  /** Size of the first checkpoint. */
  readonly firstSize: number;
  /** Bodies that the log has not seen: envelopes, and batches of an envelope with its attachment. */
  readonly unseen: { readonly envelopes: readonly string[]; readonly batches: readonly string[] };
  /** From now on no checkpoint is cosigned. */
  loseQuorum(): void;
}

/** Entries before the release: more than one full tile. */
const OLDER = 256;

export async function startExampleService(
  limits: ServiceHarnessOptions["limits"] = {},
): Promise<ExampleService> {
  let isCosigning = true;
  const own = new OwnCosigner(await witnessKey("own.example"), () => NOW);
  const cosigner: Cosigner = {
    name: own.name,
    gather: (request) =>
      isCosigning ? own.gather(request) : Promise.reject(new Error("it does not answer")),
  };
  const version = packageVersion();
  const receiptSigner = coseSigner(await testKey("receipts"));
  const harness = await ServiceHarness.start({
    cosigners: [cosigner],
    limits,
    version,
    trustRoot: { ...(await identityRoles(await testKeys())), receiptKeys: [receiptSigner.spki], index: true },
    service: { receiptSigner, operator: { security: "mailto:security@log.example" } },
  });
  const { keys, log } = harness;
  await log.publish(await signPlatforms(keys, "older", OLDER));
  const list = await batchOf(harness, "much");
  await harness.publishBatch(list.text.trimEnd().split("\n"));
  const { set } = await harness.publishPolicy();
  await settled(harness);
  const revoked = (await log.read.findByDigest(list.envelope.payloadDigest))?.index ?? 0;
  const revocation = revocationPredicate({ name: "old-kernel", digests: [list.envelope.payloadDigest] });
  await log.publish([await signStatement("revocation", revocation, [keys.revocation])]);
  await settled(harness);
  const [, byIdentity] = await publishByIdentity(harness);
  await settled(harness);
  const kernel = await log.read.findByDigest(set.kernel.payloadDigest);
  return {
    harness,
    kernel: { index: kernel?.index ?? 0, envelope: set.kernel },
    revoked,
    byIdentity: byIdentity?.index ?? 0,
    attachment: list.digest,
    size: log.read.published()?.checkpoint.size ?? 0,
    firstSize: (await log.read.checkpointsFrom(1, 1))[0]?.size ?? 0,
    unseen: {
      envelopes: await Promise.all(["2", "3", "4"].map((version) => nextPlatform(harness, version))),
      batches: await Promise.all(["more", "most"].map(async (name) => (await batchOf(harness, name)).text)),
    },
    loseQuorum: () => {
      isCosigning = false;
    },
  };
}

async function publishByIdentity({ keys, log }: ServiceHarness) {
  const provider = await FakeProvider.example();
  return log.publish([
    await signStatement("identity-keys", identityKeysPredicate([provider]), keys.root),
    await provider.signStatement("platform", platformPredicate("by-a-pipeline")),
  ]);
}

async function nextPlatform({ keys }: ServiceHarness, version: string): Promise<string> {
  const predicate = platformPredicate("h100-vm", version);
  return JSON.stringify(envelopeToJson(await signStatement("platform", predicate, [keys.publisher])));
}

/** A kernel whose patches are listed in an attachment. */
async function batchOf({ keys }: ServiceHarness, name: string) {
  const bytes = utf8(canonicalize([{ fileName: `0001-${name}.patch`, sha256: sha256Of(name) }]));
  const digest = createHash("sha256").update(bytes).digest("hex");
  const attachment = { digest, size: bytes.length, mediaType: "application/json" as const };
  const patches = { count: 1, seriesDigest: sha256Of("series"), inline: null, attachment };
  const predicate = { ...kernelPredicate(`patched-${name}`), patches };
  const envelope = await signStatement("kernel-patch-set", predicate, [keys.publisher]);
  const lines = [envelopeToJson(envelope), { attachment: Buffer.from(bytes).toString("base64") }];
  return { digest, envelope, text: lines.map((line) => `${JSON.stringify(line)}\n`).join("") };
}

/** Waits until the status in force names everything before it. */
async function settled({ log }: ServiceHarness): Promise<void> {
  while ((log.read.inForce.status?.index ?? 0) < log.read.inForce.changedAt)
    await new Promise((resolve) => setTimeout(resolve, 10));
}
