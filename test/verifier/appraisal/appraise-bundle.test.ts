// A bundle that is refused makes a rejected verdict that names the step, and nothing of the evidence is looked at.
import { beforeAll, describe, expect, test } from "vitest";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { formatTime } from "../../../src/protocol/entry/fields.ts";
import type { Machine } from "../../../src/testing/index.ts";
import { encodeEvidence } from "../../../src/testing/index.ts";
import { APPRAISAL_CHECKS } from "../../../src/verifier/appraisal/appraisal-checks.ts";
import { appraise, appraiseEvidence } from "../../../src/verifier/appraisal/appraise.ts";
import { treeOf } from "../../../src/verifier/bundle/merge-states.ts";
import type { RememberedState } from "../../../src/verifier/bundle/remembered-state.ts";
import type { VerifyBundleOptions } from "../../../src/verifier/bundle/trust-pin.ts";
import { type VerifiedBundle, verifyBundle } from "../../../src/verifier/bundle/verify-bundle.ts";
import { machineOf, makeWorld, optionsFor, type World } from "../../support/appraisal-world.ts";
import { NOW } from "../../support/clock.ts";
import { revocationPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { seenTree } from "../../support/remembered.ts";
import { signStatement } from "../../support/signing.ts";
import { bundleBytes } from "../../support/small-log.ts";

const HOUR = 3_600_000;
let good: Machine;
let world: World;
beforeAll(async () => {
  good = await machineOf();
  world = await makeWorld(good);
});

async function appraised(bundle: Uint8Array, change: Partial<VerifyBundleOptions> = {}) {
  const options = { ...optionsFor(good), pin: world.pin, policy: "production", remembered: null, ...change };
  return appraise(bundle, encodeEvidence(good.evidence), options);
}

test("the bundle and the evidence in one call: trusted, and the state to remember", async () => {
  const { verdict, bundle } = await appraised(world.bundle);
  expect(verdict.verdict).toBe("trusted");
  expect(bundle && treeOf(bundle.state).size).toBe(world.log.envelopes.length);
});

describe("a bundle that was verified long ago and kept", () => {
  test.each<[number, string, string[]]>([
    [23, "is as good as new", []],
    [24, "has outlived checkpoint and status", ["bundle.checkpoint", "bundle.status"]],
    [31 * 24, "has outlived its policy, too", ["bundle.checkpoint", "bundle.status", "bundle.policy"]],
  ])("%i hours later %s", async (hours, _what, failed) => {
    const now = new Date(NOW.getTime() + hours * HOUR);
    const options = { ...optionsFor(good), now };
    const { checks } = await appraiseEvidence(world.verified, encodeEvidence(good.evidence), options);
    const ofBundle = checks.filter(({ id, outcome }) => id.startsWith("bundle.") && outcome === "fail");
    expect(ofBundle.map(({ id }) => id)).toEqual(failed);
  });
});

describe("the time at which a bundle that was verified is used", () => {
  const SECOND = 1000;
  const from = NOW.getTime();

  async function failuresAt(bundle: VerifiedBundle, now: Date): Promise<string[]> {
    const options = { ...optionsFor(good), now };
    const { checks } = await appraiseEvidence(bundle, encodeEvidence(good.evidence), options);
    const bad = checks.filter(({ id, outcome }) => id.startsWith("bundle.") && outcome === "fail");
    return bad.map(({ id }) => id);
  }

  test("20 days before the policy is valid and the status was issued is refused by name", async () => {
    const options = { ...optionsFor(good), now: new Date(from - 20 * 24 * HOUR) };
    const { verdict, checks } = await appraiseEvidence(
      world.verified,
      encodeEvidence(good.evidence),
      options,
    );
    expect(verdict).toBe("rejected");
    expect(checks.find(({ id }) => id === "bundle.time")).toMatchObject({
      outcome: "fail",
      detail: expect.stringContaining("clock-before-bundle"),
    });
  });

  test("may be 300 seconds before it was verified and no more: clocks differ", async () => {
    expect(await failuresAt(world.verified, new Date(from - 300 * SECOND))).toEqual([]);
    expect(await failuresAt(world.verified, new Date(from - 301 * SECOND))).toEqual(["bundle.time"]);
  });

  test("is never before the policy is valid, within the tolerance either", async () => {
    const validFrom = formatTime(NOW);
    const verified = { ...world.verified, policy: { ...world.verified.policy, validFrom } };
    expect(await failuresAt(verified, NOW)).toEqual([]);
    expect(await failuresAt(verified, new Date(from - SECOND))).toEqual(["bundle.time"]);
  });

  test("counts from the oldest cosignature of the quorum, not from the verification: 172,790 s are too old", async () => {
    const verifiedAt = new Date(from + 86_395 * SECOND);
    const log = await makeWorld(good);
    const verified = await verifyBundle(log.bundle, {
      pin: log.pin,
      policy: "production",
      now: verifiedAt,
      remembered: null,
    });
    expect(verified.cosignedAt).toEqual(NOW);
    expect(await failuresAt(verified, verifiedAt)).toEqual([]);
    expect(await failuresAt(verified, new Date(from + 172_790 * SECOND))).toContain("bundle.checkpoint");
    expect(await failuresAt(verified, new Date(from + 86_400 * SECOND))).toContain("bundle.checkpoint");
  });

  test.each([
    [
      "bundle.trust-root",
      (v: VerifiedBundle, expires: string) => ({ trustRoot: { ...v.trustRoot, expires } }),
    ],
    ["bundle.status", (v: VerifiedBundle, expires: string) => ({ status: { ...v.status, expires } })],
    ["bundle.policy", (v: VerifiedBundle, expires: string) => ({ policy: { ...v.policy, expires } })],
  ])("ends with what ends first: %s", async (id, change) => {
    const expires = new Date(from + HOUR);
    const verified = { ...world.verified, ...change(world.verified, formatTime(expires)) };
    expect(await failuresAt(verified, new Date(expires.getTime() - 1))).toEqual([]);
    expect(await failuresAt(verified, expires)).toEqual([id]);
  });
});

describe("a bundle that is refused", () => {
  const state = async (size: number): Promise<RememberedState> => ({
    ...world.verified.state,
    checkpoint: await seenTree(size),
  });
  const parsed = () => world.log.bundle("production");
  const cases: Array<[string, string, () => Promise<[Uint8Array, Partial<VerifyBundleOptions>]>]> = [
    ["garbage", "bundle.trust-root", async () => [utf8("{}"), {}]],
    ["nothing at all", "bundle.trust-root", async () => [new Uint8Array(), {}]],
    [
      "of another trust root",
      "bundle.trust-root",
      async () => [world.bundle, { pin: { ...world.pin, digest: "00".repeat(32) } }],
    ],
    [
      "with a stale checkpoint",
      "bundle.checkpoint",
      async () => [world.bundle, { now: new Date(NOW.getTime() + 25 * HOUR) }],
    ],
    [
      "with an expired status",
      "bundle.status",
      async () => {
        const now = new Date(NOW.getTime() + 25 * HOUR);
        const checkpoint = await world.log.checkpoint(undefined, now);
        return [bundleBytes({ ...(await parsed()), checkpoint }), { now }];
      },
    ],
    [
      "marked historical",
      "bundle.policy",
      async () => [bundleBytes({ ...(await parsed()), historical: true }), {}],
    ],
    [
      "of another policy than was asked for",
      "bundle.policy",
      async () => [world.bundle, { policy: "other" }],
    ],
    [
      "without an entry of the policy",
      "bundle.entries",
      async () => [bundleBytes({ ...(await parsed()), entries: (await parsed()).entries.slice(1) }), {}],
    ],
    [
      "of a shorter log than before",
      "bundle.remembered-state",
      async () => [world.bundle, { remembered: await state(99) }],
    ],
    [
      "of a forked log",
      "bundle.remembered-state",
      async () => [world.bundle, { remembered: await state(world.log.envelopes.length) }],
    ],
  ];
  test.each(cases)("%s: %s", async (_, id, make) => {
    const [bundle, change] = await make();
    const { verdict, bundle: accepted } = await appraised(bundle, change);
    expect(accepted).toBeNull();
    expect(verdict).toMatchObject({ verdict: "rejected", profile: null, policy: null, checkpoint: null });
    expect(verdict.checks.map((check) => check.id)).toEqual([...APPRAISAL_CHECKS]);
    const at = APPRAISAL_CHECKS.indexOf(id as (typeof APPRAISAL_CHECKS)[number]);
    const wanted = APPRAISAL_CHECKS.map((_, i) => (i < at ? "pass" : i === at ? "fail" : "not-evaluated"));
    expect(verdict.checks.map(({ outcome }) => outcome)).toEqual(wanted);
  });

  test("for naming a revoked image is refused too: revocation reaches machines that were trusted", async () => {
    const { keys, log, pin } = await makeWorld(good);
    const image = log.envelopes.find(({ statement }) => statement.kind === "os-image")!;
    const revocation = revocationPredicate({ digests: [image.payloadDigest] });
    await log.add(await signStatement("revocation", revocation, [keys.revocation]));
    await log.add(await signStatement("status", statusPredicate(log.inForce), [keys.status]));
    const { verdict } = await appraised(bundleBytes(await log.bundle("production")), { pin });
    expect(verdict.checks.find(({ outcome }) => outcome === "fail")).toMatchObject({
      id: "bundle.entries",
      detail: expect.stringContaining("os-image/guest@1.0 is revoked"),
    });
  });
});
