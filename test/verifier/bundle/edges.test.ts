// Where a bundle stops being good: the first second, version, index and number that a verifier refuses, beside the last that it takes.
import { describe, expect, it, vi } from "vitest";
import type { PolicyBundle } from "../../../src/protocol/bundle/policy-bundle.ts";
import { formatTime } from "../../../src/protocol/entry/fields.ts";
import type { Predicate } from "../../../src/protocol/entry/kinds.ts";
import { summarise } from "../../../src/protocol/registration/in-force.ts";
import { treeOf } from "../../../src/verifier/bundle/merge-states.ts";
import type { RememberedState } from "../../../src/verifier/bundle/remembered-state.ts";
import type { TrustPin } from "../../../src/verifier/bundle/trust-pin.ts";
import { trustRootAt } from "../../../src/verifier/bundle/trust-root-chain.ts";
import { verifyAndRemember } from "../../../src/verifier/bundle/verify-and-remember.ts";
import { verifyBundle } from "../../../src/verifier/bundle/verify-bundle.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { FoundedLog } from "../../support/founded-log.ts";
import { testKeys } from "../../support/keys.ts";
import { platformPredicate, sha256Of } from "../../support/release-predicates.ts";
import { inOrder, signReleaseSet } from "../../support/release-set.ts";
import { seenTree } from "../../support/remembered.ts";
import { referenceOf, signStatement } from "../../support/signing.ts";
import { bundleBytes, SmallLog } from "../../support/small-log.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { ORIGIN } from "../../support/witnesses.ts";

const inSeconds = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
const pinOf = (log: SmallLog, index = 0, version = 1): TrustPin => ({
  origin: ORIGIN,
  version,
  digest: log.envelopes[index]!.payloadDigest,
});

/** "accepted", or the code and the message of the refusal. */
async function verify(
  bundle: PolicyBundle,
  pin: TrustPin,
  now = NOW,
  remembered: RememberedState | null = null,
): Promise<{ code: string; message: string }> {
  return verifyBundle(bundleBytes(bundle), { pin, policy: "production", now, remembered }).then(
    () => ({ code: "accepted", message: "" }),
    ({ code, message }) => ({ code, message }),
  );
}

/** A log with a policy; no status yet. */
async function logWith(policy: Partial<Predicate<"policy">> = {}): Promise<FoundedLog> {
  const log = await FoundedLog.found();
  await log.publishPolicy(await log.publishRelease(), policy);
  return log;
}

/** Puts a status into the log that registration would refuse, and makes it the one that bundles show. */
async function smuggleStatus(log: FoundedLog, change: Partial<Predicate<"status">>): Promise<void> {
  const status = await signStatement("status", statusPredicate(log.inForce, change), [log.keys.status]);
  const index = log.smuggle(status);
  log.inForce = {
    ...log.inForce,
    status: { index, digest: status.payloadDigest, sequence: 1, treeSize: 0, indexRoot: null },
  };
}

describe("times", () => {
  it("a status may be dated five minutes ahead, and no second more", async () => {
    for (const [ahead, code] of [
      [300, "accepted"],
      [301, "status-expired"],
    ] as const) {
      const log = await logWith();
      const [issuedAt, expires] = [formatTime(inSeconds(ahead)), formatTime(inSeconds(86_400))];
      await log.publishStatus({ issuedAt, expires });
      expect((await verify(await log.bundle("production"), pinOf(log))).code).toBe(code);
    }
  });

  it("a status and a policy are good until the second in which they expire, and not in it", async () => {
    const expires = formatTime(inSeconds(60));
    const status = await logWith();
    await status.publishStatus({ expires });
    const policy = await logWith({ expires });
    await policy.publishStatus();
    for (const [log, code] of [
      [status, "status-expired"],
      [policy, "policy-not-in-force"],
    ] as const) {
      const bundle = await log.bundle("production");
      expect((await verify(bundle, pinOf(log), inSeconds(59))).code).toBe("accepted");
      expect((await verify(bundle, pinOf(log), inSeconds(60))).code).toBe(code);
    }
  });
});

describe("numbers", () => {
  it("an entry whose svn is the policy's floor is taken", async () => {
    const log = await logWith({ svnFloor: { ...policyOf().svnFloor, "os-image": 1 } });
    await log.publishStatus();
    expect((await verify(await log.bundle("production"), pinOf(log))).code).toBe("accepted");
  });

  it("a status that lies about the version or the digest alone is refused, of a trust root and of a policy", async () => {
    const twice = async () => {
      const log = await logWith();
      await log.publishPolicy(releases);
      return log;
    };
    const { trustRoot, policies } = summarise((await twice()).inForce);
    for (const lie of [
      { trustRoot: { ...trustRoot, version: 2 } },
      { trustRoot: { ...trustRoot, digest: sha256Of("another") } },
      { policies: [{ ...policies[0]!, digest: sha256Of("another") }] },
      { policies: [{ ...policies[0]!, version: 1 }] },
    ]) {
      const log = await twice();
      await smuggleStatus(log, lie);
      const { code } = await verify(await log.bundle("production"), pinOf(log));
      expect(code, JSON.stringify(lie)).toBe("status-disagrees");
    }
  });
});

/** A predicate of any release set, for what is the same in all of them. */
function policyOf(): Predicate<"policy"> {
  return policyPredicate(releases);
}
const releases = await signReleaseSet(await testKeys());

describe("the chain of trust roots", () => {
  const founded = async (version: number, index: number) => {
    const keys = await testKeys();
    const log = new SmallLog();
    for (let i = 0; i < index; i++)
      log.smuggle(await signStatement("platform", platformPredicate(`before-${i}`), [keys.publisher]));
    const previous = version === 1 ? null : sha256Of("none");
    const root = await trustRootPredicate(keys, { version, previous });
    log.smuggle(await signStatement("trust-root", root, keys.root));
    const { payloadDigest: digest } = log.envelopes[index]!;
    log.inForce = { ...log.inForce, trustRoots: [{ index, digest, root }], changedAt: index + 1 };
    await log.believe(root);
    for (const entry of inOrder(releases)) await log.add(entry);
    await log.add(await signStatement("policy", policyPredicate(releases), [keys.policy]));
    await log.add(await signStatement("status", statusPredicate(log.inForce), [keys.status]));
    return verify(await log.bundle("production"), { origin: ORIGIN, version: 1, digest });
  };

  it("begins with version 1 at index 0, pinned as it may be", async () => {
    expect((await founded(1, 0)).code).toBe("accepted");
    expect((await founded(1, 1)).code).toBe("trust-root-chain");
    expect((await founded(2, 0)).code).toBe("trust-root-chain");
  });

  it("rises in the log as in its versions", async () => {
    const log = await FoundedLog.found();
    const root2 = await log.nextRoot();
    const second = await signStatement("trust-root", root2, log.keys.root);
    const root3 = { ...root2, version: 3, previous: second.payloadDigest };
    const third = await signStatement("trust-root", root3, log.keys.root);
    const indexes = [log.smuggle(third), log.smuggle(second)].reverse();
    const placed = [
      { index: indexes[0]!, digest: second.payloadDigest, root: root2 },
      { index: indexes[1]!, digest: third.payloadDigest, root: root3 },
    ];
    log.inForce = { ...log.inForce, trustRoots: [...log.inForce.trustRoots, ...placed], changedAt: 3 };
    await log.publishPolicy(await log.publishRelease());
    await log.publishStatus();
    expect((await verify(await log.bundle("production"), pinOf(log))).code).toBe("trust-root-chain");
  });

  it("is judged by the pin where it was pinned, and by signatures above", async () => {
    const keys = await testKeys();
    const log = new SmallLog();
    const root = await trustRootPredicate(keys);
    log.smuggle(await signStatement("trust-root", root, [keys.publisher]));
    const { payloadDigest: digest } = log.envelopes[0]!;
    log.inForce = { ...log.inForce, trustRoots: [{ index: 0, digest, root }], changedAt: 1 };
    // Its keys are known to the log that believes it.
    await log.believe(root);
    for (const entry of inOrder(releases)) await log.add(entry);
    await log.add(await signStatement("policy", policyPredicate(releases), [keys.policy]));
    await log.add(await signStatement("status", statusPredicate(log.inForce), [keys.status]));
    expect((await verify(await log.bundle("production"), pinOf(log))).code).toBe("accepted");
  });

  it("judges an entry by the newest trust root below it, and by none above", async () => {
    const root = await trustRootPredicate(await testKeys());
    const placed = [0, 5].map((index) => ({ index, digest: "", root: { ...root, version: index } }));
    const versionAt = (index: number) =>
      trustRootAt(placed as unknown as Parameters<typeof trustRootAt>[0], index).version;
    expect([1, 5, 6].map(versionAt)).toEqual([0, 0, 5]);
  });

  it("has a trust root before every other entry", () => {
    expect(() => trustRootAt([], 5)).toThrow("step 1 (trust root): no trust root stands before index 5");
  });
});

describe("a refusal names what it is about", () => {
  it("a trust root, by its version; what stands in the place of one, by its kind", async () => {
    const log = await logWith();
    const next = await log.nextRoot();
    log.smuggle(await signStatement("trust-root", next, [log.keys.publisher]));
    const placed = {
      index: log.envelopes.length - 1,
      digest: log.envelopes.at(-1)!.payloadDigest,
      root: next,
    };
    log.inForce = { ...log.inForce, trustRoots: [...log.inForce.trustRoots, placed] };
    await smuggleStatus(log, {});
    const bundle = await log.bundle("production");
    expect((await verify(bundle, pinOf(log))).message).toContain("(trust root): trust root version 2: ");
    const trustRoots = [bundle.trustRoots[0]!, log.logged(1)];
    expect((await verify({ ...bundle, trustRoots }, pinOf(log))).message).toContain("entry 1 is a platform");
  });

  it("the checkpoint, an entry with its index, the policy with its version", async () => {
    const log = await logWith();
    await log.publishStatus();
    const bundle = await log.bundle("production");
    const said = async (change: Partial<PolicyBundle>, now = NOW) =>
      (await verify({ ...bundle, ...change }, pinOf(log), now)).message;
    const unsigned = bundle.checkpoint.split("\n").slice(0, 5).join("\n");
    expect(await said({ checkpoint: `${unsigned}\n` })).toContain("(checkpoint): checkpoint: ");
    expect(await said({}, inSeconds(30 * 86_400))).toContain(
      "(checkpoint): checkpoint: too few cosignatures",
    );
    const [entry, ...entries] = bundle.entries;
    const misplaced = { ...entry!, proof: entry!.proof.slice(1) };
    const name = "platform/h100-vm@1.0 at index 1";
    expect(await said({ entries: [misplaced, ...entries] })).toContain(`(checkpoint): ${name}`);
    expect(await said({ status: log.logged(1) })).toContain(`(status): ${name} is not a status`);
    expect(await said({ historical: true })).toContain("policy production version 1 is not the newest");
  });
});

it("a profile that is no release set is refused, though every entry of it is in order", async () => {
  const log = await FoundedLog.found();
  const set = await log.publishRelease();
  const other = await log.publishRelease("2.0");
  const honest = log.nextPolicy(set);
  const profiles = honest.profiles.map((profile) => ({
    ...profile,
    kernelPatchSet: referenceOf<"kernel-patch-set">(other.kernel),
  }));
  const policy = await signStatement("policy", { ...honest, profiles }, [log.keys.policy]);
  const index = log.smuggle(policy);
  const policies = new Map([["production", { index, version: 1, digest: policy.payloadDigest }]]);
  log.inForce = { ...log.inForce, policies, changedAt: index + 1 };
  await log.publishStatus();
  const { code, message } = await verify(await log.bundle("production"), pinOf(log));
  expect(code).toBe("entry-wrong");
  expect(message).toContain("step 5 (entries): policy: profile h100: ");
});

describe("what was remembered", () => {
  it("refuses everything once it holds a fork, though the tree is the same", async () => {
    const log = await logWith();
    await log.publishStatus();
    const bundle = await log.bundle("production");
    const options = { pin: pinOf(log), policy: "production", now: NOW, remembered: null };
    const { state } = await verifyBundle(bundleBytes(bundle), options);
    expect((await verify(bundle, pinOf(log), NOW, state)).code).toBe("accepted");
    const fork: [string, string] = [(await seenTree(3)).note, (await seenTree(3, "another")).note];
    expect((await verify(bundle, pinOf(log), NOW, { ...state, fork })).code).toBe("log-forked");
  });

  it("is not written because of a bundle that is refused for something else than a fork", async () => {
    const log = await logWith();
    await log.publishStatus();
    const bundle = await log.bundle("production");
    const options = { pin: pinOf(log), policy: "production", now: NOW, remembered: null };
    const { state } = await verifyBundle(bundleBytes(bundle), options);
    const store = { load: vi.fn(), save: vi.fn() };
    for (const [change, code] of [
      [{ historical: true }, "policy-historical"],
      [{ status: log.logged(1) }, "status-not-authorised"],
    ] as const) {
      const bytes = bundleBytes({ ...bundle, ...change });
      const visit = verifyAndRemember(bytes, { ...options, remembered: state }, store);
      await expect(visit).rejects.toMatchObject({ code });
    }
    expect(store.save).not.toHaveBeenCalled();
  });

  it("tells a log that grew out of another tree what to keep", async () => {
    const log = await logWith();
    await log.publishStatus();
    const options = { pin: pinOf(log), policy: "production", now: NOW, remembered: null };
    const { state } = await verifyBundle(bundleBytes(await log.bundle("production")), options);
    const remembered = { ...state, checkpoint: await seenTree(treeOf(state).size - 1) };
    const bundle = await log.bundle("production", {}, treeOf(state).size - 1);
    const { code, message } = await verify(bundle, pinOf(log), NOW, remembered);
    expect(code).toBe("consistency-broken");
    expect(message).toContain("did not grow out of the one of size 8; keep both, the log forked");
  });
});
