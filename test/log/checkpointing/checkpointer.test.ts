// From a durable tree to a published checkpoint: slow, late and lying witnesses, renewal, and a fault at every step. After each fault the
// log is audited as a stranger would, and again after a restart, with every checkpoint that anybody saw.
import { afterEach, describe, expect, it } from "vitest";
import { type Cosigner, LogBehindError, OwnCosigner } from "../../../src/log/checkpointing/cosigner.ts";
import { HighWaterFile } from "../../../src/log/checkpointing/high-water.ts";
import type { Log } from "../../../src/log/log.ts";
import { fsck } from "../../../src/log/maintenance/fsck.ts";
import { openSnapshot } from "../../../src/log/store/open-store.ts";
import { createNoteSigner } from "../../../src/protocol/note/key.ts";
import { Fault, intercept } from "../../support/intercept.ts";
import { type HarnessOptions, LogHarness } from "../../support/log-harness.ts";
import { signPlatforms } from "../../support/signing.ts";
import { auditAsStranger } from "../../support/stranger.ts";
import { logKey, tlogPolicy, witnessKey } from "../../support/witnesses.ts";

let harness: LogHarness;
let log: Log;
let seen: string[] = [];

async function begin(options: HarnessOptions = {}): Promise<void> {
  seen = [];
  harness = await LogHarness.make(options);
  log = watch(await harness.create());
}

function watch(opened: Log): Log {
  seen.push(opened.read.published()?.note ?? "");
  opened.onPublished(({ note }) => seen.push(note));
  return opened;
}

const logPolicy = () => log.read.inForce.trustRoots.at(-1)!.root.logPolicy;
const notes = () => seen.filter((note) => note !== "");

async function reopenAndAudit(): Promise<void> {
  await log.close();
  const store = await openSnapshot(harness.databaseFile);
  expect((await fsck(store, new HighWaterFile(harness.highWaterPath))).findings).toEqual([]);
  await store.close();
  log = watch(await harness.open());
  const [entry] = await signPlatforms(harness.keys, "after-restart", 1);
  expect((await log.publish([entry!]))[0]?.state).toBe("published");
  await auditAsStranger(log.read, logPolicy(), notes());
}

afterEach(async () => {
  await auditAsStranger(log.read, logPolicy(), notes());
  await log.close();
  harness.remove();
});

const own = async (name: string, clock = () => harness.clock.now): Promise<Cosigner> =>
  new OwnCosigner(await witnessKey(name), clock);
const slow = (cosigner: Cosigner, ms: () => number): Cosigner => ({
  name: `slow ${cosigner.name}`,
  gather: async (request, signal) => {
    await new Promise((resolve) => setTimeout(resolve, ms()));
    return cosigner.gather(request, signal);
  },
});
const THREE = ["w0.example", "w1.example", "w2.example"];
const quorumOfThree = async (threshold: number) => ({
  logPolicy: tlogPolicy(await logKey(), await Promise.all(THREE.map(witnessKey)), threshold),
});
/** The machine may be busy with other tests. */
const PATIENT = { timeout: 10_000 };
const QUICK = { retryMs: 20, tickMs: 20, publishWaitMs: 1000, cosignTimeoutMs: 500 };

describe("gathering cosignatures", () => {
  it("does not wait for a slow witness once two of three have answered", async () => {
    let delay = 0;
    const cosigners = [await own(THREE[0]!), await own(THREE[1]!), slow(await own(THREE[2]!), () => delay)];
    await begin({ cosigners, trustRoot: await quorumOfThree(2) });
    delay = 8000;
    const entries = await signPlatforms(harness.keys, "vm", 20);
    const begun = performance.now();
    for (const entry of entries) await log.publish([entry]);
    expect(performance.now() - begun).toBeLessThan(8000);
  });

  it("answers that it awaits cosignatures when the quorum is late, and 'published' when asked again", async () => {
    const down = { is: false };
    const witness = await own("own.example", () => harness.clock.now);
    const flaky: Cosigner = {
      name: "flaky",
      gather: (request, signal) =>
        down.is ? Promise.reject(new Error("down")) : witness.gather(request, signal),
    };
    await begin({ cosigners: [flaky], config: { limits: QUICK } });
    down.is = true;
    const [entry] = await signPlatforms(harness.keys, "vm", 1);
    expect((await log.publish([entry!]))[0]).toMatchObject({
      outcome: "new",
      index: 1,
      state: "awaiting-cosignature",
    });
    expect(await log.read.entry(1)).toBeUndefined();
    down.is = false;
    expect((await log.publish([entry!]))[0]).toMatchObject({
      outcome: "known",
      index: 1,
      state: "published",
    });
    expect(await log.read.entry(1)).toBeDefined();
  });

  it("takes no new entries after the quorum was missing for too long, still answers known ones, and goes on when it is back", async () => {
    const down = { is: false };
    const witness = await own("own.example", () => harness.clock.now);
    const flaky: Cosigner = {
      name: "flaky",
      gather: (r, s) => (down.is ? Promise.reject(new Error("down")) : witness.gather(r, s)),
    };
    await begin({
      cosigners: [flaky],
      config: { limits: { ...QUICK, quorumLostMs: 60_000, publishWaitMs: 50 } },
    });
    const [first, second] = await signPlatforms(harness.keys, "vm", 2);
    down.is = true;
    await log.publish([first!]);
    harness.clock.now = new Date(harness.clock.now.getTime() + 61_000);
    expect(log.unavailable()?.code).toBe("quorum-lost");
    await expect(log.publish([second!])).rejects.toMatchObject({
      name: "LogUnavailableError",
      code: "quorum-lost",
    });
    expect((await log.publish([first!]))[0]?.state).toBe("awaiting-cosignature");
    down.is = false;
    await expect.poll(() => log.unavailable(), PATIENT).toBeNull();
    expect((await log.publish([second!]))[0]).toMatchObject({ index: 2, state: "published" });
  });

  it("counts no line of an unknown key, a wrong signature, or two lines of one witness twice", async () => {
    const lies = { on: false };
    const [w0, stranger] = [await own(THREE[0]!), await own("stranger.example")];
    const w1 = await own(THREE[1]!);
    const liar: Cosigner = {
      name: "liar",
      gather: async (request, signal) => {
        if (!lies.on) return w1.gather(request, signal);
        const [line] = await w0.gather(request, signal);
        const [other] = await stranger.gather(request, signal);
        return [line!, line!.replace(/[A-Za-z]{4}\n$/, "AAAA\n"), other!];
      },
    };
    await begin({ cosigners: [w0, liar], trustRoot: await quorumOfThree(2), config: { limits: QUICK } });
    lies.on = true;
    const [entry] = await signPlatforms(harness.keys, "vm", 1);
    expect((await log.publish([entry!]))[0]?.state).toBe("awaiting-cosignature");
    lies.on = false;
    expect((await log.publish([entry!]))[0]?.state).toBe("published");
  });

  it("stops for good when a witness shows that the log has signed more than it has", async () => {
    const ahead = { is: false };
    const witness = await own("own.example", () => harness.clock.now);
    const knowing: Cosigner = {
      name: "knowing",
      gather: (r, s) =>
        ahead.is ? Promise.reject(new LogBehindError("size 9 was cosigned")) : witness.gather(r, s),
    };
    await begin({ cosigners: [knowing], config: { limits: QUICK } });
    ahead.is = true;
    const [first, second] = await signPlatforms(harness.keys, "vm", 2);
    expect((await log.publish([first!]))[0]?.state).toBe("awaiting-cosignature");
    await expect(log.publish([second!])).rejects.toMatchObject({
      code: "log-stopped",
      message: "size 9 was cosigned",
    });
    ahead.is = false;
  });
});

describe("renewal", () => {
  it("has the cosignatures of an idle log renewed before they are old, and keeps both checkpoints", async () => {
    await begin({ config: { limits: { renewAfterMs: 3_600_000, tickMs: 10 } } });
    const before = log.read.published()!;
    harness.clock.now = new Date(harness.clock.now.getTime() + 3_599_000);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(log.read.published()!.note).toBe(before.note);
    harness.clock.now = new Date(harness.clock.now.getTime() + 1_000);
    await expect
      .poll(() => log.read.published()!.cosignedAt.toISOString(), PATIENT)
      .toBe("2026-11-23T13:00:00.000Z");
    expect((await log.read.checkpointsFrom(1, 10)).map(({ size }) => size)).toEqual([1, 1]);
  });

  it("renews within a quarter of maxCheckpointAge whatever it was told", async () => {
    await begin({
      trustRoot: { maxCheckpointAge: 400 },
      config: { limits: { renewAfterMs: 86_400_000, tickMs: 10 } },
    });
    harness.clock.now = new Date(harness.clock.now.getTime() + 100_000);
    await expect
      .poll(() => log.read.published()!.cosignedAt.toISOString(), PATIENT)
      .toBe("2026-11-23T12:01:40.000Z");
  });
});

describe("a fault", () => {
  const STEPS = ["append", "sign", "high-water", "cosign", "add-checkpoint"] as const;
  const WHEN = ["before", "after"] as const;
  const faults = new Map<string, Fault>(STEPS.map((step) => [step, new Fault()]));
  const fault = (step: (typeof STEPS)[number]) => faults.get(step)!;

  async function beginFaulty(publishWaitMs: number): Promise<void> {
    const signer = createNoteSigner(await logKey());
    const witness = await own("own.example", () => harness.clock.now);
    await begin({
      cosigners: [{ name: "faulty", gather: (r, s) => fault("cosign").around(() => witness.gather(r, s)) }],
      store: (store) =>
        intercept(store, {
          append: (size, append) => fault("append").around(() => store.append(size, append)),
          addCheckpoint: (checkpoint) =>
            fault("add-checkpoint").around(() => store.addCheckpoint(checkpoint)),
        }),
      highWater: (mark) =>
        intercept(mark, { swap: (note) => fault("high-water").around(() => mark.swap(note)) }),
      config: {
        signer: { ...signer, sign: (message) => fault("sign").around(() => signer.sign(message)) },
        limits: { ...QUICK, publishWaitMs },
      },
    });
  }

  for (const step of STEPS) {
    for (const when of WHEN) {
      it(`${when} "${step}" is survived: what was acknowledged stays, nothing forks`, async () => {
        await beginFaulty(10_000);
        const [first, second] = await signPlatforms(harness.keys, "vm", 2);
        fault(step).arm(1, when);
        const isLost = step === "append" && when === "before";
        const publishing = log.publish([first!]);
        if (isLost) await expect(publishing).rejects.toMatchObject({ code: "storage-failed" });
        else expect((await publishing)[0]).toMatchObject({ index: 1, state: "published" });
        await auditAsStranger(log.read, logPolicy(), notes());
        expect((await log.publish([second!]))[0]).toMatchObject({
          index: isLost ? 1 : 2,
          state: "published",
        });
        expect((await log.publish([first!]))[0]?.outcome).toBe(isLost ? "new" : "known");
        await reopenAndAudit();
      });

      it(`${when} "${step}", then a crash, is survived by the restart`, async () => {
        await beginFaulty(300);
        const [entry] = await signPlatforms(harness.keys, "vm", 1);
        fault(step).arm(1000, when);
        const [result] = await Promise.allSettled([log.publish([entry!])]);
        // Closing cannot publish either; to the database this is as if the process had ended here.
        await log.close();
        fault(step).arm(0);
        log = watch(await harness.open());
        await expect
          .poll(() => log.read.published()?.checkpoint.size, PATIENT)
          .toBe(step === "append" && when === "before" ? 1 : 2);
        const state = result.status === "fulfilled" ? result.value[0]!.state : "failed";
        if (state !== "failed")
          expect(await log.read.findByDigest(entry!.payloadDigest)).toMatchObject({ index: 1 });
        await reopenAndAudit();
      });
    }
  }
});
