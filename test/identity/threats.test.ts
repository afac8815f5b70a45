// The threats to publishing by an identity, one by one: each attack is made on the rules, on a verifier and on an auditor.
import { beforeAll, describe, expect, it } from "vitest";
import { formatTime } from "../../src/protocol/entry/fields.ts";
import type { IdentityRule } from "../../src/protocol/entry/identity-rule.ts";
import type { Predicate } from "../../src/protocol/entry/kinds.ts";
import { type Envelope, makeEnvelope, recordAt } from "../../src/protocol/envelope/dsse.ts";
import { formatStatement } from "../../src/protocol/envelope/statement.ts";
import { formatTrustFile, parseTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import { verifyBundle } from "../../src/verifier/bundle/verify-bundle.ts";
import { auditServed, placesOf, serve } from "../auditor/served-log.ts";
import { NOW } from "../support/clock.ts";
import { revocationPredicate } from "../support/document-predicates.ts";
import type { FoundedLog } from "../support/founded-log.ts";
import {
  identityKeysPredicate,
  identityLog,
  identityRoles,
  nextIdentityKeys,
} from "../support/identity-log.ts";
import { type TestKeys, testKeys } from "../support/keys.ts";
import { FakeProvider, GITHUB, releaseRule } from "../support/provider.ts";
import { outcomeOf } from "../support/refusals.ts";
import { platformPredicate } from "../support/release-predicates.ts";
import { inOrder, signReleaseSet } from "../support/release-set.ts";
import { bundleBytes } from "../support/small-log.ts";

const HOUR = 3_600_000;
const later = (ms: number) => new Date(NOW.getTime() + ms);

let provider: FakeProvider;
let rotated: FakeProvider;
let keys: TestKeys;
beforeAll(async () => {
  provider = await FakeProvider.create("kid-1");
  rotated = await FakeProvider.create("kid-2");
  keys = await testKeys();
});

/** Puts the platform of a release on the log although the rules refuse it, and the rest as if nothing were wrong. */
async function goOn(log: FoundedLog, smuggled: Envelope): Promise<FoundedLog> {
  const set = await signReleaseSet(keys);
  log.smuggle(recordAt(smuggled, formatTime(log.now)));
  for (const entry of inOrder(set)) if (entry.payloadDigest !== smuggled.payloadDigest) await log.add(entry);
  await log.publishPolicy(set);
  await log.publishStatus();
  return log;
}

async function verdict(log: FoundedLog, change: Parameters<FoundedLog["bundle"]>[1] = {}): Promise<string> {
  const { digest, root } = log.inForce.trustRoots[0]!;
  const pin = { origin: root.origin, version: 1, digest };
  const bundle = bundleBytes(await log.bundle("production", change));
  return outcomeOf(() => verifyBundle(bundle, { pin, policy: "production", now: NOW, remembered: null }));
}

async function audited(log: FoundedLog) {
  return auditServed(await serve(log), parseTrustFile(formatTrustFile(log.envelopes[0]!)));
}

/** The platform of the release by a token of a provider. */
async function platformBy(
  by: FakeProvider,
  change: Parameters<FakeProvider["sign"]>[1] = {},
): Promise<Envelope> {
  const { platform } = await signReleaseSet(keys);
  return makeEnvelope(platform.payload, [await by.sign(platform.payload, change)]);
}

/** What a rule does not take, at all three places. */
async function expectRefused(log: FoundedLog, envelope: Envelope, code: string): Promise<void> {
  expect(await outcomeOf(() => log.add(envelope))).toBe(code);
  const index = log.envelopes.length;
  await goOn(log, envelope);
  expect(await verdict(log)).toBe("entry-not-authorised");
  const finding = code === "token-invalid" ? "entry-signature" : `rule-${code}`;
  expect(placesOf(await audited(log))).toContain(`${finding}@${index}`);
}

describe("the provider lies, or its key is stolen", () => {
  const twoOfBoth = async () => {
    const { roles, identities } = await identityRoles(keys);
    const [first, ...others] = roles.publisher;
    const rest = { ...first!, identities: [], kinds: first!.kinds.filter((kind) => kind !== "platform") };
    const publisher = [{ ...first!, kinds: ["platform" as const], threshold: 2 }, rest, ...others];
    return { roles: { ...roles, publisher }, identities };
  };

  it("a threshold with a key is not met by tokens, however many", async () => {
    const log = await identityLog([provider], await twoOfBoth());
    const { payload } = await platformBy(provider);
    const tokens = [await provider.sign(payload), await provider.sign(payload)];
    await expectRefused(log, makeEnvelope(payload, tokens), "not-authorised");
  });

  it("and is met by the key beside one", async () => {
    const log = await identityLog([provider], await twoOfBoth());
    const { platform } = await signReleaseSet(keys);
    await log.add(
      makeEnvelope(platform.payload, [...platform.signatures, await provider.sign(platform.payload)]),
    );
    for (const entry of inOrder(await signReleaseSet(keys))) await log.add(entry);
    await log.publishPolicy(await signReleaseSet(keys));
    await log.publishStatus();
    expect(await verdict(log)).toBe("accepted");
    expect(placesOf(await audited(log))).toEqual([]);
  });

  it("revoking the keys as they were logged ends it at once, for what comes and for what verifiers are shown", async () => {
    const log = await identityLog([provider]);
    await log.add(await platformBy(provider));
    const digests = [log.envelopes[1]!.payloadDigest];
    await log.publish("revocation", revocationPredicate({ digests }), [keys.revocation]);
    const next = await provider.signStatement("platform", platformPredicate("next"));
    expect(await outcomeOf(() => log.add(next))).toBe("identity-refused");
    const set = await signReleaseSet(keys);
    for (const entry of inOrder(set)) await log.add(entry);
    await log.publishPolicy(set);
    await log.publishStatus();
    expect(await verdict(log)).toBe("entry-not-authorised");
    expect(placesOf(await audited(log))).toEqual([]);
  });

  it("revoking the rule for a range takes what was published in it, and lets go on after", async () => {
    const log = await identityLog([provider]);
    const index = await log.add(await platformBy(provider));
    const identities = [{ rule: releaseRule.id, fromIndex: index, toIndex: index + 3 }];
    await log.publish("revocation", revocationPredicate({ identities }), [keys.revocation]);
    const next = (name: string) => provider.signStatement("platform", platformPredicate(name));
    const inRange = await next("in-range");
    expect(await outcomeOf(() => log.add(inRange))).toBe("key-revoked");
    const set = await signReleaseSet(keys);
    for (const entry of inOrder(set)) await log.add(entry);
    expect(await outcomeOf(async () => log.add(await next("after")))).toBe("accepted");
    expect(await outcomeOf(() => log.publishPolicy(set))).toBe("reference-revoked");
  });
});

describe("keys that a provider never had", () => {
  it("are not planted by the log's operator: people sign them", async () => {
    const log = await identityLog([provider]);
    const planted = nextIdentityKeys(log, [rotated], "2026-11-23T11:00:00Z");
    for (const signers of [[], [keys.status], [keys.root[0]], [keys.publisher, keys.policy]])
      expect(await outcomeOf(() => log.publish("identity-keys", planted, signers))).toBe("not-authorised");
    expect(await outcomeOf(() => log.publish("identity-keys", planted, keys.root))).toBe("accepted");
  });

  it("nor by a pipeline, whatever its token", async () => {
    const log = await identityLog([provider]);
    const planted = nextIdentityKeys(log, [rotated], "2026-11-23T11:00:00Z");
    const envelope = await provider.signStatement("identity-keys", planted, {}, keys.root);
    expect(await outcomeOf(() => log.add(envelope))).toBe("not-authorised");
  });

  it("nor under another name of the same provider, of another log, or out of turn", async () => {
    const log = await identityLog([provider]);
    const next = nextIdentityKeys(log, [rotated], "2026-11-23T11:00:00Z");
    const tries: ReadonlyArray<readonly [Partial<Predicate<"identity-keys">>, string]> = [
      [{ name: "other", version: 1, previous: null }, "wrong-predecessor"],
      [{ issuer: "https://evil.example" }, "wrong-predecessor"],
      [{ version: 3 }, "wrong-predecessor"],
      [{ retrievedAt: "2026-11-23T09:00:00Z" }, "wrong-predecessor"],
      [{ origin: "other.example/log" }, "wrong-origin"],
    ];
    for (const [change, code] of tries)
      expect(await outcomeOf(() => log.publish("identity-keys", { ...next, ...change }, keys.root))).toBe(
        code,
      );
  });

  it("do not count for what stands below them", async () => {
    const log = await identityLog([provider]);
    const early = await platformBy(rotated);
    await log.publish(
      "identity-keys",
      nextIdentityKeys(log, [provider, rotated], "2026-11-23T11:00:00Z"),
      keys.root,
    );
    // The auditor of a log that put the entry first knows the keys by then, and not at that index.
    const other = await identityLog([provider]);
    const index = other.smuggle(recordAt(early, formatTime(NOW)));
    await other.publish(
      "identity-keys",
      nextIdentityKeys(other, [provider, rotated], "2026-11-23T11:00:00Z"),
      keys.root,
    );
    const set = await signReleaseSet(keys);
    for (const entry of inOrder(set)) if (entry.payloadDigest !== early.payloadDigest) await other.add(entry);
    await other.publishPolicy(set);
    await other.publishStatus();
    expect(await verdict(other)).toBe("entry-not-authorised");
    expect(placesOf(await audited(other))).toContain(`rule-identity-refused@${index}`);
    expect(await outcomeOf(() => log.add(early))).toBe("accepted");
  });
});

describe("a provider that changes its keys", () => {
  it("is followed: old keys for a day, new ones from their entry on, and what was published stays authorised", async () => {
    const log = await identityLog([provider]);
    await log.add(await platformBy(provider));
    const retrievedAt = formatTime(later(HOUR));
    await log.publish("identity-keys", nextIdentityKeys(log, [rotated], retrievedAt), keys.root);
    const at = async (by: FakeProvider, ms: number, name: string) => {
      log.now = later(ms);
      const envelope = await by.signStatement("platform", platformPredicate(name), { now: log.now });
      return outcomeOf(() => log.add(envelope));
    };
    expect(await at(provider, 2 * HOUR, "old")).toBe("accepted");
    expect(await at(rotated, 2 * HOUR, "new")).toBe("accepted");
    expect(await at(provider, 25 * HOUR, "last")).toBe("accepted");
    expect(await at(provider, 25 * HOUR + 1000, "too-late")).toBe("identity-refused");
    expect(await at(rotated, 26 * HOUR, "still-new")).toBe("accepted");
    const set = await signReleaseSet(keys);
    for (const entry of inOrder(set)) await log.add(entry);
    await log.publishPolicy(set);
    await log.publishStatus();
    expect(await verdict(log)).toBe("accepted");
    const report = await audited(log);
    expect([placesOf(report), report.unconfirmed]).toEqual([[], []]);
  });

  it("is shown whole: a bundle without its newest keys, or without an earlier one, is refused", async () => {
    const log = await identityLog([provider]);
    await log.add(await platformBy(provider));
    await log.publish("identity-keys", nextIdentityKeys(log, [rotated], formatTime(later(HOUR))), keys.root);
    const set = await signReleaseSet(keys);
    for (const entry of inOrder(set)) await log.add(entry);
    await log.publishPolicy(set);
    await log.publishStatus();
    const { identityKeys } = await log.bundle("production");
    expect(await verdict(log)).toBe("accepted");
    expect(await verdict(log, { identityKeys: identityKeys.slice(0, 1) })).toBe("status-disagrees");
    expect(await verdict(log, { identityKeys: identityKeys.slice(1) })).toBe("entry-wrong");
    expect(await verdict(log, { identityKeys: [...identityKeys].reverse() })).toBe("entry-wrong");
    expect(await verdict(log, { identityKeys: [] })).toBe("entry-not-authorised");
  });
});

describe("a log that says another time", () => {
  it("does not go back: an old token is not good again", async () => {
    const log = await identityLog([provider]);
    await log.add(await provider.signStatement("platform", platformPredicate("first")));
    const index = log.envelopes.length;
    const stolen = await platformBy(provider, { now: later(-2 * HOUR) });
    log.now = later(-2 * HOUR);
    expect(await outcomeOf(() => log.add(stolen))).toBe("recorded-at-wrong");
    await goOn(log, stolen);
    expect(placesOf(await audited(log))).toContain(`rule-recorded-at-wrong@${index}`);
  });

  it("is not believed: without a checkpoint that was cosigned soon, an entry counts for no verifier", async () => {
    const log = await identityLog([provider]);
    const stolen = await platformBy(provider, { now: later(-2 * HOUR) });
    log.now = later(-2 * HOUR);
    const index = await log.add(stolen);
    const set = await signReleaseSet(keys);
    for (const entry of inOrder(set)) await log.add(entry);
    await log.publishPolicy(set);
    await log.publishStatus();
    const proof = (await log.bundle("production")).confirmations[0]!.proof;
    const checkpointAt = async (ms: number) => [
      { index, proof, checkpoint: await log.checkpoint(index + 1, later(-2 * HOUR + ms)) },
    ];
    expect(await verdict(log, { confirmations: await checkpointAt(300_000) })).toBe("accepted");
    expect(await verdict(log, { confirmations: await checkpointAt(301_000) })).toBe("identity-unconfirmed");
    expect(await verdict(log, { confirmations: [] })).toBe("identity-unconfirmed");
  });

  it("is shown by the auditor, as no damage", async () => {
    const log = await identityLog([provider]);
    const index = await log.add(await platformBy(provider));
    const served = await serve(log);
    const trust = parseTrustFile(formatTrustFile(log.envelopes[0]!));
    const path = `v1/confirmations/${index}`;
    const encode = (note: string) => new TextEncoder().encode(note);
    const unconfirmed = async () => {
      const { findings, unconfirmed } = await auditServed(served, trust);
      expect(findings).toEqual([]);
      return unconfirmed.map((one) => one.index);
    };
    expect(await unconfirmed()).toEqual([]);
    served.set(path, encode(await log.checkpoint(index + 1, later(301_000))));
    expect(await unconfirmed()).toEqual([index]);
    served.set(path, encode(await log.checkpoint(index, NOW)));
    expect(await unconfirmed()).toEqual([index]);
    served.set(path, encode("no note"));
    expect(await unconfirmed()).toEqual([index]);
    served.delete(path);
    expect(await unconfirmed()).toEqual([index]);
  });
});

describe("what an identity may never do", () => {
  it("a trust root, a status and a provider's keys are signed by keys alone", async () => {
    const log = await identityLog([provider]);
    const root = await log.nextRoot(await identityRoles(keys));
    expect(
      await outcomeOf(async () => log.add(await provider.signStatement("trust-root", root, {}, keys.root))),
    ).toBe("not-authorised");
  });

  const withPolicy = async (rule: IdentityRule, threshold: number, beside: string[]) => {
    const { roles } = await identityRoles(keys);
    const policy = [{ keys: beside, identities: [rule.id], threshold, names: ["*"] }];
    return { roles: { ...roles, policy }, identities: [rule] };
  };

  it("decide about policies alone, or without its environment: such a trust root is none", async () => {
    const log = await identityLog([provider]);
    const { environment: _, ...without } = releaseRule.claims;
    const policyKey = [keys.policy.keyId, keys.otherPublisher.keyId];
    const tries = [
      await withPolicy(releaseRule, 1, policyKey),
      await withPolicy({ ...releaseRule, claims: without }, 2, policyKey),
    ];
    for (const change of tries) {
      const next = await log.nextRoot(change);
      expect(await outcomeOf(() => log.publish("trust-root", next, keys.root))).toBe("trust-root-not-usable");
    }
  });

  it("sign a policy without a key beside it, though two identities meet the threshold", async () => {
    const nightly = { ...releaseRule, id: "nightly" };
    const { roles } = await identityRoles(keys);
    const policy = [{ keys: [], identities: [releaseRule.id, nightly.id], threshold: 2, names: ["*"] }];
    const log = await identityLog([provider], {
      roles: { ...roles, policy },
      identities: [releaseRule, nightly],
    });
    const set = await log.publishRelease();
    const payload = formatStatement("policy", log.nextPolicy(set));
    const second = await provider.sign(payload);
    const asNightly = { ...second, identity: { ...second.identity!, rule: nightly.id } };
    expect(
      await outcomeOf(async () => log.add(makeEnvelope(payload, [await provider.sign(payload), asNightly]))),
    ).toBe("not-authorised");
  });

  it("sign a policy beside a key, where the trust root says so", async () => {
    const log = await identityLog([provider], await withPolicy(releaseRule, 2, [keys.policy.keyId]));
    const set = await log.publishRelease();
    await log.add(await provider.signStatement("policy", log.nextPolicy(set), {}, [keys.policy]));
    await log.publishStatus();
    expect(await verdict(log)).toBe("accepted");
  });
});

describe("rules of a trust root", () => {
  const refuses = async (change: Partial<IdentityRule>) => {
    const log = await identityLog([provider]);
    const next = await log.nextRoot({
      ...(await identityRoles(keys)),
      identities: [{ ...releaseRule, ...change }],
    });
    return outcomeOf(() => log.publish("trust-root", next, keys.root));
  };

  it("pin ids, and nothing that can be given to somebody else", async () => {
    const { claims } = releaseRule;
    const { repository_id: _, ...withoutId } = claims;
    const refused: Partial<IdentityRule>[] = [
      { claims: withoutId },
      ...["repository", "sub", "actor", "email", "repository_owner", "workflow_ref", "ref"].map((name) => ({
        claims: { ...claims, [name]: "acme" },
      })),
      { workflow: null },
      { events: [] },
      { events: ["pull_request" as never] },
      { workflow: { path: "acme/guest/.github/workflows/rеlease.yml", ref: "refs/tags/v*" } },
      { workflow: { path: "acme/guest/.github/workflows/release.yml", ref: "*" } },
      { issuer: "http://token.example" },
      { algorithms: ["HS256" as never] },
      { provider: "generic" },
    ];
    for (const change of refused) expect(await refuses(change), JSON.stringify(change)).toBe("malformed");
  });

  it("are found by their ids, which differ, and need somebody who states the provider's keys", async () => {
    const log = await identityLog([provider]);
    const { roles, identities } = await identityRoles(keys);
    const tries = [
      { roles, identities: [] },
      { roles, identities: [...identities, ...identities] },
      { roles: { ...roles, identityKeys: null }, identities },
    ];
    for (const change of tries) {
      const next = await log.nextRoot(change);
      expect(await outcomeOf(() => log.publish("trust-root", next, keys.root))).toBe("trust-root-not-usable");
    }
  });

  it("of any other provider pin the subject", async () => {
    const rule: IdentityRule = {
      ...releaseRule,
      provider: "generic",
      issuer: "https://ci.example/oidc",
      claims: { sub: "pipeline:74" },
      workflow: null,
      events: [],
    };
    const log = await identityLog([provider], { ...(await identityRoles(keys)), identities: [rule] });
    await log.publish(
      "identity-keys",
      identityKeysPredicate([rotated], { name: "ci", issuer: rule.issuer }),
      keys.root,
    );
    const claims = { iss: rule.issuer, sub: "pipeline:74" };
    const by = (name: string, change: Record<string, unknown>) =>
      rotated.signStatement("platform", platformPredicate(name), { claims: { ...claims, ...change } });
    expect(await outcomeOf(async () => log.add(await by("a", { sub: "pipeline:7" })))).toBe(
      "identity-refused",
    );
    expect(await outcomeOf(async () => log.add(await by("b", { iss: GITHUB })))).toBe("token-invalid");
    expect(await outcomeOf(async () => log.add(await by("c", {})))).toBe("accepted");
  });
});
