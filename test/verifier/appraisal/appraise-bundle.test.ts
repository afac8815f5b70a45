// A bundle that is refused makes a rejected verdict that names the step, and nothing of the evidence is looked at.
import { beforeAll, describe, expect, test } from "vitest";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import type { Machine } from "../../../src/testing/index.ts";
import { encodeEvidence } from "../../../src/testing/index.ts";
import { APPRAISAL_CHECKS, appraise, appraiseEvidence } from "../../../src/verifier/appraisal/appraise.ts";
import type { VerifyBundleOptions } from "../../../src/verifier/bundle/trust-pin.ts";
import { machineOf, makeWorld, optionsFor, type World } from "../../support/appraisal-world.ts";
import { NOW } from "../../support/clock.ts";
import { revocationPredicate, statusPredicate } from "../../support/document-predicates.ts";
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
  const options = { ...optionsFor(good), pin: world.pin, remembered: null, ...change };
  return appraise(bundle, encodeEvidence(good.evidence), options);
}

test("the bundle and the evidence in one call: trusted, and the state to remember", async () => {
  const { verdict, bundle } = await appraised(world.bundle);
  expect(verdict.verdict).toBe("trusted");
  expect(bundle?.state.checkpoint.size).toBe(world.log.envelopes.length);
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

describe("a bundle that is refused", () => {
  const state = (size: number, root = "00".repeat(32)) => ({
    origin: world.pin.origin,
    trustRootVersion: 1,
    statusSequence: 1,
    checkpoint: { size, root },
    policies: { production: 1 },
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
      "without an entry of the policy",
      "bundle.entries",
      async () => [bundleBytes({ ...(await parsed()), entries: (await parsed()).entries.slice(1) }), {}],
    ],
    [
      "of a shorter log than before",
      "bundle.remembered-state",
      async () => [world.bundle, { remembered: state(99) }],
    ],
    [
      "of a forked log",
      "bundle.remembered-state",
      async () => [world.bundle, { remembered: state(world.log.envelopes.length) }],
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
