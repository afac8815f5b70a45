// Writes test/vectors/formats/: an entry, a policy bundle and a channel binding down to the byte, with published keys, for anyone who
// implements docs/formats.md again. Ed25519 is deterministic, so every run writes the same.
import { mkdirSync, writeFileSync } from "node:fs";
import { makeSplitView } from "../src/auditor/split-view.ts";
import { policyBundleJson } from "../src/protocol/bundle/policy-bundle.schema.ts";
import { sha256 } from "../src/protocol/cryptography/hash.ts";
import { encodeBase64 } from "../src/protocol/encoding/base64.ts";
import { encodeHex } from "../src/protocol/encoding/hex.ts";
import { decodeUtf8, utf8 } from "../src/protocol/encoding/text.ts";
import { formatTime } from "../src/protocol/entry/fields.ts";
import { type Envelope, makeEnvelope, preAuthEncoding, recordAt } from "../src/protocol/envelope/dsse.ts";
import { proveConsistency } from "../src/protocol/merkle/consistency.ts";
import { hashLeaf } from "../src/protocol/merkle/hash.ts";
import { formatTrustFile } from "../src/verifier/bundle/trust-pin.ts";
import { bindingReportData, gpuRequestNonce } from "../src/verifier/ra-tls/own-binding.ts";
import { NOW } from "../test/support/clock.ts";
import { policyPredicate, statusPredicate } from "../test/support/document-predicates.ts";
import { FoundedLog } from "../test/support/founded-log.ts";
import { identityKeysPredicate } from "../test/support/identity-log.ts";
import { testKeys } from "../test/support/keys.ts";
import { audienceFor, FakeProvider, releaseRule } from "../test/support/provider.ts";
import { kernelPredicate, platformPredicate } from "../test/support/release-predicates.ts";
import { inOrder, signReleaseSet } from "../test/support/release-set.ts";
import { seenTree } from "../test/support/remembered.ts";
import { signPlatforms, signStatement } from "../test/support/signing.ts";
import { bundleBytes, SmallLog } from "../test/support/small-log.ts";
import { TOKEN_CASES, tokenWorld } from "../test/support/token-cases.ts";
import { trustRootPredicate } from "../test/support/trust-root.ts";
import { ORIGIN } from "../test/support/witnesses.ts";
import { lookupVector } from "./make-lookup-vector.ts";

const HOUR = 3_600_000;
const after = (ms: number) => new Date(NOW.getTime() + ms).toISOString();

/** Every file, by its name in test/vectors/formats/. */
export async function makeFormatVectors(): Promise<Map<string, unknown>> {
  return new Map<string, unknown>([
    ["entry.json", await entryVector()],
    ["identity.json", await identityVector()],
    ["bundle.json", await bundleVector()],
    ["binding.json", bindingVector()],
    ["split-view.json", await splitViewVector()],
    ["lookup.json", await lookupVector()],
  ]);
}

async function entryVector() {
  const { publisher } = await testKeys();
  const { payload, payloadDigest, leaf, signatures } = await signStatement(
    "kernel-patch-set",
    kernelPredicate(),
    [publisher],
  );
  return {
    key: { spki: encodeBase64(publisher.spki), keyId: publisher.keyId },
    payload: decodeUtf8(payload),
    payloadDigest,
    signedMessage: encodeHex(preAuthEncoding(payload)),
    signature: encodeBase64(signatures[0]?.signature ?? new Uint8Array()),
    leaf: decodeUtf8(leaf),
    leafHash: encodeHex(hashLeaf(leaf)),
  };
}

/** An entry by an identity, and tokens with what must be said of each; those of other keys are made anew each time, and left out. */
async function identityVector() {
  const provider = await FakeProvider.example();
  const { payload } = await signStatement("platform", platformPredicate(), []);
  const world = await tokenWorld(payload, provider);
  const published = TOKEN_CASES.filter(({ name }) => name !== "other key, known kid");
  const cases = [];
  for (const { name, outcome, sign } of published) {
    const { identity, signature } = await sign(world);
    cases.push({ what: name, jwt: identity?.jwt, sig: encodeBase64(signature), result: outcome });
  }
  const [good] = published;
  const signatures = good === undefined ? [] : [await good.sign(world)];
  const { leaf } = recordAt(makeEnvelope(payload, signatures), formatTime(NOW));
  return {
    origin: ORIGIN,
    rule: releaseRule,
    identityKeys: identityKeysPredicate([provider]),
    recordedAt: formatTime(NOW),
    payload: decodeUtf8(payload),
    key: { spki: encodeBase64(world.key.spki), keyId: world.key.keyId },
    audience: audienceFor(payload, world.key),
    leaf: decodeUtf8(leaf),
    leafHash: encodeHex(hashLeaf(leaf)),
    cases,
  };
}

async function bundleVector() {
  const keys = await testKeys();
  const set = await signReleaseSet(keys);
  const log = new SmallLog();
  await log.add(await signStatement("trust-root", await trustRootPredicate(keys), [keys.root[0]]));
  for (const envelope of inOrder(set)) await log.add(envelope);
  await log.add(await signStatement("policy", policyPredicate(set), [keys.policy]));
  await log.add(await signStatement("status", statusPredicate(log.inForce), [keys.status]));
  const bundle = policyBundleJson.parse(JSON.parse(decodeUtf8(bundleBytes(await log.bundle("production")))));
  const { origin } = bundle;
  const pin = { origin, version: 1, digest: log.envelopes[0]?.payloadDigest };
  const size = log.envelopes.length;
  const remembered = {
    origin,
    trustRootVersion: 1,
    statusSequence: 1,
    checkpoint: { note: bundle.checkpoint, cosignedAt: formatTime(NOW) },
    policies: { production: 1 },
    fork: null,
  };
  const forked = { ...remembered, checkpoint: await seenTree(size, "another tree") };
  const base = { pin, policy: "production", now: after(0) };
  return {
    bundle,
    cases: [
      { what: "first visit", ...base, remembered: null, result: "accepted" },
      { what: "seen before", ...base, remembered, result: "accepted" },
      {
        what: "another trust root is pinned",
        ...base,
        pin: { ...pin, digest: "0".repeat(64) },
        remembered: null,
        result: "trust-root-pin",
      },
      {
        what: "another policy was asked for",
        ...base,
        policy: "staging",
        remembered: null,
        result: "policy-not-asked-for",
      },
      {
        what: "a day later",
        ...base,
        now: after(25 * HOUR),
        remembered: null,
        result: "checkpoint-stale",
      },
      {
        what: "a newer trust root was seen",
        ...base,
        remembered: { ...remembered, trustRootVersion: 2 },
        result: "trust-root-rolled-back",
      },
      {
        what: "a newer status was seen",
        ...base,
        remembered: { ...remembered, statusSequence: 2 },
        result: "status-rolled-back",
      },
      {
        what: "a newer policy was seen",
        ...base,
        remembered: { ...remembered, policies: { production: 2 } },
        result: "policy-rolled-back",
      },
      {
        what: "a larger tree was seen",
        ...base,
        remembered: { ...remembered, checkpoint: await seenTree(size + 1) },
        result: "checkpoint-rolled-back",
      },
      { what: "another tree of this size was seen", ...base, remembered: forked, result: "log-forked" },
      {
        what: "a fork was seen before",
        ...base,
        remembered: { ...remembered, fork: [remembered.checkpoint.note, forked.checkpoint.note] },
        result: "log-forked",
      },
    ],
  };
}

function bindingVector() {
  const channelKey = utf8("any SubjectPublicKeyInfo or HPKE public key");
  const nonce = sha256(utf8("nonce"));
  const gpuClaims = {
    ccMode: "on",
    devtools: false,
    mode: "ppcie",
    reports: [encodeHex(sha256(utf8("GPU report")))],
    switches: [encodeHex(sha256(utf8("switch report")))],
  } as const;
  const claims = { ...gpuClaims, reports: [...gpuClaims.reports], switches: [...gpuClaims.switches] };
  return {
    channelKey: encodeHex(channelKey),
    nonce: encodeHex(nonce),
    gpuClaims: claims,
    reportData: encodeHex(bindingReportData({ channelKey, nonce, gpuClaims: claims })),
    gpuRequestNonce: encodeHex(gpuRequestNonce(channelKey, nonce)),
  };
}

/** Two logs of one key that go different ways after five entries, of seven and of ten. */
async function splitViewVector() {
  const [ours, theirs] = [await forkedLog("ours", 2), await forkedLog("theirs", 5)];
  const smaller = await ours.checkpoint();
  const larger = await theirs.checkpoint();
  const { roots, readNode } = theirs.tree();
  const beginning = roots[7] ?? new Uint8Array();
  const view = makeSplitView(ORIGIN, { smaller, larger }, beginning, proveConsistency(7, 10, readNode));
  const grown = await theirs.checkpoint(7);
  const sameSize = makeSplitView(ORIGIN, { smaller, larger: grown }, beginning, []);
  const trustRoot = JSON.parse(formatTrustFile(ours.envelopes[0] as Envelope));
  return {
    trustRoot,
    cases: [
      { what: "two trees of different sizes", view, result: "proven" },
      { what: "two trees of one size", view: sameSize, result: "proven" },
      { what: "a tree and its own beginning", view: { ...view, smaller: grown }, result: "split-view-none" },
      { what: "one checkpoint twice", view: { ...sameSize, smaller: grown }, result: "split-view-none" },
      {
        what: "a proof with a node left out",
        view: { ...view, consistency: view.consistency.slice(1) },
        result: "consistency-proof",
      },
      { what: "another beginning", view: { ...view, beginning: zeroHash() }, result: "consistency-proof" },
      {
        what: "a checkpoint that the log did not sign",
        view: { ...view, smaller: smaller.replace("\n7\n", "\n6\n") },
        result: "checkpoint-log-signature",
      },
      { what: "another log", view: { ...view, origin: "other.example/log" }, result: "split-view-origin" },
      {
        what: "the larger checkpoint first",
        view: { ...view, smaller: larger, larger: smaller },
        result: "malformed",
      },
    ],
  };
}

const zeroHash = () => encodeBase64(new Uint8Array(32));

async function forkedLog(name: string, own: number): Promise<FoundedLog> {
  const log = await FoundedLog.found();
  for (const [prefix, count] of [
    ["common", 4],
    [name, own],
  ] as const)
    for (const envelope of await signPlatforms(log.keys, prefix, count)) await log.add(envelope);
  return log;
}

if (process.argv[1] === import.meta.filename) {
  const folder = new URL("../test/vectors/formats/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const [name, value] of await makeFormatVectors())
    writeFileSync(new URL(name, folder), `${JSON.stringify(value, null, 2)}\n`);
}
