// What those who run the service are told when its clock or its documents are wrong: why nobody gets a bundle, and that entries, which
// repair it, are taken all the same.
import { afterEach, describe, expect, test } from "vitest";
import { formatTime } from "../../../src/protocol/entry/fields.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate } from "../../support/document-predicates.ts";
import { inOrder, signReleaseSet } from "../../support/release-set.ts";
import { refusalOf, ServiceHarness } from "../../support/service-harness.ts";
import { signStatement } from "../../support/signing.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";

const DAY = 86_400_000;
const at = (ms: number) => new Date(NOW.getTime() + ms);
const BY_HAND = { tickMs: 3_600_000 };

let service: ServiceHarness;
afterEach(() => service.stop());

async function readiness(): Promise<[number, unknown]> {
  const response = await service.get("/readyz");
  return [response.status, await response.json()];
}

async function aheadOfClock(document: string): Promise<number> {
  const text = await (await service.get("/metrics")).text();
  const line = text
    .split("\n")
    .find((l) => l.startsWith(`touchstone_seconds_ahead_of_clock{document="${document}"}`));
  return Number(line?.split(" ").at(-1));
}

describe("GET /readyz", () => {
  test("says of a service in order that entries are taken and bundles answered", async () => {
    service = await ServiceHarness.start();
    expect(await readiness()).toEqual([200, { ready: true, treeSize: 2, reason: null, noBundle: null }]);
    expect(await aheadOfClock("checkpoint")).toBe(0);
    expect(await aheadOfClock("status")).toBe(0);
  });

  test("says that there is no status", async () => {
    service = await ServiceHarness.start({ withStatus: false });
    expect(await readiness()).toMatchObject([200, { ready: true, noBundle: "status-missing" }]);
  });

  test.each([
    ["trust-root-expired", 4000 * DAY],
    ["checkpoint-stale", DAY + 1000],
    ["checkpoint-ahead-of-clock", -301_000],
  ])("says %s where that is what verifiers would say", async (noBundle, ms) => {
    service = await ServiceHarness.start({ logLimits: BY_HAND });
    service.logHarness.clock.now = at(ms);
    expect(await readiness()).toMatchObject([200, { ready: true, reason: null, noBundle }]);
  });

  test("says that the log is closed, and which log follows, elsewhere", async () => {
    service = await ServiceHarness.start();
    const { keys, log } = service;
    const { checkpoint } = log.read.published()!;
    const finalRoot = Buffer.from(checkpoint.root).toString("hex");
    const successor = { origin: "next.example/log", finalSize: checkpoint.size, finalRoot };
    const previous = log.read.inForce.trustRoots[0]!.digest;
    const next = await trustRootPredicate(keys, { version: 2, previous, successor });
    expect((await service.publish(await signStatement("trust-root", next, [keys.root[0]]))).status).toBe(201);
    expect(await readiness()).toMatchObject([200, { ready: true, noBundle: "log-closed" }]);
  });

  test("says that the status is ahead of the clock, and a metric by how much, until it is made again", async () => {
    service = await ServiceHarness.start({ logLimits: BY_HAND });
    service.logHarness.clock.now = at(40 * DAY);
    service.log.runDueWork();
    await expect.poll(() => service.log.read.inForce.status?.sequence).toBe(2);
    await expect.poll(() => service.log.read.published()!.cosignedAt).toEqual(at(40 * DAY));
    service.logHarness.clock.now = NOW;
    expect(await readiness()).toMatchObject([200, { noBundle: "checkpoint-ahead-of-clock" }]);
    expect(await aheadOfClock("checkpoint")).toBe(40 * 86_400);
    expect(await aheadOfClock("status")).toBe(40 * 86_400);
    service.log.runDueWork();
    await expect.poll(() => service.log.read.published()!.cosignedAt).toEqual(NOW);
    await expect.poll(readiness).toMatchObject([200, { noBundle: null }]);
    expect(await aheadOfClock("checkpoint")).toBe(0);
    expect(await aheadOfClock("status")).toBe(0);
  });
});

describe("an entry that has expired on arrival", () => {
  test("is refused, and says what to do", async () => {
    service = await ServiceHarness.start();
    const set = await signReleaseSet(service.keys);
    for (const envelope of inOrder(set)) await service.publish(envelope);
    const times = { validFrom: formatTime(at(-9 * DAY)), expires: formatTime(at(-DAY)) };
    const old = await signStatement("policy", policyPredicate(set, times), [service.keys.policy]);
    expect(await refusalOf(await service.publish(old))).toBe("422 document-expired");
  });
});
