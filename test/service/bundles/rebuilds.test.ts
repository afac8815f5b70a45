// A policy that demands rebuilds is registered at once, and served as current when the rebuilds are there.
import { afterEach, beforeEach, expect, test } from "vitest";
import { verifyBundle } from "../../../src/verifier/bundle/verify-bundle.ts";
import { policyPredicate, revocationPredicate } from "../../support/document-predicates.ts";
import { testKeys } from "../../support/keys.ts";
import { rebuildPredicate } from "../../support/release-predicates.ts";
import { inOrder, type ReleaseSet, signReleaseSet } from "../../support/release-set.ts";
import { problemOf, ServiceHarness } from "../../support/service-harness.ts";
import { referenceOf, signStatement } from "../../support/signing.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { ORIGIN } from "../../support/witnesses.ts";

let service: ServiceHarness;
let set: ReleaseSet;

beforeEach(async () => {
  const keys = await testKeys();
  const { roles } = await trustRootPredicate(keys);
  const rebuilders = {
    identities: [],
    keys: [keys.otherPublisher.keyId],
    threshold: 1,
    names: ["rebuilder/*"],
  };
  const publisher = [...roles.publisher, { ...rebuilders, kinds: ["rebuild" as const] }];
  service = await ServiceHarness.start({ trustRoot: { roles: { ...roles, publisher } } });
  set = await signReleaseSet(keys);
  const rule = {
    threshold: 1,
    keys: [keys.otherPublisher.keyId],
    kinds: ["os-image" as const],
    differs: "refuse" as const,
  };
  const predicate = policyPredicate(set, { rebuilds: rule }, service.logHarness.clock.now);
  await service.log.publish([...inOrder(set), await signStatement("policy", predicate, [keys.policy])]);
});
afterEach(() => service.stop());

const bundle = () => service.get("/v1/policies/production");

async function publishRebuild(result: "equal" | "differs", name: string) {
  const predicate = rebuildPredicate(referenceOf<"os-image">(set.image), result, name);
  const envelope = await signStatement("rebuild", predicate, [service.keys.otherPublisher]);
  await service.log.publish([envelope]);
  return envelope;
}

test("is not served before, and is when one is logged", async () => {
  const refused = await bundle();
  expect(await problemOf(refused)).toMatchObject({
    code: "bundle-not-acceptable",
    reason: "entry-not-rebuilt",
  });
  await publishRebuild("equal", "rebuilder/guest");
  // A refusal is remembered for some seconds, unless what is in force changes.
  const { clock } = service.logHarness;
  clock.now = new Date(clock.now.getTime() + 60_000);
  const answer = await bundle();
  expect(answer.status).toBe(200);
  const verified = await verifyBundle(new Uint8Array(await answer.arrayBuffer()), {
    pin: { origin: ORIGIN, version: 1, digest: service.log.read.inForce.trustRoots[0]?.digest ?? "" },
    policy: "production",
    now: service.logHarness.clock.now,
    remembered: null,
  });
  expect(verified.rebuilds.map(({ entry }) => entry)).toEqual(["rebuild/rebuilder/guest@1"]);
});

test("is served no more when somebody got something else, until that is revoked", async () => {
  await publishRebuild("equal", "rebuilder/guest");
  const other = await publishRebuild("differs", "rebuilder/other");
  expect(await problemOf(await bundle())).toMatchObject({ reason: "entry-rebuilt-otherwise" });
  const revocation = revocationPredicate({ digests: [other.payloadDigest] });
  await service.log.publish([await signStatement("revocation", revocation, [service.keys.revocation])]);
  expect((await bundle()).status).toBe(200);
});
