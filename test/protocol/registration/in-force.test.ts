// What is in force follows from the entries alone: the summary that every replayer computes the same, and the reach of a revocation.
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { Kind } from "../../../src/protocol/entry/kinds.ts";
import { draftStatus } from "../../../src/protocol/registration/draft-status.ts";
import {
  applyEntry,
  currentTrustRoot,
  type InForce,
  isKeyRevoked,
  isRevoked,
  NOTHING_IN_FORCE,
  summarise,
} from "../../../src/protocol/registration/in-force.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate, revocationPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { identityKeysPredicate } from "../../support/identity-log.ts";
import { platformPredicate, sha256Of } from "../../support/release-predicates.ts";

let log: FoundedLog;
beforeEach(async () => {
  log = await FoundedLog.found();
});

const replay = (envelopes: FoundedLog["envelopes"]): InForce =>
  envelopes.reduce(
    (inForce, envelope, index) => applyEntry(inForce, { ...envelope, index }),
    NOTHING_IN_FORCE,
  );

describe("an empty log", () => {
  it("has nothing in force, and no status can be drafted of it", () => {
    expect(currentTrustRoot(NOTHING_IN_FORCE)).toBeUndefined();
    const refusal = new TypeError("an empty log has no status");
    expect(() => summarise(NOTHING_IN_FORCE)).toThrow(refusal);
    expect(() => draftStatus(NOTHING_IN_FORCE, NOW)).toThrow(refusal);
  });
});

describe("a log with everything in it", () => {
  it("gives whoever replays it the same state, and statuses that differ in nothing", async () => {
    const set = await log.publishRelease();
    await log.publish("policy", policyPredicate(set, { name: "zeta" }), [log.keys.policy]);
    await log.publish("policy", policyPredicate(set, { name: "alpha" }), [log.keys.policy]);
    const range = { keyId: sha256Of("stolen"), fromIndex: 0, toIndex: 5 };
    const digests = [set.rim.payloadDigest, set.gsp.payloadDigest];
    const revocation = revocationPredicate({ digests, keys: [range] });
    await log.publish("revocation", revocation, [log.keys.revocation]);
    await log.publishStatus();
    const replayed = replay(log.envelopes);
    expect(replayed).toEqual(log.inForce);
    expect(draftStatus(replayed, NOW)).toEqual(draftStatus(log.inForce, NOW));
    expect(summarise(replayed)).toEqual({
      trustRoot: { version: 1, digest: log.envelopes[0]!.payloadDigest },
      policies: [
        { name: "alpha", version: 1, digest: log.envelopes[8]!.payloadDigest },
        { name: "zeta", version: 1, digest: log.envelopes[7]!.payloadDigest },
      ],
      identityKeys: [],
      revokedDigests: [...digests].sort(),
      revokedKeys: [range],
      revokedIdentities: [],
    });
  });

  it("is summed up in one order, whatever the order in which it came", () => {
    const [root] = log.inForce.trustRoots;
    const digests = ["b", "a", "c"].map((text) => text.repeat(64));
    const names = ["m", "z", "a", "n"];
    const place = { index: 1, version: 1, digest: sha256Of("policy") };
    const provider = (name: string) => ({
      ...place,
      signers: [],
      identities: [],
      keys: identityKeysPredicate([], { name }),
    });
    const range = { rule: "release", fromIndex: 0, toIndex: 5 };
    const summary = summarise({
      ...NOTHING_IN_FORCE,
      trustRoots: [root!],
      revokedDigests: new Set(digests),
      policies: new Map(names.map((name) => [name, place])),
      identityKeys: names.map(provider),
      revokedIdentities: [range],
    });
    expect(summary.revokedDigests.map((digest) => digest[0])).toEqual(["a", "b", "c"]);
    expect(summary.policies.map(({ name }) => name)).toEqual(["a", "m", "n", "z"]);
    expect(summary.identityKeys.map(({ name }) => name)).toEqual(["a", "m", "n", "z"]);
    expect(summary.revokedIdentities).toEqual([range]);
  });

  it("does not change the state that it was made of", async () => {
    const before = log.inForce;
    const copy = structuredClone(before);
    const set = await log.publishRelease();
    await log.publishPolicy(set);
    expect(before).toEqual(copy);
  });

  it("remembers where it changed last: releases and statuses change nothing that a status says", async () => {
    const changes: number[] = [];
    const note = () => changes.push(log.inForce.changedAt);
    note();
    const set = await log.publishRelease();
    note();
    await log.publishPolicy(set);
    note();
    await log.publishStatus();
    note();
    const digests = [set.image.payloadDigest];
    await log.publish("revocation", revocationPredicate({ digests }), [log.keys.revocation]);
    note();
    await log.publish("trust-root", await log.nextRoot(), log.keys.root);
    note();
    expect(changes).toEqual([1, 1, 8, 8, 10, 11]);
  });

  it("counts a key range once, however often it is revoked", async () => {
    const range = { keyId: sha256Of("stolen"), fromIndex: 0, toIndex: 5 };
    for (const version of ["1", "2"]) {
      await log.publish("revocation", revocationPredicate({ version, keys: [range, range] }), [
        log.keys.revocation,
      ]);
    }
    await log.publish("revocation", revocationPredicate({ version: "3", keys: [{ ...range, toIndex: 6 }] }), [
      log.keys.revocation,
    ]);
    expect(log.inForce.revokedKeys).toEqual([range, { ...range, toIndex: 6 }]);
  });
});

it("the range of an identity counts once as well, and stays when another follows", async () => {
  const range = { rule: "release", fromIndex: 0, toIndex: 5 };
  const other = { ...range, rule: "nightly" };
  for (const [version, identities] of Object.entries({ 1: [range, range], 2: [range, other] }))
    await log.publish("revocation", revocationPredicate({ version, identities }), [log.keys.revocation]);
  expect(log.inForce.revokedIdentities).toEqual([range, other]);
});

describe("the reach of a revocation", () => {
  const entry = (kind: Kind, index = 5) => ({
    kind,
    index,
    digest: sha256Of("it"),
    signers: [sha256Of("key")],
    identities: ["release"],
  });
  const byDigest = { ...NOTHING_IN_FORCE, revokedDigests: new Set([sha256Of("it")]) };
  const byKey = {
    ...NOTHING_IN_FORCE,
    revokedKeys: [{ keyId: sha256Of("key"), fromIndex: 5, toIndex: 7 }],
  };

  it("is every release, policy and status, by digest or by key", () => {
    const kinds: Kind[] = [
      "os-image",
      "kernel-patch-set",
      "driver-build",
      "gsp-firmware",
      "gpu-rim",
      "platform",
    ];
    for (const kind of [...kinds, "policy" as const, "status" as const]) {
      expect(isRevoked(byDigest, entry(kind)), kind).toBe(true);
      expect(isRevoked(byKey, entry(kind)), kind).toBe(true);
    }
  });

  it("is never a trust root or a revocation: who holds a root key would lock everybody out, or take revocations back", () => {
    for (const kind of ["trust-root", "revocation"] as const) {
      expect(isRevoked(byDigest, entry(kind)), kind).toBe(false);
      expect(isRevoked(byKey, entry(kind)), kind).toBe(false);
    }
  });

  it("of a key is its range: the first index in, the last one out", () => {
    expect([4, 5, 6, 7].map((index) => isRevoked(byKey, entry("platform", index)))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it("of an identity is its range as well, and of no other identity", () => {
    const range = { rule: "release", fromIndex: 5, toIndex: 7 };
    const byIdentity = { ...NOTHING_IN_FORCE, revokedIdentities: [range] };
    const at = (index: number) => isRevoked(byIdentity, entry("platform", index));
    expect([4, 5, 6, 7].map(at)).toEqual([false, true, true, false]);
    expect(isRevoked(byIdentity, { ...entry("platform"), identities: ["nightly"] })).toBe(false);
    expect(isRevoked(byIdentity, entry("revocation"))).toBe(false);
  });

  it("of one of several signers is enough", () => {
    const signers = [sha256Of("another"), sha256Of("key"), sha256Of("third")];
    expect(isRevoked(byKey, { ...entry("platform"), signers })).toBe(true);
    expect(isRevoked(byKey, { ...entry("platform"), signers: [sha256Of("another")] })).toBe(false);
  });

  it("of several ranges is their union, and other keys are not touched", () => {
    const range = fc
      .record({ from: fc.nat(20), length: fc.integer({ min: 1, max: 10 }) })
      .map(({ from, length }) => ({ keyId: sha256Of("key"), fromIndex: from, toIndex: from + length }));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 4 }), fc.nat(40), (ranges, index) => {
        const within = ranges.some((r) =>
          Array.from({ length: r.toIndex - r.fromIndex }, (_, i) => r.fromIndex + i).includes(index),
        );
        expect(isKeyRevoked(ranges, sha256Of("key"), index)).toBe(within);
        expect(isKeyRevoked(ranges, sha256Of("another"), index)).toBe(false);
      }),
    );
  });
});

describe("entries that state reference values", () => {
  it("move the size and nothing else", async () => {
    const before = log.inForce;
    await log.publish("platform", platformPredicate(), [log.keys.publisher]);
    expect(log.inForce).toEqual({ ...before, size: 2 });
  });
});
