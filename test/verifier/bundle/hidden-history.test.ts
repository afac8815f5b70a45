// Attacks by whoever runs a log and holds its online keys: another past, a status that lies about what it covers, documents that live for
// too long, a revocation that is shown and not counted. Each is the only fault of a bundle that would else be accepted.
import { beforeAll, describe, expect, it } from "vitest";
import type { PolicyBundle } from "../../../src/protocol/bundle/policy-bundle.ts";
import { formatTime } from "../../../src/protocol/entry/fields.ts";
import type { Predicate } from "../../../src/protocol/entry/kinds.ts";
import type { VerificationError } from "../../../src/protocol/errors.ts";
import type { TrustPin } from "../../../src/verifier/bundle/trust-pin.ts";
import { verifyBundle } from "../../../src/verifier/bundle/verify-bundle.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate, revocationPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { type TestKeys, testKeys } from "../../support/keys.ts";
import { inOrder, type ReleaseSet, signReleaseSet } from "../../support/release-set.ts";
import { signStatement } from "../../support/signing.ts";
import { bundleBytes, SmallLog } from "../../support/small-log.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { ORIGIN } from "../../support/witnesses.ts";

const DAY = 86_400;
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

let keys: TestKeys;
let set: ReleaseSet;
beforeAll(async () => {
  keys = await testKeys();
  set = await signReleaseSet(keys);
});

/** A log with a trust root, a release and a policy; what is changed is not held against the rules of registration. */
async function logWith(policy: Partial<Predicate<"policy">> = {}): Promise<SmallLog> {
  const log = new SmallLog();
  await log.add(await signStatement("trust-root", await trustRootPredicate(keys), [keys.root[0]]));
  for (const envelope of inOrder(set)) await log.add(envelope);
  await smugglePolicy(log, policy);
  return log;
}

async function smugglePolicy(log: SmallLog, change: Partial<Predicate<"policy">>): Promise<void> {
  const envelope = await signStatement("policy", policyPredicate(set, change), [keys.policy]);
  const index = log.smuggle(envelope);
  const policies = new Map([["production", { index, version: 1, digest: envelope.payloadDigest }]]);
  log.inForce = { ...log.inForce, policies, changedAt: log.inForce.size };
}

async function smuggleStatus(log: SmallLog, change: Partial<Predicate<"status">> = {}): Promise<number> {
  const envelope = await signStatement("status", statusPredicate(log.inForce, change), [keys.status]);
  const index = log.smuggle(envelope);
  log.inForce = {
    ...log.inForce,
    status: { index, digest: envelope.payloadDigest, sequence: 1, treeSize: 0, indexRoot: null },
  };
  return index;
}

const pinOf = (log: SmallLog, index = 0, version = 1): TrustPin => ({
  origin: ORIGIN,
  version,
  digest: log.envelopes[index]!.payloadDigest,
});

async function codeOf(bundle: PolicyBundle, pin: TrustPin, now = NOW): Promise<string> {
  const options = { pin, policy: "production", now, remembered: null };
  return verifyBundle(bundleBytes(bundle), options).then(
    () => "accepted",
    (error: VerificationError) => error.code,
  );
}

describe("another past under a pin of trust root version 2", () => {
  /** The real trust root 2 stands in this log behind a first one in which the operator gave the policy role to a key of its own. */
  async function logWithFirstRoot(first: "real" | "the operator's"): Promise<[SmallLog, TrustPin]> {
    const real = await signStatement("trust-root", await trustRootPredicate(keys), [keys.root[0]]);
    const roles = { ...(await trustRootPredicate(keys)).roles };
    const thief = { identities: [], keys: [keys.otherPublisher.keyId], threshold: 1, names: ["*"] };
    const operators = await trustRootPredicate(keys, { roles: { ...roles, policy: [thief] } });
    const log = new SmallLog();
    const faked = first === "the operator's";
    await log.add(faked ? await signStatement("trust-root", operators, [keys.root[0]]) : real);
    for (const envelope of inOrder(set)) await log.add(envelope);
    const signer = faked ? keys.otherPublisher : keys.policy;
    await log.add(await signStatement("policy", policyPredicate(set), [signer]));
    const second = await trustRootPredicate(keys, { version: 2, previous: real.payloadDigest });
    const envelope = await signStatement("trust-root", second, [keys.root[0]]);
    const index = log.smuggle(envelope);
    const trustRoots = [...log.inForce.trustRoots, { index, digest: envelope.payloadDigest, root: second }];
    log.inForce = { ...log.inForce, trustRoots };
    await smuggleStatus(log);
    return [log, pinOf(log, index, 2)];
  }

  it("is accepted where it is the real one", async () => {
    const [log, pin] = await logWithFirstRoot("real");
    expect(await codeOf(await log.bundle("production"), pin)).toBe("accepted");
  });

  it("is refused where the pinned trust root names another predecessor: the operator's policy never counts", async () => {
    const [log, pin] = await logWithFirstRoot("the operator's");
    expect(await codeOf(await log.bundle("production"), pin)).toBe("trust-root-chain");
  });
});

describe("a status that lies about what it covers", () => {
  it("is refused when its treeSize is above its own index: it would speak of entries after it", async () => {
    const log = await logWith();
    const index = log.envelopes.length;
    await smuggleStatus(log, { treeSize: index + 1 });
    expect(await codeOf(await log.bundle("production"), pinOf(log))).toBe("status-disagrees");
    const honest = await logWith();
    await smuggleStatus(honest, { treeSize: index });
    expect(await codeOf(await honest.bundle("production"), pinOf(honest))).toBe("accepted");
  });

  it("is refused when it has an index that the trust root does not ask for, and when it lacks one that it asks for", async () => {
    const log = await logWith();
    await smuggleStatus(log, { index: { size: log.inForce.size, root: "0".repeat(64) } });
    expect(await codeOf(await log.bundle("production"), pinOf(log))).toBe("status-disagrees");
    const indexed = await logWith();
    const place = { version: 2, previous: indexed.envelopes[0]!.payloadDigest };
    const second = await trustRootPredicate(keys, { ...place, index: true });
    await indexed.add(await signStatement("trust-root", second, [keys.root[0]]));
    await smuggleStatus(indexed, { index: null });
    expect(await codeOf(await indexed.bundle("production"), pinOf(indexed))).toBe("status-disagrees");
  });

  it.each([
    ["one below", -1, "status-disagrees"],
    ["at", 0, "status-disagrees"],
    ["one above", 1, "accepted"],
  ])("is judged by a treeSize %s the index of the trust root that it names", async (_, offset, result) => {
    const log = await logWith();
    const second = await trustRootPredicate(keys, { version: 2, previous: log.envelopes[0]!.payloadDigest });
    const index = await log.add(await signStatement("trust-root", second, [keys.root[0]]));
    await smuggleStatus(log, { treeSize: index + offset });
    expect(await codeOf(await log.bundle("production"), pinOf(log))).toBe(result);
  });
});

describe("a document that lives for too long", () => {
  const { maxStatusAge, maxPolicyLifetime } = { maxStatusAge: 7 * DAY, maxPolicyLifetime: 90 * DAY };

  it.each([
    ["as long as the trust root allows", 0, "accepted"],
    ["a second longer", 1, "status-expired"],
  ])("status: %s", async (_, more, result) => {
    const log = await logWith();
    await smuggleStatus(log, { expires: formatTime(later(maxStatusAge + more)) });
    expect(await codeOf(await log.bundle("production"), pinOf(log))).toBe(result);
  });

  it.each([
    ["as long as the trust root allows", 0, "accepted"],
    ["a second longer", 1, "policy-not-in-force"],
  ])("policy: %s", async (_, more, result) => {
    const validFrom = formatTime(NOW);
    const log = await logWith({ validFrom, expires: formatTime(later(maxPolicyLifetime + more)) });
    await smuggleStatus(log);
    expect(await codeOf(await log.bundle("production"), pinOf(log))).toBe(result);
  });

  it.each([
    ["a second before it is valid", 60, 59, "policy-not-in-force"],
    ["when it begins", 60, 60, "accepted"],
  ])("a policy is not in force %s", async (_, start, now, result) => {
    const log = await logWith({ validFrom: formatTime(later(start)) });
    await smuggleStatus(log);
    expect(await codeOf(await log.bundle("production"), pinOf(log), later(now))).toBe(result);
  });
});

describe("a revocation of a key that is shown beside an older status", () => {
  /** The stolen publisher key signed entry 1. */
  async function shownWith(fromIndex: number, toIndex: number): Promise<string> {
    const log = await logWith();
    const status = await smuggleStatus(log);
    const range = { keyId: keys.publisher.keyId, fromIndex, toIndex };
    const revocation = revocationPredicate({ keys: [range] });
    const index = await log.add(await signStatement("revocation", revocation, [keys.revocation]));
    const bundle = await log.bundle("production", {
      status: log.logged(status),
      revocations: [log.logged(index)],
    });
    return codeOf(bundle, pinOf(log));
  }

  it.each([
    ["holds what it signed", 1, 2, "entry-revoked"],
    ["ends before what it signed", 0, 1, "accepted"],
    ["begins after what it signed", 50, 60, "accepted"],
  ])("counts where its range %s", async (_, from, to, result) => {
    expect(await shownWith(from, to)).toBe(result);
  });

  it("counts for the policy's and the status' keys, too", async () => {
    for (const [key, code] of [
      [keys.policy, "policy-revoked"],
      [keys.status, "entry-revoked"],
    ] as const) {
      const log = await logWith();
      const status = await smuggleStatus(log);
      const revocation = revocationPredicate({ keys: [{ keyId: key.keyId, fromIndex: 0, toIndex: 99 }] });
      const index = await log.add(await signStatement("revocation", revocation, [keys.revocation]));
      const shown = { status: log.logged(status), revocations: [log.logged(index)] };
      expect(await codeOf(await log.bundle("production", shown), pinOf(log))).toBe(code);
    }
  });
});
