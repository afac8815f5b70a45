// A bundle that is filled from another log whose roles are the same keys: an operator of both cannot make one answer for the other.
import { beforeEach, expect, it } from "vitest";
import type { LoggedEntry, PolicyBundle } from "../../../src/protocol/bundle/policy-bundle.ts";
import type { TrustRoot } from "../../../src/protocol/entry/trust-root.ts";
import { verifyBundle } from "../../../src/verifier/bundle/verify-bundle.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate, revocationPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { inOrder, type ReleaseSet } from "../../support/release-set.ts";
import { signStatement } from "../../support/signing.ts";
import { bundleBytes } from "../../support/small-log.ts";
import { logKey, ORIGIN, tlogPolicy, witnessKey } from "../../support/witnesses.ts";

const OTHER = "other.example/log";
let other: FoundedLog;
let log: FoundedLog;
let set: ReleaseSet;
let identity: Pick<TrustRoot, "origin" | "logPolicy">;
beforeEach(async () => {
  const logPolicy = tlogPolicy(await logKey(OTHER), [await witnessKey("own.example")]);
  identity = { origin: OTHER, logPolicy };
  other = await FoundedLog.found(identity);
  log = await FoundedLog.found();
  set = await log.publishRelease();
  for (const envelope of inOrder(set)) await other.add(envelope);
  await log.publishPolicy(set);
  await log.publishStatus();
});

/** What a verifier says of this log's bundle with a change in it. */
async function verdict(change: (honest: PolicyBundle) => Partial<PolicyBundle>): Promise<string> {
  const honest = await log.bundle("production");
  const pin = { origin: ORIGIN, version: 1, digest: log.envelopes[0]!.payloadDigest };
  const bytes = bundleBytes({ ...honest, ...change(honest) });
  return outcomeOf(() => verifyBundle(bytes, { pin, policy: "production", now: NOW, remembered: null }));
}

/** The other log's newest entry, put into this log's tree. */
const smuggleNewest = (): LoggedEntry => log.logged(log.smuggle(other.envelopes.at(-1)!));

it("accepts this log's own", async () => {
  expect(await verdict(() => ({}))).toBe("accepted");
});

it("refuses the other log's policy, though this log's own status names it", async () => {
  const policy = await other.publishPolicy(set, { origin: OTHER, version: 1, previous: null });
  const index = log.smuggle(policy);
  const named = new Map([["production", { index, version: 1, digest: policy.payloadDigest }]]);
  const status = statusPredicate({ ...log.inForce, policies: named, changedAt: index + 1 });
  const at = log.smuggle(await signStatement("status", status, [log.keys.status]));
  const change = () => ({ policy: log.logged(index), status: log.logged(at) });
  expect(await verdict(change)).toBe("policy-not-authorised");
});

it("refuses the other log's revocation, which would turn a verifier away from a good release", async () => {
  const revocation = revocationPredicate({ origin: OTHER, digests: [set.image.payloadDigest] });
  await other.publish("revocation", revocation, [other.keys.revocation]);
  const revocations = [smuggleNewest()];
  expect(await verdict(() => ({ revocations }))).toBe("entry-not-authorised");
});

it("refuses the other log's status, bound by the digest of its trust root", async () => {
  await other.publish("policy", policyPredicate(set, { origin: OTHER }), [other.keys.policy]);
  await other.publishStatus();
  const status = smuggleNewest();
  expect(await verdict(() => ({ status }))).toBe("status-disagrees");
});

it("refuses the other log's next trust root in the chain, and one of its origin that follows on this log's", async () => {
  await other.publish("trust-root", await other.nextRoot(identity), other.keys.root);
  const next = smuggleNewest();
  expect(await verdict(({ trustRoots }) => ({ trustRoots: [...trustRoots, next] }))).toBe("trust-root-chain");
  const follower = await signStatement("trust-root", await log.nextRoot(identity), log.keys.root);
  const following = log.logged(log.smuggle(follower));
  expect(await verdict(({ trustRoots }) => ({ trustRoots: [...trustRoots, following] }))).toBe(
    "trust-root-pin",
  );
});
