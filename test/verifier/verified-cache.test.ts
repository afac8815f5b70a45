// What earlier appraisals verified is not verified again, and changes no verdict.
import { beforeAll, describe, expect, it, vi } from "vitest";
import { encodeEvidence, type Machine, makeMachine } from "../../src/testing/index.ts";
import { type Evidence, parseEvidence } from "../../src/verifier/evidence.ts";
import { verifyGpuReport } from "../../src/verifier/nvidia/verify-report.ts";
import { type TdxOptions, verifyTdxQuote } from "../../src/verifier/tdx/verify-quote.ts";
import { once, VerifiedCache } from "../../src/verifier/verified-cache.ts";

const AT = new Date("2026-11-20T12:00:00Z");
const YEAR = 365 * 24 * 3600 * 1000;
let machine: Machine;
let evidence: Evidence;
beforeAll(async () => {
  machine = await makeMachine({ at: AT });
  evidence = parseEvidence(encodeEvidence(machine.evidence));
});

const judge = (options: Partial<TdxOptions> = {}, { quote, collateral } = evidence.tdx) =>
  verifyTdxQuote(quote, collateral, { now: AT, root: machine.roots.intel, ...options });

async function signaturesOf(work: () => Promise<unknown>): Promise<number> {
  const verify = vi.spyOn(crypto.subtle, "verify");
  await work();
  const { length } = verify.mock.calls;
  verify.mockRestore();
  return length;
}

describe("a cache of what was verified", () => {
  it("leaves the signatures of the quote alone to be verified, with the same checks", async () => {
    const verified = new VerifiedCache();
    const first = await judge({ verified });
    expect(first).toEqual(await judge());
    expect(await signaturesOf(() => judge())).toBeGreaterThan(6);
    expect(await signaturesOf(() => judge({ verified }))).toBe(2);
    expect(await judge({ verified })).toEqual(first);
  });

  it("is judged at each time anew", async () => {
    const verified = new VerifiedCache();
    expect((await judge({ verified })).accepted).toBe(true);
    const later = await judge({ verified, now: new Date(AT.getTime() + 20 * YEAR) });
    expect(later).toEqual(await judge({ now: new Date(AT.getTime() + 20 * YEAR) }));
    expect(later.accepted).toBe(false);
  });

  it("takes nothing for verified that differs in a byte, a member or the root", async () => {
    const verified = new VerifiedCache();
    await judge({ verified });
    const { collateral } = evidence.tdx;
    const others = [
      { ...collateral, tcbInfo: `${collateral.tcbInfo} ` },
      { ...collateral, rootCaCrl: collateral.pckCrl, pckCrl: collateral.rootCaCrl },
      { ...collateral, qeIdentity: collateral.tcbInfo, tcbInfo: collateral.qeIdentity },
    ];
    for (const other of others) {
      const tdx = { ...evidence.tdx, collateral: other };
      expect(await judge({ verified }, tdx)).toEqual(await judge({}, tdx));
      expect((await judge({ verified }, tdx)).accepted).toBe(false);
    }
    const production = await verifyTdxQuote(evidence.tdx.quote, collateral, { now: AT, verified });
    expect(production.accepted).toBe(false);
  });

  it("verifies every quote, known as its certificates may be", async () => {
    const verified = new VerifiedCache();
    await judge({ verified });
    const tdx = {
      ...evidence.tdx,
      quote: evidence.tdx.quote.map((byte, i) => (i === 100 ? byte ^ 1 : byte)),
    };
    expect((await judge({ verified }, tdx)).accepted).toBe(false);
  });

  it("leaves the signature of a GPU's report alone to be verified", async () => {
    const verified = new VerifiedCache();
    const [gpu] = evidence.gpus;
    if (gpu === undefined) throw new Error("the machine has no GPU");
    const options = { now: AT, nonce: null, root: machine.roots.nvidia };
    const first = await verifyGpuReport(gpu, { ...options, verified });
    expect(first).toEqual(await verifyGpuReport(gpu, options));
    expect(await signaturesOf(() => verifyGpuReport(gpu, { ...options, verified }))).toBe(1);
  });

  it("forgets what was asked for longest ago", async () => {
    const verified = new VerifiedCache(2);
    const find = vi.fn(() => "found");
    const ask = async (input: string) => once(await verified.findingsOf(input), "check", find);
    for (const input of ["a", "b", "a", "c", "a"]) await ask(input);
    expect(find).toHaveBeenCalledTimes(3);
    await ask("b");
    expect(find).toHaveBeenCalledTimes(4);
  });

  it("does not remember what failed, nor takes other lists of inputs for the same", async () => {
    const verified = new VerifiedCache();
    const fail = async () =>
      once(await verified.findingsOf("a", "b"), "check", () => {
        throw new Error("no");
      });
    await expect(fail()).rejects.toThrow("no");
    expect(await once(await verified.findingsOf("a", "b"), "check", () => 1)).toBe(1);
    expect(await once(await verified.findingsOf("ab"), "check", () => 2)).toBe(2);
    expect(await once(await verified.findingsOf("a", "b"), "check", () => 3)).toBe(1);
  });
});
