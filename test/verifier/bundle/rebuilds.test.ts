// A policy that demands rebuilds: enough of the keys that it names must have built each release again with the same result, as entries of the log.
import { beforeEach, describe, expect, it } from "vitest";
import type { RebuildRule } from "../../../src/protocol/entry/rebuild-rule.ts";
import type { Envelope } from "../../../src/protocol/envelope/dsse.ts";
import { rebuildWarnings } from "../../../src/verifier/bundle/rebuilds.ts";
import { verifyBundle } from "../../../src/verifier/bundle/verify-bundle.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate, revocationPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { type TestKeys, testKeys } from "../../support/keys.ts";
import { rebuildPredicate } from "../../support/release-predicates.ts";
import { inOrder, type ReleaseSet, signReleaseSet } from "../../support/release-set.ts";
import { referenceOf, signStatement } from "../../support/signing.ts";
import { bundleBytes, SmallLog } from "../../support/small-log.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { ORIGIN } from "../../support/witnesses.ts";

let keys: TestKeys;
let log: SmallLog;
let set: ReleaseSet;
let root: Envelope;

beforeEach(async () => {
  keys = await testKeys();
  log = new SmallLog();
  set = await signReleaseSet(keys);
  const { roles, ...rest } = await trustRootPredicate(keys);
  const rebuilders = {
    keys: [keys.otherPublisher.keyId, keys.policy.keyId],
    identities: [],
    threshold: 1,
    names: ["rebuilder/*"],
  };
  const publisher = [...roles.publisher, { ...rebuilders, kinds: ["rebuild" as const] }];
  const predicate = { ...rest, roles: { ...roles, publisher } };
  root = await signStatement("trust-root", predicate, [keys.root[0]]);
  for (const envelope of [root, ...inOrder(set)]) await log.add(envelope);
});

/** Publishes a rebuild of the image by the rebuilder's key, and returns its index. */
const rebuild = async (result: "equal" | "differs", name = "rebuilder/guest", of = set.image) =>
  log.add(
    await signStatement("rebuild", rebuildPredicate(referenceOf<"os-image">(of), result, name), [
      keys.otherPublisher,
    ]),
  );

async function verify(rule: Partial<RebuildRule> | null, shown: readonly number[]) {
  const rebuilds =
    rule === null
      ? null
      : {
          threshold: 1,
          keys: [keys.otherPublisher.keyId],
          kinds: ["os-image" as const],
          differs: "refuse" as const,
          ...rule,
        };
  await log.add(await signStatement("policy", policyPredicate(set, { rebuilds }), [keys.policy]));
  await log.add(await signStatement("status", statusPredicate(log.inForce), [keys.status]));
  const bundle = await log.bundle("production", { rebuilds: shown.map((index) => log.logged(index)) });
  const pin = { origin: ORIGIN, version: 1, digest: root.payloadDigest };
  return await verifyBundle(bundleBytes(bundle), { pin, policy: "production", now: NOW, remembered: null });
}

const codeOf = (verifying: Promise<unknown>) =>
  verifying.then(
    () => "accepted",
    (error: { code?: string }) => error.code,
  );

describe("a policy that demands a rebuild", () => {
  it("is accepted with one by a key that it names, and the bundle says which", async () => {
    const index = await rebuild("equal");
    const { rebuilds } = await verify({}, [index]);
    expect(rebuilds).toEqual([
      {
        of: "os-image/guest@1.0",
        entry: "rebuild/rebuilder/guest@1",
        index,
        result: "equal",
        keys: [keys.otherPublisher.keyId],
      },
    ]);
  });

  it("is refused without: entry-not-rebuilt", async () => {
    expect(await codeOf(verify({}, []))).toBe("entry-not-rebuilt");
  });

  it("counts each key once, however often it rebuilt", async () => {
    const shown = [await rebuild("equal"), await rebuild("equal", "rebuilder/again")];
    const two = { threshold: 2, keys: [keys.otherPublisher.keyId, keys.policy.keyId] };
    expect(await codeOf(verify(two, shown))).toBe("entry-not-rebuilt");
  });

  it("counts each of the keys that signed one", async () => {
    const predicate = rebuildPredicate(referenceOf<"os-image">(set.image), "equal", "rebuilder/guest");
    const both = [keys.otherPublisher, keys.policy];
    const index = await log.add(await signStatement("rebuild", predicate, both));
    const rule = { threshold: 2, keys: both.map(({ keyId }) => keyId) };
    expect((await verify(rule, [index])).rebuilds).toMatchObject([{ keys: rule.keys }]);
  });

  it("wants it of every release of the kinds", async () => {
    const shown = [await rebuild("equal")];
    expect(await codeOf(verify({ kinds: ["os-image", "driver-build"] }, shown))).toBe("entry-not-rebuilt");
  });

  it("is refused with one that got something else, unless the policy shows it", async () => {
    const shown = [await rebuild("equal"), await rebuild("differs", "rebuilder/other")];
    expect(await codeOf(verify({}, shown))).toBe("entry-rebuilt-otherwise");
  });

  it("may show one that got something else", async () => {
    const shown = [await rebuild("equal"), await rebuild("differs", "rebuilder/other")];
    const { rebuilds } = await verify({ differs: "show" }, shown);
    expect(rebuilds.map(({ result }) => result)).toEqual(["equal", "differs"]);
  });

  it("takes none of a release or by a key that it does not name", async () => {
    const shown = [await rebuild("equal")];
    expect(await codeOf(verify({ keys: [keys.policy.keyId] }, shown))).toBe("entry-wrong");
  });

  it("takes none of a release beside those that it names", async () => {
    const other = await signReleaseSet(keys, "2.0");
    for (const envelope of inOrder(other)) await log.add(envelope);
    const shown = [await rebuild("equal"), await rebuild("equal", "rebuilder/two", other.image)];
    expect(await codeOf(verify({}, shown))).toBe("entry-wrong");
  });

  it("takes none whose key had no role for it", async () => {
    const predicate = rebuildPredicate(referenceOf<"os-image">(set.image), "equal", "rebuilder/guest");
    const index = log.smuggle(await signStatement("rebuild", predicate, [keys.revocation]));
    expect(await codeOf(verify({ keys: [keys.revocation.keyId] }, [index]))).toBe("entry-not-authorised");
  });

  it("does not count one that got something else", async () => {
    const shown = [await rebuild("differs")];
    expect(await codeOf(verify({ differs: "show" }, shown))).toBe("entry-not-rebuilt");
  });

  it("takes no other entry for one", async () => {
    expect(await codeOf(verify({}, [1]))).toBe("entry-wrong");
  });

  it("takes none where it demands none", async () => {
    const index = await rebuild("equal");
    expect(await codeOf(verify(null, [index]))).toBe("entry-wrong");
  });

  it("takes none that is revoked", async () => {
    const index = await rebuild("equal");
    const digests = [log.envelopes[index]!.payloadDigest];
    await log.add(await signStatement("revocation", revocationPredicate({ digests }), [keys.revocation]));
    expect(await codeOf(verify({}, [index]))).toBe("entry-revoked");
  });
});

it("a verdict warns of each rebuild that got something else, by name and index", () => {
  const of = "os-image/guest@1.0";
  const rebuilt = { of, entry: "rebuild/a@1", index: 7, result: "equal" as const, keys: [] };
  const other = { ...rebuilt, entry: "rebuild/b@1", index: 8, result: "differs" as const };
  expect(rebuildWarnings([rebuilt, other])).toEqual([
    "os-image/guest@1.0 was built again with another result: rebuild/b@1, entry 8",
  ]);
});
