// How a GPU is passed through to its VM: what its report says, and what a policy makes of it.
import { beforeAll, describe, expect, it } from "vitest";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import type { GpuRequirements } from "../../../src/protocol/entry/policy.ts";
import { makeOpaque, OPAQUE, type OpaqueField } from "../../../src/testing/gpu-report.ts";
import type { NvidiaAuthority } from "../../../src/testing/nvidia.ts";
import { modeOf, switchesOf } from "../../../src/verifier/nvidia/gpu-mode.ts";
import { checkGpuPolicy, gpuWarnings } from "../../../src/verifier/nvidia/gpu-policy.ts";
import { verifyGpuReport } from "../../../src/verifier/nvidia/verify-report.ts";
import { gpuOf, makeAuthority, NONCE, NOW } from "./synthetic-gpu.ts";

const ABSENT = null;

describe("the mode follows from opaque types 36 and 21 together", () => {
  it.each([
    [0, ABSENT, "single"],
    [0, "off", "single"],
    [0, "on", "refused"],
    [1, ABSENT, "mpt"],
    [1, "off", "mpt"],
    [1, "on", "refused"],
    [2, ABSENT, "ppcie"],
    [2, "off", "refused"],
    [2, "on", "ppcie"],
    [ABSENT, ABSENT, "not-stated"],
    [ABSENT, "off", "not-stated"],
    [ABSENT, "on", "ppcie"],
  ] as const)("type 36 %s with type 21 %s: %s", (feature, protectedPcie, expected) => {
    for (const version of [ABSENT, 0, 1]) {
      const read = () => modeOf({ feature, protectedPcie, version });
      const refused = expected === "refused" || (expected === "not-stated" && version === 1);
      if (refused) expect(read).toThrow(/feature/);
      else expect(read()).toBe(expected);
    }
  });

  it.each([3, 256, 2 ** 40])("type 36 %s is no mode", (feature) => {
    expect(() => modeOf({ feature, protectedPcie: null, version: 1 })).toThrow(/no mode/);
  });
});

const PDI_A = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const PDI_B = Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9);
function linkedTo(...pdis: Uint8Array[]): OpaqueField {
  const value = new Uint8Array(144);
  for (const [i, pdi] of pdis.entries()) value.set(pdi, i * 8);
  return { type: 22, value };
}

describe("switches", () => {
  it("each is named once, and a disabled link names none", () => {
    expect(switchesOf(linkedTo(PDI_B, PDI_A, PDI_B).value)).toEqual([PDI_A, PDI_B].map(encodeHex));
    expect(switchesOf(new Uint8Array(144))).toEqual([]);
    expect(() => switchesOf(new Uint8Array(143))).toThrow(/143 bytes/);
  });
});

describe("a policy of single GPUs", () => {
  let authority: NvidiaAuthority;
  beforeAll(async () => {
    authority = await makeAuthority();
  });

  const feature = (value: number): OpaqueField => ({ type: 36, value: Uint8Array.of(value, 0) });
  const pcie = (on: boolean): OpaqueField => ({ type: 21, value: Uint8Array.of(on ? 0xaa : 0x55) });
  const version = (value: number): OpaqueField => ({ type: 34, value: Uint8Array.of(value, 0) });

  async function reported(...fields: OpaqueField[]) {
    const { decoded, identity } = await gpuOf(authority);
    const common = { driverVersion: "580.95.05", vbiosVersion: "96.00.CF.00.01", fwid: identity.fwid };
    const bare = makeOpaque(common).filter(
      ({ type }) => type !== OPAQUE.featureFlag && type !== OPAQUE.opaqueDataVersion,
    );
    const again = await gpuOf(authority, { report: { opaque: [...bare, ...fields] } });
    const result = await verifyGpuReport(again.decoded, { now: NOW, nonce: NONCE, root: authority.root.der });
    return { evidence: decoded, result };
  }

  type Reported = Awaited<ReturnType<typeof reported>>;
  async function judged(gpus: readonly Reported[], wanted: Partial<GpuRequirements> = {}) {
    const policy = {
      count: gpus.length,
      architecture: "hopper",
      mode: "single",
      modeNotStated: "reject",
      driverVersions: ["580.95.05"],
      vbiosVersions: ["96.00.CF.00.01"],
      switches: null,
      rimTables: [],
      fwids: [],
      ccMode: "on",
      devtools: false,
      revocation: "not-required",
      ...wanted,
    } as const satisfies GpuRequirements;
    const { checks } = await checkGpuPolicy(gpus, policy, { now: NOW, claims: null, switches: [], rims: [] });
    const find = (id: string) => checks.find((check) => check.id === id);
    return { mode: find("gpu.mode"), switches: find("gpu.switches") };
  }

  it("eight single GPUs pass", async () => {
    const single = await reported(feature(0), pcie(false), version(1));
    const { mode, switches } = await judged(Array.from({ length: 8 }, () => single));
    expect([mode?.outcome, switches?.outcome]).toEqual(["pass", "pass"]);
  });

  it("eight GPUs in PPCIE whose switches nobody attested are rejected by name", async () => {
    const ppcie = await reported(feature(2), pcie(true), version(1), linkedTo(PDI_A));
    const { mode } = await judged(Array.from({ length: 8 }, () => ppcie));
    expect(mode).toMatchObject({
      outcome: "fail",
      detail: expect.stringMatching(/asks for none to be attested/),
    });
  });

  it("PPCIE as older drivers state it, by type 21 alone, is rejected by name", async () => {
    const { mode } = await judged([await reported(pcie(true))], { modeNotStated: "accept" });
    expect(mode).toMatchObject({ outcome: "fail", actual: "ppcie" });
  });

  it("a mix of PPCIE and single GPUs is rejected, whichever comes first", async () => {
    const mixed = [await reported(feature(0), version(1)), await reported(feature(2), version(1))];
    expect((await judged(mixed)).mode?.outcome).toBe("fail");
    expect((await judged(mixed.toReversed())).mode?.outcome).toBe("fail");
  });

  it("a GPU in MPT is rejected", async () => {
    expect((await judged([await reported(feature(1), version(1))])).mode).toMatchObject({
      outcome: "fail",
      detail: expect.stringMatching(/^multi-GPU pass-through/),
    });
  });

  it("GPUs that name different switches are rejected", async () => {
    const here = await reported(feature(0), version(1), linkedTo(PDI_A));
    const there = await reported(feature(0), version(1), linkedTo(PDI_B));
    const nowhere = await reported(feature(0), version(1));
    expect((await judged([here, there])).switches?.outcome).toBe("fail");
    expect((await judged([here, nowhere])).switches?.outcome).toBe("fail");
    expect((await judged([here, here])).switches?.outcome).toBe("pass");
  });

  it("a mode that is not stated is accepted of one GPU where the policy says so, and never of several", async () => {
    const silent = await reported(version(0));
    expect((await judged([silent])).mode?.outcome).toBe("fail");
    const accept = { modeNotStated: "accept" } as const;
    expect((await judged([silent], accept)).mode).toMatchObject({ outcome: "pass", actual: "not-stated" });
    expect((await judged([silent, silent], accept)).mode?.outcome).toBe("fail");
    expect((await judged([silent, silent], { ...accept, count: 1 })).mode?.outcome).toBe("fail");
    expect((await judged([silent], { ...accept, count: 2 })).mode?.outcome).toBe("fail");
    expect(gpuWarnings([silent.result], [], { revocation: "crl" })).toEqual([
      expect.stringMatching(/does not state its mode/),
    ]);
  });

  it("a driver that can state the mode and does not is refused as malformed", async () => {
    const { result } = await reported(version(1));
    expect(result.checks[0]).toMatchObject({ id: "gpu.report.format", outcome: "fail" });
  });
});
