// What a bundle must survive before a verifier believes it: honest bundles, and every attack that docs/why-not-tuf.md names.
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { PolicyBundle } from "../../src/protocol/bundle/policy-bundle.ts";
import { formatTime } from "../../src/protocol/entry/fields.ts";
import { MalformedError, PolicyError, VerificationError } from "../../src/protocol/errors.ts";
import { stepOf } from "../../src/verifier/bundle/bundle-error.ts";
import { treeOf } from "../../src/verifier/bundle/merge-states.ts";
import type { RememberedState } from "../../src/verifier/bundle/remembered-state.ts";
import type { TrustPin } from "../../src/verifier/bundle/trust-pin.ts";
import { type VerifiedBundle, verifyBundle } from "../../src/verifier/bundle/verify-bundle.ts";
import { NOW } from "../support/clock.ts";
import { policyPredicate, revocationPredicate, statusPredicate } from "../support/document-predicates.ts";
import { type TestKeys, testKeys } from "../support/keys.ts";
import { platformPredicate } from "../support/release-predicates.ts";
import { inOrder, type ReleaseSet, signReleaseSet } from "../support/release-set.ts";
import { seenTree } from "../support/remembered.ts";
import { signStatement } from "../support/signing.ts";
import { bundleBytes, SmallLog } from "../support/small-log.ts";
import { trustRootPredicate } from "../support/trust-root.ts";
import { ORIGIN } from "../support/witnesses.ts";

const HOUR = 3_600_000;
const at = (ms: number) => new Date(NOW.getTime() + ms);

let keys: TestKeys;
let set: ReleaseSet;

beforeAll(async () => {
  keys = await testKeys();
  set = await signReleaseSet(keys);
});

/** Trust root, one release, a policy over it, and a status. */
async function world(): Promise<{ log: SmallLog; pin: TrustPin }> {
  const log = new SmallLog();
  await log.add(await signStatement("trust-root", await trustRootPredicate(keys), [keys.root[0]]));
  for (const envelope of inOrder(set)) await log.add(envelope);
  await log.add(await signStatement("policy", policyPredicate(set), [keys.policy]));
  await addStatus(log);
  return { log, pin: { origin: ORIGIN, version: 1, digest: log.envelopes[0]!.payloadDigest } };
}

async function addStatus(log: SmallLog, change = {}, now = NOW): Promise<number> {
  return log.add(await signStatement("status", statusPredicate(log.inForce, change, now), [keys.status]));
}

async function verify(
  bundle: PolicyBundle,
  pin: TrustPin,
  {
    now = NOW,
    remembered = null,
    policy = "production",
  }: { now?: Date; remembered?: RememberedState | null; policy?: string } = {},
): Promise<VerifiedBundle> {
  return verifyBundle(bundleBytes(bundle), { pin, policy, now, remembered });
}

/** The code that verification ends with, checked to be of the right type of error and to name its step. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new Error("accepted"),
    (reason: unknown) => reason,
  );
  if (error instanceof MalformedError) return "malformed";
  if (!(error instanceof VerificationError || error instanceof PolicyError)) throw error;
  expect(error.message).toContain(`step ${stepOf(error.code)}`);
  return error.code;
}

describe("an honest bundle", () => {
  it("verifies, and says what to remember", async () => {
    const { log, pin } = await world();
    const verified = await verify(await log.bundle("production"), pin);
    expect(verified.policy.name).toBe("production");
    expect(verified.entries.size).toBe(6);
    expect(verified.state).toMatchObject({
      origin: ORIGIN,
      trustRootVersion: 1,
      statusSequence: 1,
      policies: { production: 1 },
    });
    expect(treeOf(verified.state).size).toBe(log.envelopes.length);
    expect(verified.state.checkpoint.cosignedAt).toBe(formatTime(NOW));
  });

  it("verifies again from what was remembered, at the same size and after growth", async () => {
    const { log, pin } = await world();
    const { state } = await verify(await log.bundle("production"), pin);
    await verify(await log.bundle("production"), pin, { remembered: state });
    await log.add(await signStatement("platform", platformPredicate("other"), [keys.publisher]));
    await verify(await log.bundle("production", {}, treeOf(state).size), pin, { remembered: state });
  });

  it("verifies from a pin of a later trust root, and over a rotation from an earlier one", async () => {
    const { log, pin } = await world();
    const next = await trustRootPredicate(keys, { version: 2, previous: pin.digest });
    const index = await log.add(await signStatement("trust-root", next, [keys.root[1]]));
    await addStatus(log);
    const bundle = await log.bundle("production");
    expect((await verify(bundle, pin)).trustRoot.version).toBe(2);
    const later = { origin: ORIGIN, version: 2, digest: log.envelopes[index]!.payloadDigest };
    expect((await verify(bundle, later)).trustRoot.version).toBe(2);
  });
});

describe("step 1, trust root", () => {
  it("refuses a log whose first trust root is not the pinned one", async () => {
    const { log, pin } = await world();
    expect(await refusal(verify(await log.bundle("production"), { ...pin, digest: "0".repeat(64) }))).toBe(
      "trust-root-pin",
    );
    expect(await refusal(verify(await log.bundle("production"), { ...pin, version: 2 }))).toBe(
      "trust-root-pin",
    );
  });

  it("refuses a bundle of another log", async () => {
    const { log, pin } = await world();
    expect(
      await refusal(verify(await log.bundle("production"), { ...pin, origin: "evil.example/log" })),
    ).toBe("trust-root-pin");
  });

  it("refuses a trust root that the one before it did not sign", async () => {
    const { log, pin } = await world();
    const usurper = await trustRootPredicate(keys, {
      version: 2,
      previous: pin.digest,
      roles: {
        ...(await trustRootPredicate(keys)).roles,
        root: { keys: [keys.publisher.keyId], threshold: 1 },
      },
    });
    const index = log.smuggle(await signStatement("trust-root", usurper, [keys.publisher]));
    const bundle = await log.bundle("production");
    const trustRoots = [...bundle.trustRoots, log.logged(index)];
    expect(await refusal(verify({ ...bundle, trustRoots }, pin))).toBe("trust-root-chain");
  });

  it("refuses a chain with a gap, out of order, or of something else", async () => {
    const { log, pin } = await world();
    const later = await trustRootPredicate(keys, { version: 3, previous: pin.digest });
    const index = log.smuggle(await signStatement("trust-root", later, [keys.root[0]]));
    const bundle = await log.bundle("production");
    for (const trustRoots of [
      [...bundle.trustRoots, log.logged(index)],
      [log.logged(index)],
      [log.logged(1)],
    ]) {
      expect(await refusal(verify({ ...bundle, trustRoots }, pin))).toBe("trust-root-chain");
    }
  });

  it("refuses an older trust root than was seen before", async () => {
    const { log, pin } = await world();
    const { state } = await verify(await log.bundle("production"), pin);
    expect(
      await refusal(
        verify(await log.bundle("production"), pin, { remembered: { ...state, trustRootVersion: 2 } }),
      ),
    ).toBe("trust-root-rolled-back");
  });

  it("refuses an expired trust root", async () => {
    const { log, pin } = await world();
    expect(
      await refusal(verify(await log.bundle("production"), pin, { now: new Date("2036-01-01T00:00:00Z") })),
    ).toBe("trust-root-expired");
  });

  it("refuses a closed log and names its successor", async () => {
    const { log, pin } = await world();
    const finalRoot = log.view.treeRoot();
    const successor = { origin: "next.example/log", finalSize: log.envelopes.length, finalRoot };
    const next = await trustRootPredicate(keys, { version: 2, previous: pin.digest, successor });
    await log.add(await signStatement("trust-root", next, [keys.root[0]]));
    await expect(verify(await log.bundle("production"), pin)).rejects.toThrow(/next\.example\/log/);
    expect(await refusal(verify(await log.bundle("production"), pin))).toBe("log-closed");
  });
});

describe("step 2, checkpoint and inclusion", () => {
  it("refuses a checkpoint of another log's key", async () => {
    const { log, pin } = await world();
    const checkpoint = await log.checkpoint(undefined, NOW, "other.example/log");
    expect(await refusal(verify(await log.bundle("production", { checkpoint }), pin))).toBe(
      "checkpoint-not-authentic",
    );
    expect(await refusal(verify(await log.bundle("production", { origin: "other.example/log" }), pin))).toBe(
      "checkpoint-not-authentic",
    );
  });

  it("refuses a checkpoint without its cosignature", async () => {
    const { log, pin } = await world();
    const checkpoint = (await log.checkpoint()).split("\n").slice(0, 5).join("\n");
    expect(
      await refusal(verify(await log.bundle("production", { checkpoint: `${checkpoint}\n` }), pin)),
    ).toBe("checkpoint-not-authentic");
  });

  it("refuses a stale checkpoint, and one from the future", async () => {
    const { log, pin } = await world();
    const bundle = await log.bundle("production");
    expect(await refusal(verify(bundle, pin, { now: at(24 * HOUR + 1000) }))).toBe("checkpoint-stale");
    expect(await refusal(verify(bundle, pin, { now: at(-301_000) }))).toBe("checkpoint-stale");
  });

  it("refuses anything that is not in the tree", async () => {
    const { log, pin } = await world();
    const stranger = await signStatement("platform", platformPredicate("stranger"), [keys.publisher]);
    const bundle = await log.bundle("production");
    for (const part of ["trustRoots", "entries", "revocations"] as const) {
      const extra = { ...log.logged(1), envelope: stranger };
      const broken = { ...bundle, [part]: [...bundle[part], extra] };
      expect(["not-included", "trust-root-chain"]).toContain(await refusal(verify(broken, pin)));
    }
    for (const part of ["policy", "status"] as const) {
      const broken = { ...bundle, [part]: { ...bundle[part], proof: bundle[part].proof.slice(1) } };
      expect(await refusal(verify(broken, pin))).toBe("not-included");
    }
  });
});

describe("step 3, status", () => {
  it("refuses an expired status", async () => {
    const { log, pin } = await world();
    const checkpoint = await log.checkpoint(undefined, at(25 * HOUR));
    const bundle = await log.bundle("production", { checkpoint });
    expect(await refusal(verify(bundle, pin, { now: at(25 * HOUR) }))).toBe("status-expired");
  });

  it("refuses a status from the future", async () => {
    const { log, pin } = await world();
    const index = await addStatus(log, {}, at(HOUR));
    const bundle = await log.bundle("production");
    expect(await refusal(verify({ ...bundle, status: log.logged(index) }, pin))).toBe("status-expired");
  });

  it("refuses an older status than was seen before", async () => {
    const { log, pin } = await world();
    const old = log.logged(log.inForce.status!.index).index;
    await addStatus(log);
    const { state } = await verify(await log.bundle("production"), pin);
    const bundle = await log.bundle("production", { status: log.logged(old) });
    expect(await refusal(verify(bundle, pin, { remembered: state }))).toBe("status-rolled-back");
  });

  it("refuses a status that nobody with the status role signed, and another kind in its place", async () => {
    const { log, pin } = await world();
    const forged = await signStatement("status", statusPredicate(log.inForce), [keys.publisher]);
    const index = log.smuggle(forged);
    expect(await refusal(verify(await log.bundle("production", { status: log.logged(index) }), pin))).toBe(
      "status-not-authorised",
    );
    expect(await refusal(verify(await log.bundle("production", { status: log.logged(1) }), pin))).toBe(
      "status-not-authorised",
    );
  });

  it("refuses a status that names another trust root than the bundle shows: a newer one is hidden", async () => {
    const { log, pin } = await world();
    const next = await trustRootPredicate(keys, { version: 2, previous: pin.digest });
    await log.add(await signStatement("trust-root", next, [keys.root[0]]));
    await addStatus(log);
    const bundle = await log.bundle("production");
    const hidden = { ...bundle, trustRoots: bundle.trustRoots.slice(0, 1) };
    expect(await refusal(verify(hidden, pin))).toBe("status-disagrees");
  });

  it("refuses a status signed with a key that was stolen", async () => {
    const { log, pin } = await world();
    const range = { keyId: keys.status.keyId, fromIndex: 0, toIndex: 1000 };
    await log.add(
      await signStatement("revocation", revocationPredicate({ keys: [range] }), [keys.revocation]),
    );
    const index = log.smuggle(await signStatement("status", statusPredicate(log.inForce), [keys.status]));
    expect(await refusal(verify(await log.bundle("production", { status: log.logged(index) }), pin))).toBe(
      "entry-revoked",
    );
  });
});

describe("step 4, policy", () => {
  it("refuses an older policy while the status names a newer one", async () => {
    const { log, pin } = await world();
    const old = log.inForce.policies.get("production")!;
    const next = policyPredicate(set, { version: 2, previous: old.digest });
    await log.add(await signStatement("policy", next, [keys.policy]));
    await addStatus(log);
    const bundle = await log.bundle("production", { policy: log.logged(old.index) });
    expect(await refusal(verify(bundle, pin))).toBe("policy-historical");
    const { state } = await verify(await log.bundle("production"), pin);
    expect(state.policies).toEqual({ production: 2 });
  });

  it("refuses a version below the remembered one", async () => {
    const { log, pin } = await world();
    const { state } = await verify(await log.bundle("production"), pin);
    const remembered = { ...state, policies: { production: 2 } };
    expect(await refusal(verify(await log.bundle("production"), pin, { remembered }))).toBe(
      "policy-rolled-back",
    );
  });

  it("refuses a bundle marked historical", async () => {
    const { log, pin } = await world();
    expect(await refusal(verify(await log.bundle("production", { historical: true }), pin))).toBe(
      "policy-historical",
    );
  });

  it("refuses a policy that the status does not name", async () => {
    const { log, pin } = await world();
    const other = await signStatement("policy", policyPredicate(set, { name: "rogue" }), [keys.policy]);
    const index = log.smuggle(other);
    const bundle = await log.bundle("production", { policy: log.logged(index) });
    expect(await refusal(verify(bundle, pin, { policy: "rogue" }))).toBe("status-disagrees");
  });

  it("refuses the bundle of another policy than was asked for, true as it is", async () => {
    const { log, pin } = await world();
    await log.add(await signStatement("policy", policyPredicate(set, { name: "staging" }), [keys.policy]));
    await addStatus(log);
    const staging = await log.bundle("staging");
    expect((await verify(staging, pin, { policy: "staging" })).policy.name).toBe("staging");
    expect(await refusal(verify(staging, pin))).toBe("policy-not-asked-for");
  });

  it("refuses a policy signed by a key without the policy role", async () => {
    const { log, pin } = await world();
    const index = log.smuggle(
      await signStatement("policy", policyPredicate(set, { name: "rogue" }), [keys.publisher]),
    );
    expect(await refusal(verify(await log.bundle("production", { policy: log.logged(index) }), pin))).toBe(
      "policy-not-authorised",
    );
  });

  it("refuses a policy before it is valid and after it expired", async () => {
    const { log, pin } = await world();
    const renewed = at(31 * 24 * HOUR);
    await addStatus(log, {}, renewed);
    const checkpoint = await log.checkpoint(undefined, renewed);
    expect(await refusal(verify(await log.bundle("production", { checkpoint }), pin, { now: renewed }))).toBe(
      "policy-not-in-force",
    );
  });

  it("refuses a revoked policy", async () => {
    const { log, pin } = await world();
    const { digest } = log.inForce.policies.get("production")!;
    await log.add(
      await signStatement("revocation", revocationPredicate({ digests: [digest] }), [keys.revocation]),
    );
    await addStatus(log);
    expect(await refusal(verify(await log.bundle("production"), pin))).toBe("policy-revoked");
  });
});

describe("step 5, entries", () => {
  it("refuses a bundle that lacks an entry, or has one nobody asked for", async () => {
    const { log, pin } = await world();
    const bundle = await log.bundle("production");
    expect(await refusal(verify({ ...bundle, entries: bundle.entries.slice(1) }, pin))).toBe("entry-missing");
    const extra = await log.add(
      await signStatement("platform", platformPredicate("other"), [keys.publisher]),
    );
    const larger = await log.bundle("production");
    expect(await refusal(verify({ ...larger, entries: [...larger.entries, log.logged(extra)] }, pin))).toBe(
      "entry-wrong",
    );
  });

  it("refuses an entry signed by nobody with a role for it", async () => {
    const log = new SmallLog();
    await log.add(await signStatement("trust-root", await trustRootPredicate(keys), [keys.root[0]]));
    const forged = await signReleaseSetBy(keys);
    log.smuggle(forged.platform);
    for (const envelope of inOrder(forged).slice(1)) await log.add(envelope);
    await log.add(await signStatement("policy", policyPredicate(forged), [keys.policy]));
    await addStatus(log);
    const pin = { origin: ORIGIN, version: 1, digest: log.envelopes[0]!.payloadDigest };
    expect(await refusal(verify(await log.bundle("production"), pin))).toBe("entry-not-authorised");
  });

  it("refuses a revoked entry, by the status and by a revocation shown beside an older status", async () => {
    const { log, pin } = await world();
    const status = log.logged(log.inForce.status!.index).index;
    const target = set.image.payloadDigest;
    const index = await log.add(
      await signStatement("revocation", revocationPredicate({ digests: [target] }), [keys.revocation]),
    );
    const shown = await log.bundle("production", {
      status: log.logged(status),
      revocations: [log.logged(index)],
    });
    expect(await refusal(verify(shown, pin))).toBe("entry-revoked");
    await addStatus(log);
    expect(await refusal(verify(await log.bundle("production"), pin))).toBe("entry-revoked");
  });

  it("refuses everything that a stolen key signed in the revoked range, and nothing else", async () => {
    const { log, pin } = await world();
    const range = { keyId: keys.publisher.keyId, fromIndex: 2, toIndex: 3 };
    await log.add(
      await signStatement("revocation", revocationPredicate({ keys: [range] }), [keys.revocation]),
    );
    await addStatus(log);
    expect(await refusal(verify(await log.bundle("production"), pin))).toBe("entry-revoked");
    const { log: other, pin: otherPin } = await world();
    const before = { keyId: keys.publisher.keyId, fromIndex: 50, toIndex: 60 };
    await other.add(
      await signStatement("revocation", revocationPredicate({ keys: [before] }), [keys.revocation]),
    );
    await addStatus(other);
    await verify(await other.bundle("production"), otherPin);
  });

  it("refuses a revocation that nobody with the role signed", async () => {
    const { log, pin } = await world();
    const forged = revocationPredicate({ digests: [set.image.payloadDigest] });
    const index = log.smuggle(await signStatement("revocation", forged, [keys.publisher]));
    expect(
      await refusal(verify(await log.bundle("production", { revocations: [log.logged(index)] }), pin)),
    ).toBe("entry-not-authorised");
  });

  it("refuses an entry below the policy's svn floor", async () => {
    const { log, pin } = await world();
    const { digest: previous } = log.inForce.policies.get("production")!;
    const svnFloor = { ...policyPredicate(set).svnFloor, "os-image": 2 };
    const index = log.smuggle(
      await signStatement("policy", policyPredicate(set, { version: 2, previous, svnFloor }), [keys.policy]),
    );
    const policies = new Map(log.inForce.policies).set("production", {
      index,
      version: 2,
      digest: log.envelopes[index]!.payloadDigest,
    });
    log.inForce = { ...log.inForce, policies, changedAt: log.inForce.size };
    await addStatus(log);
    expect(await refusal(verify(await log.bundle("production"), pin))).toBe("entry-below-svn-floor");
  });
});

describe("step 6, remembered state", () => {
  it("refuses a smaller tree than was seen", async () => {
    const { log, pin } = await world();
    const { state } = await verify(await log.bundle("production"), pin);
    const remembered = { ...state, checkpoint: await seenTree(treeOf(state).size + 1) };
    expect(await refusal(verify(await log.bundle("production"), pin, { remembered }))).toBe(
      "checkpoint-rolled-back",
    );
  });

  it("refuses a grown tree without a consistency proof, or with one from another size", async () => {
    const { log, pin } = await world();
    const { state } = await verify(await log.bundle("production"), pin);
    await log.add(await signStatement("platform", platformPredicate("other"), [keys.publisher]));
    expect(await refusal(verify(await log.bundle("production"), pin, { remembered: state }))).toBe(
      "consistency-missing",
    );
    expect(await refusal(verify(await log.bundle("production", {}, 3), pin, { remembered: state }))).toBe(
      "consistency-missing",
    );
  });

  it("refuses a forked log: same size, and grown from another history", async () => {
    const { log, pin } = await world();
    const { state } = await verify(await log.bundle("production"), pin);
    const forked = { ...state, checkpoint: await seenTree(treeOf(state).size) };
    expect(await refusal(verify(await log.bundle("production"), pin, { remembered: forked }))).toBe(
      "log-forked",
    );
    await log.add(await signStatement("platform", platformPredicate("other"), [keys.publisher]));
    const grown = await log.bundle("production", {}, treeOf(state).size);
    expect(await refusal(verify(grown, pin, { remembered: forked }))).toBe("consistency-broken");
  });
});

describe("bytes", () => {
  it("refuses what is no bundle, naming where", async () => {
    const { log, pin } = await world();
    const text = new TextDecoder().decode(bundleBytes(await log.bundle("production")));
    const broken = [
      "",
      "{}",
      "[]",
      text.slice(0, -1),
      text.replace('"historical":false', '"historical":0'),
      `${text} x`,
      text.replace("{", '{"extra":1,'),
    ];
    for (const wrong of broken) {
      expect(
        await refusal(
          verifyBundle(new TextEncoder().encode(wrong), {
            pin,
            policy: "production",
            now: NOW,
            remembered: null,
          }),
        ),
      ).toBe("malformed");
    }
  });

  it("accepts no bundle in which one bit was flipped, and throws nothing unforeseen", async () => {
    const { log, pin } = await world();
    const bytes = bundleBytes(await log.bundle("production"));
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (position, bit) => {
        const flipped = Uint8Array.from(bytes);
        flipped[position] = (flipped[position] ?? 0) ^ (1 << bit);
        const result = await refusal(
          verifyBundle(flipped, { pin, policy: "production", now: NOW, remembered: null }),
        );
        expect(result).not.toBe("accepted");
      }),
      { numRuns: 300 },
    );
  });

  it("gives up on a bundle that is cut anywhere", async () => {
    const { log, pin } = await world();
    const bytes = bundleBytes(await log.bundle("production"));
    for (let length = 0; length < bytes.length; length += 97) {
      expect(
        await refusal(
          verifyBundle(bytes.subarray(0, length), { pin, policy: "production", now: NOW, remembered: null }),
        ),
      ).toBe("malformed");
    }
  });
});

/** The release set, but for a platform that a key without a role for it signed. */
async function signReleaseSetBy(all: TestKeys): Promise<ReleaseSet> {
  const platform = await signStatement("platform", platformPredicate("h100-vm", "1.0"), [all.otherPublisher]);
  return { ...set, platform };
}
