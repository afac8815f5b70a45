// A trusted verdict says when the first thing ends that it rests on: whichever that is, nobody may keep the verdict for longer.
import { beforeAll, describe, expect, test } from "vitest";
import type { Machine, MachineOptions } from "../../../src/testing/index.ts";
import type { VerifiedBundle } from "../../../src/verifier/bundle/verify-bundle.ts";
import { judge, machineOf, makeWorld, type World } from "../../support/appraisal-world.ts";
import { NOW } from "../../support/clock.ts";

const HOUR = 3_600_000;
const hours = (count: number) => new Date(NOW.getTime() + count * HOUR);
/** Sooner than the end of anything else that a machine of this test rests on. */
const SOON = hours(2);
const soon = SOON.toISOString().replace(".000", "");

let good: Machine;
let world: World;
beforeAll(async () => {
  good = await machineOf();
  world = await makeWorld(good);
});

test("where nothing is changed, the OCSP answers end first, and so does the appraisal", async () => {
  const { validUntil } = await judge(world, good);
  expect(validUntil).toBe(hours(23).toISOString());
  expect((await judge(world, good, { now: hours(23.01) })).verdict).toBe("rejected");
});

describe("the end of the bundle counts:", () => {
  const ofBundle: Array<[string, (bundle: VerifiedBundle) => Partial<VerifiedBundle>]> = [
    ["the trust root's", ({ trustRoot }) => ({ trustRoot: { ...trustRoot, expires: soon } })],
    [
      "the checkpoint's age",
      ({ trustRoot }) => ({ cosignedAt: new Date(SOON.getTime() - trustRoot.maxCheckpointAge * 1000) }),
    ],
    ["the status'", ({ status }) => ({ status: { ...status, expires: soon } })],
    ["the policy's", ({ policy }) => ({ policy: { ...policy, expires: soon } })],
  ];

  test.each(ofBundle)("%s", async (_, change) => {
    const verified = { ...world.verified, ...change(world.verified) };
    const verdict = await judge({ ...world, verified }, good);
    expect(verdict.verdict).toBe("trusted");
    expect(verdict.validUntil).toBe(SOON.toISOString());
  });
});

describe("the end of the evidence counts:", () => {
  const validity = { notBefore: hours(-24), notAfter: SOON };
  const ofEvidence: Array<[string, Partial<MachineOptions>]> = [
    ["TCB Info", { tdx: { tcbInfo: { nextUpdate: soon } } }],
    ["QE identity", { tdx: { qeIdentity: { nextUpdate: soon } } }],
    ["Intel's CRLs", { tdx: { crls: { crlNextUpdate: SOON } } }],
    ["the PCK certificate", { tdx: { pckValidity: validity } }],
    ["a certificate of a GPU", { gpus: [{ validity }] }],
    ["OCSP answers", { gpus: [{ ocsp: { nextUpdate: SOON } }] }],
  ];

  test.each(ofEvidence)("%s", async (_, change) => {
    const verdict = await judge(world, await machineOf(change));
    expect(verdict.verdict).toBe("trusted");
    expect(verdict.validUntil).toBe(SOON.toISOString());
  });

  test("CRLs of the GPUs' authorities, where the profile asks for those", async () => {
    const byCrl = await makeWorld(good, { gpu: { revocation: "crl" } });
    const verdict = await judge(byCrl, await machineOf({ gpus: [{ crlNextUpdate: SOON }] }));
    expect(verdict.validUntil).toBe(SOON.toISOString());
  });

  test("what the profile does not ask for ends nothing", async () => {
    const unasked = await makeWorld(good, { gpu: { revocation: "not-required" } });
    const { validUntil } = await judge(unasked, await machineOf({ gpus: [{ ocsp: { nextUpdate: SOON } }] }));
    expect(Date.parse(validUntil!)).toBeGreaterThan(SOON.getTime());
  });
});

test("a rejected verdict is good for no time", async () => {
  const other = await machineOf({ nonce: new Uint8Array(32).fill(1) });
  expect(await judge(world, other, { nonce: good.nonce })).toMatchObject({
    verdict: "rejected",
    validUntil: null,
  });
});
