// Bundles of a log that colludes with a signer: what registration would have refused is refused again by whoever verifies.
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { PolicyBundle } from "../../../src/protocol/bundle/policy-bundle.ts";
import type { Profile } from "../../../src/protocol/entry/policy.ts";
import type { VerificationError } from "../../../src/protocol/errors.ts";
import type { TrustPin } from "../../../src/verifier/bundle/trust-pin.ts";
import { verifyBundle } from "../../../src/verifier/bundle/verify-bundle.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { type TestKeys, testKeys } from "../../support/keys.ts";
import { inOrder, type ReleaseSet, signReleaseSet } from "../../support/release-set.ts";
import { signStatement } from "../../support/signing.ts";
import { bundleBytes, SmallLog } from "../../support/small-log.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { ORIGIN } from "../../support/witnesses.ts";

let keys: TestKeys;
let set: ReleaseSet;
beforeAll(async () => {
  keys = await testKeys();
  set = await signReleaseSet(keys);
});

/** A log whose policy has this change in its profile, whatever the rules say of it, and a status that names it. */
async function logWith(
  change: (profile: Profile) => Partial<Profile>,
  treeSize?: (log: SmallLog) => number,
): Promise<{ log: SmallLog; pin: TrustPin }> {
  const log = new SmallLog();
  await log.add(await signStatement("trust-root", await trustRootPredicate(keys), [keys.root[0]]));
  for (const envelope of inOrder(set)) await log.add(envelope);
  const honest = policyPredicate(set);
  const profiles = honest.profiles.map((profile) => ({ ...profile, ...change(profile) }));
  const policy = await signStatement("policy", { ...honest, profiles }, [keys.policy]);
  const index = log.smuggle(policy);
  const policies = new Map([["production", { index, version: 1, digest: policy.payloadDigest }]]);
  log.inForce = { ...log.inForce, policies };
  const stated = treeSize === undefined ? {} : { treeSize: treeSize(log) };
  const status = await signStatement("status", statusPredicate(log.inForce, stated), [keys.status]);
  const at = log.smuggle(status);
  log.inForce = {
    ...log.inForce,
    status: { index: at, digest: status.payloadDigest, sequence: 1, treeSize: 0, indexRoot: null },
  };
  return { log, pin: { origin: ORIGIN, version: 1, digest: log.envelopes[0]!.payloadDigest } };
}

async function codeOf(bundle: PolicyBundle, pin: TrustPin): Promise<string> {
  const options = { pin, policy: "production", now: NOW, remembered: null };
  return verifyBundle(bundleBytes(bundle), options).then(
    () => "accepted",
    (error: VerificationError) => error.code,
  );
}

it("accepts the same log without the attack", async () => {
  const { log, pin } = await logWith(() => ({}));
  expect(await codeOf(await log.bundle("production"), pin)).toBe("accepted");
});

describe("references that registration refuses", () => {
  it("refuses one entry in two roles: the platform once more as firmware", async () => {
    const { log, pin } = await logWith(({ platforms, gspFirmware }) => ({
      gspFirmware: { ...gspFirmware, digest: platforms[0]!.digest },
    }));
    expect(await codeOf(await log.bundle("production"), pin)).toBe("entry-wrong");
  });

  it.each([
    ["first", 0],
    ["last", 1],
  ])("refuses one entry under two names, the wrong one %s", async (_, wrong) => {
    const { log, pin } = await logWith(({ platforms: [platform] }) => ({
      platforms: [0, 1].map((i) => (i === wrong ? { ...platform!, name: "friendly-name" } : platform!)),
    }));
    expect(await codeOf(await log.bundle("production"), pin)).toBe("entry-wrong");
  });

  it("refuses an entry that is there twice", async () => {
    const { log, pin } = await logWith(() => ({}));
    const bundle = await log.bundle("production");
    const entries = [...bundle.entries, bundle.entries[0]!];
    expect(await codeOf({ ...bundle, entries }, pin)).toBe("entry-wrong");
  });
});

describe("a status that names what it cannot have summarised", () => {
  it("refuses a policy at an index that is not below its treeSize", async () => {
    const { log, pin } = await logWith(
      () => ({}),
      (l) => l.envelopes.length - 1,
    );
    expect(await codeOf(await log.bundle("production"), pin)).toBe("status-disagrees");
  });
});

it("imports no key of a chain before it has met the pin", async () => {
  const { log, pin } = await logWith(() => ({}));
  const bundle = await log.bundle("production");
  const imports = vi.spyOn(crypto.subtle, "importKey");
  expect(await codeOf(bundle, { ...pin, digest: "0".repeat(64) })).toBe("trust-root-pin");
  expect(imports).not.toHaveBeenCalled();
  imports.mockRestore();
});
