// A log whose clock was wrong: what was dated in the future is made again as soon as the clock is right, and what has expired is not let in.
import { afterEach, describe, expect, it } from "vitest";
import { OwnCosigner } from "../../../src/log/checkpointing/cosigner.ts";
import type { Log } from "../../../src/log/log.ts";
import { formatTime } from "../../../src/protocol/entry/fields.ts";
import { parseLeaf } from "../../../src/protocol/envelope/dsse.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { LogHarness } from "../../support/log-harness.ts";
import { inOrder, signReleaseSet } from "../../support/release-set.ts";
import { signStatement } from "../../support/signing.ts";
import { auditAsStranger } from "../../support/stranger.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { witnessKey } from "../../support/witnesses.ts";

const DAY = 86_400_000;
const SECOND = 1000;
const later = (ms: number) => new Date(NOW.getTime() + ms);

let harness: LogHarness;
let log: Log;
afterEach(async () => {
  await auditAsStranger(log.read, log.read.inForce.trustRoots.at(-1)!.root.logPolicy);
  await log.close();
  harness.remove();
});

async function begin(options: Parameters<typeof LogHarness.make>[0] = {}, now = NOW): Promise<void> {
  harness = await LogHarness.make({ config: { limits: { tickMs: 3_600_000, retryMs: 20 } }, ...options });
  harness.clock.now = now;
  log = await harness.create();
}

async function issuedAt(): Promise<string> {
  const { statement } = parseLeaf((await log.read.entry(log.read.inForce.status!.index))!.leaf);
  return statement.kind === "status" ? statement.predicate.issuedAt : "";
}

describe("a clock that was 40 days ahead and is set right", () => {
  it("has the checkpoint cosigned again at once", async () => {
    await begin({}, later(40 * DAY));
    expect(log.read.published()!.cosignedAt).toEqual(later(40 * DAY));
    harness.clock.now = NOW;
    log.runDueWork();
    await expect.poll(() => log.read.published()!.cosignedAt).toEqual(NOW);
  });

  it("has the status issued again at once", async () => {
    await begin({ withStatus: true }, later(40 * DAY));
    expect(await issuedAt()).toBe(formatTime(later(40 * DAY)));
    harness.clock.now = NOW;
    log.runDueWork();
    await expect.poll(() => issuedAt()).toBe(formatTime(NOW));
  });

  it("has both made again by a start", async () => {
    await begin({ withStatus: true }, later(40 * DAY));
    await log.close();
    harness.clock.now = NOW;
    log = await harness.open();
    await expect.poll(() => issuedAt()).toBe(formatTime(NOW));
    await expect.poll(() => log.read.published()!.cosignedAt).toEqual(NOW);
  });

  it.each([
    [300, 1],
    [301, 2],
  ])("takes %i seconds for what clocks differ by, and more for wrong", async (seconds, sequence) => {
    await begin({ withStatus: true }, later(seconds * SECOND));
    harness.clock.now = NOW;
    log.runDueWork();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect.poll(() => log.read.inForce.status?.sequence).toBe(sequence);
    const cosigned = sequence === 1 ? later(seconds * SECOND) : NOW;
    await expect.poll(() => log.read.published()!.cosignedAt).toEqual(cosigned);
  });
});

describe("a witness whose clock is ahead", () => {
  it("does not make the quorum, and is not asked in a circle", async () => {
    let asked = 0;
    let ahead = 0;
    const key = await witnessKey("own.example");
    const own = new OwnCosigner(key, () => later(ahead));
    const cosigner = {
      name: own.name,
      gather: (...args: Parameters<OwnCosigner["gather"]>) => {
        asked++;
        return own.gather(...args);
      },
    };
    await begin({ cosigners: [cosigner] });
    ahead = 301 * SECOND;
    const before = asked;
    harness.clock.now = NOW;
    const [late] = inOrder(await signReleaseSet(harness.keys));
    void log.publish([late!]);
    await expect.poll(() => asked).toBeGreaterThan(before);
    expect(log.read.published()!.checkpoint.size).toBe(1);
    ahead = 300 * SECOND;
    await expect.poll(() => log.read.published()!.checkpoint.size).toBe(2);
    const settled = asked;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(asked).toBe(settled);
  });
});

describe("a document that has expired on arrival", () => {
  const refused = async (promise: Promise<unknown>) => {
    await expect(promise).rejects.toMatchObject({ code: "document-expired" });
  };

  it("a trust root: every bundle would be refused from then on", async () => {
    await begin();
    const previous = log.read.inForce.trustRoots[0]!.digest;
    const next = async (expires: Date) =>
      signStatement(
        "trust-root",
        await trustRootPredicate(harness.keys, { version: 2, previous, expires: formatTime(expires) }),
        [harness.keys.root[0]],
      );
    await refused(log.publish([await next(later(-7 * DAY))]));
    await refused(log.publish([await next(NOW)]));
    expect(log.read.inForce.trustRoots).toHaveLength(1);
    await log.publish([await next(later(SECOND))]);
    expect(log.read.inForce.trustRoots).toHaveLength(2);
  });

  it("the first trust root: no log is founded with it", async () => {
    await begin();
    const other = await LogHarness.make({ trustRoot: { expires: formatTime(later(-DAY)) } });
    await expect(other.create()).rejects.toMatchObject({ code: "document-expired" });
    other.remove();
  });

  it("a policy, with everything that came in its batch; one that was let in before stays known", async () => {
    await begin();
    const set = await signReleaseSet(harness.keys);
    const policy = (change = {}) =>
      signStatement("policy", policyPredicate(set, change), [harness.keys.policy]);
    const old = await policy({ validFrom: formatTime(later(-9 * DAY)), expires: formatTime(later(-DAY)) });
    const batch = log.publish([...inOrder(set), old]);
    await expect(batch).rejects.toMatchObject({ cause: { code: "document-expired" } });
    expect(log.read.published()!.checkpoint.size).toBe(1);
    const good = await policy({ expires: formatTime(later(DAY)) });
    await log.publish([...inOrder(set), good]);
    harness.clock.now = later(2 * DAY);
    expect(await log.publish([good])).toMatchObject([{ outcome: "known" }]);
  });

  it("a status, also one that is dated in the future", async () => {
    await begin();
    const status = (now: Date, change = {}) =>
      signStatement("status", statusPredicate(log.read.inForce, change, now), [harness.keys.status]);
    await refused(log.publish([await status(later(-2 * DAY))]));
    await expect(log.publish([await status(later(301 * SECOND))])).rejects.toMatchObject({
      code: "document-ahead-of-clock",
    });
    await log.publish([await status(later(300 * SECOND))]);
    expect(log.read.inForce.status?.sequence).toBe(1);
  });
});
