// The status that the log issues by itself: on every change in the same commit, before the newest grows old, and never in a burst.
import { afterEach, describe, expect, it } from "vitest";
import type { Log } from "../../../src/log/log.ts";
import { parseLeaf } from "../../../src/protocol/envelope/dsse.ts";
import { summarise } from "../../../src/protocol/registration/in-force.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate, revocationPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { LogHarness } from "../../support/log-harness.ts";
import { inOrder, signReleaseSet } from "../../support/release-set.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";
import { auditAsStranger } from "../../support/stranger.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";

let harness: LogHarness;
let log: Log;

afterEach(async () => {
  await auditAsStranger(log.read, log.read.inForce.trustRoots.at(-1)!.root.logPolicy);
  await log.close();
  harness.remove();
});

async function begin(options: Parameters<typeof LogHarness.make>[0] = {}): Promise<void> {
  harness = await LogHarness.make({
    withStatus: true,
    config: { limits: { tickMs: 3_600_000 } },
    ...options,
  });
  log = await harness.create();
}

async function newestStatus() {
  const { index } = log.read.inForce.status!;
  const { statement } = parseLeaf((await log.read.entry(index))!.leaf);
  return { index, predicate: statement.kind === "status" ? statement.predicate : undefined };
}

const passed = async (ms: number) => {
  harness.clock.now = new Date(harness.clock.now.getTime() + ms);
  log.runDueWork();
  await new Promise((resolve) => setTimeout(resolve, 50));
};
const expectSequence = (sequence: number) =>
  expect.poll(() => log.read.inForce.status?.sequence, { timeout: 10_000 }).toBe(sequence);
const DAY = 86_400_000;

describe("the status issuer", () => {
  it("summarises the first trust root in the commit that brings it", async () => {
    await begin();
    expect(log.read.inForce.status).toMatchObject({ index: 1, sequence: 1 });
    expect((await newestStatus()).predicate).toMatchObject({
      treeSize: 1,
      issuedAt: "2026-11-23T12:00:00Z",
      expires: "2026-11-30T12:00:00Z",
    });
  });

  it("follows every change in the same commit, and nothing else", async () => {
    await begin();
    const { keys } = harness;
    const set = await signReleaseSet(keys);
    await log.publish(inOrder(set));
    expect(log.read.inForce.status?.sequence).toBe(1);
    const [policy] = await log.publish([await signStatement("policy", policyPredicate(set), [keys.policy])]);
    // The change is published with its status: there is no checkpoint that shows one without the other.
    expect(log.read.inForce.status).toMatchObject({ index: policy!.index + 1, sequence: 2 });
    const revocation = revocationPredicate({ digests: [set.platform.payloadDigest] });
    await log.publish([await signStatement("revocation", revocation, [keys.revocation])]);
    const { predicate } = await newestStatus();
    expect(predicate).toMatchObject({ sequence: 3, ...summarise(log.read.inForce) });
    expect(predicate?.revokedDigests).toEqual([set.platform.payloadDigest]);
  });

  it("issues one status for many changes of one commit", async () => {
    await begin();
    const { keys } = harness;
    const set = await signReleaseSet(keys);
    await log.publish(inOrder(set));
    const names = Array.from({ length: 10 }, (_, i) => `policy-${i}`);
    const policies = await Promise.all(
      names.map((name) => signStatement("policy", policyPredicate(set, { name }), [keys.policy])),
    );
    await log.publish(policies);
    expect(log.read.inForce.status?.sequence).toBe(2);
    expect((await newestStatus()).predicate?.policies).toHaveLength(10);
  });

  it("renews after a day, once", async () => {
    await begin();
    await passed(DAY - 1000);
    expect(log.read.inForce.status?.sequence).toBe(1);
    await passed(1000);
    await expectSequence(2);
    for (let i = 0; i < 5; i++) await passed(0);
    expect(log.read.inForce.status?.sequence).toBe(2);
  });

  it("renews at half of a life that is shorter than two days", async () => {
    await begin({ trustRoot: { maxStatusAge: 3600 } });
    await passed(1_799_000);
    expect(log.read.inForce.status?.sequence).toBe(1);
    await passed(1000);
    await expectSequence(2);
  });

  it("follows one that is dated ahead, of a time when the clock was wrong, which no verifier takes", async () => {
    await begin();
    const ahead = { issuedAt: "2027-11-23T12:00:00Z", expires: "2027-11-24T12:00:00Z" };
    const { keys } = harness;
    harness.clock.now = new Date(ahead.issuedAt);
    await log.publish([
      await signStatement("status", statusPredicate(log.read.inForce, ahead), [keys.status]),
    ]);
    harness.clock.now = NOW;
    const made = log.read.inForce.status!.sequence;
    await passed(0);
    await expectSequence(made + 1);
    expect((await newestStatus()).predicate?.issuedAt).toBe("2026-11-23T12:00:00Z");
    await passed(0);
    expect(log.read.inForce.status?.sequence).toBe(made + 1);
  });

  it("renews at once after a start that comes late, and one time only", async () => {
    await begin();
    await log.close();
    harness.clock.now = new Date(NOW.getTime() + 30 * DAY);
    log = await harness.open();
    await expectSequence(2);
    await passed(0);
    expect(log.read.inForce.status?.sequence).toBe(2);
  });

  it("stays silent where the trust root gives its key no role, wants two, or the log is closed", async () => {
    await begin({ trustRoot: { roles: await rolesWithoutStatus() } });
    expect(log.read.inForce.status).toBeNull();
    const { keys } = harness;
    await log.publish(await signPlatforms(keys, "vm", 1));
    const { checkpoint } = log.read.published()!;
    const successor = {
      origin: "next.example/log",
      finalSize: checkpoint.size,
      finalRoot: Buffer.from(checkpoint.root).toString("hex"),
    };
    const change = { version: 2, previous: log.read.inForce.trustRoots[0]!.digest, successor };
    await log.publish([
      await signStatement("trust-root", await trustRootPredicate(keys, change), [keys.root[0]]),
    ]);
    await passed(0);
    expect(log.read.inForce.status).toBeNull();
  });
});

async function rolesWithoutStatus() {
  const { keys } = await LogHarness.make();
  const { roles } = await trustRootPredicate(keys);
  return { ...roles, status: { keys: [keys.status.keyId, keys.root[0].keyId], threshold: 2 } };
}
