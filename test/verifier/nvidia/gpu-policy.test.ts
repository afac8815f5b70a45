// What a policy demands of a machine's GPUs: each check failed alone by GPUs whose every signature is good.

import { beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../../src/protocol/cryptography/hash.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import type { GoldenTable } from "../../../src/protocol/entry/golden-table.ts";
import { goldenTableDigest } from "../../../src/protocol/entry/golden-table.ts";
import type { GpuRim } from "../../../src/protocol/entry/kinds/gpu-rim.ts";
import type { GpuRequirements } from "../../../src/protocol/entry/policy.ts";
import { GOOD_BLOCKS, type GpuOptions } from "../../../src/testing/gpu.ts";
import { makeBlocks, makeGoldenTables, makeOpaque } from "../../../src/testing/gpu-report.ts";
import type { NvidiaAuthority } from "../../../src/testing/nvidia.ts";
import type { LoggedRim } from "../../../src/verifier/nvidia/compare-with-logged.ts";
import { GPU_POLICY_CHECKS } from "../../../src/verifier/nvidia/device-checks.ts";
import {
  type AppraisedGpu,
  checkGpuPolicy,
  type GpuPolicyOptions,
} from "../../../src/verifier/nvidia/gpu-policy.ts";
import { verifyGpuReport } from "../../../src/verifier/nvidia/verify-report.ts";
import { failed, gpuOf, makeAuthority, NONCE, NOW } from "./synthetic-gpu.ts";

const { driver, vbios } = makeGoldenTables(GOOD_BLOCKS);
const RIMS = [rimOf("driver", "580.95.05", driver), rimOf("vbios", "96.00.CF.00.01", vbios)];

function rimOf(
  covers: "driver" | "vbios",
  version: string,
  table: GoldenTable,
  product = "GH100",
): LoggedRim {
  const rim: Pick<GpuRim, "rim" | "table" | "tableDigest"> = {
    rim: {
      id: `NV_${covers}`,
      tagId: "t",
      covers,
      componentVersion: version,
      sha256: "00".repeat(32),
      product,
    },
    table,
    tableDigest: goldenTableDigest(table),
  };
  return { rim: rim as GpuRim, entry: `gpu-rim/${covers}@${version}` };
}

let authority: NvidiaAuthority;
let good: AppraisedGpu;
let policy: GpuRequirements;
beforeAll(async () => {
  authority = await makeAuthority();
  good = await appraised();
  policy = {
    count: 1,
    architecture: "hopper",
    mode: "single",
    modeNotStated: "reject",
    driverVersions: ["580.95.05"],
    vbiosVersions: ["96.00.CF.00.01"],
    switches: null,
    rimTables: RIMS.map(({ rim }) => rim.tableDigest),
    fwids: [encodeHex(good.result.report!.fwid!)],
    ccMode: "on",
    devtools: false,
    revocation: "ocsp-stapled",
  };
});

async function appraised(options: GpuOptions = {}, from = authority): Promise<AppraisedGpu> {
  const { decoded } = await gpuOf(from, options);
  const result = await verifyGpuReport(decoded, { now: NOW, nonce: NONCE, root: from.root.der });
  return { evidence: decoded, result };
}

const claimsOf = (gpus: readonly AppraisedGpu[]) => ({
  ccMode: "on" as const,
  devtools: false,
  mode: "single" as const,
  reports: gpus.map(({ evidence }) => encodeHex(sha256(evidence.report))),
  switches: [],
});

const check = async (
  gpus: AppraisedGpu[],
  wanted: Partial<GpuRequirements> = {},
  options: Partial<GpuPolicyOptions> = {},
) =>
  (
    await checkGpuPolicy(
      gpus,
      { ...policy, ...wanted },
      { now: NOW, claims: claimsOf(gpus), switches: [], rims: RIMS, root: authority.root.der, ...options },
    )
  ).checks;

describe("acceptable GPUs", () => {
  it("one passes every check, and each check is there", async () => {
    const checks = await check([good]);
    expect(checks.map(({ id, outcome }) => [id, outcome])).toEqual(
      GPU_POLICY_CHECKS.map((id) => [id, "pass"]),
    );
  });

  it("two different ones", async () => {
    expect(failed(await check([good, await appraised()], { count: 2 }))).toEqual([]);
  });

  it("with CRLs, or without revocation where the policy says so", async () => {
    expect(failed(await check([good], { revocation: "crl" }))).toEqual([]);
    const bare = await appraised({ ocsp: null });
    const checks = await check([bare], { revocation: "not-required" });
    expect(failed(checks)).toEqual([]);
    expect(checks.find(({ id }) => id === "gpu.revocation")?.detail).toContain("not required");
  });

  it("that match a reissued RIM of the same version, as a whole", async () => {
    const reissued = rimOf("driver", "580.95.05", makeGoldenTables(makeBlocks("reissued")).driver);
    const rims = [reissued, ...RIMS];
    const rimTables = rims.map(({ rim }) => rim.tableDigest);
    expect(failed(await check([good], { rimTables }, { rims }))).toEqual([]);
  });
});

describe("each check fails alone", () => {
  it("gpu.count: fewer or more than the policy says", async () => {
    expect(failed(await check([good], { count: 2 }))).toEqual(["gpu.count"]);
    expect(failed(await check([good, await appraised()], { count: 1 }))).toEqual(["gpu.count"]);
  });

  it("gpu.count: none at all, and nothing else is evaluated", async () => {
    const checks = await check([]);
    expect(failed(checks)).toEqual(["gpu.count"]);
    expect(checks.filter(({ outcome }) => outcome === "pass")).toEqual([]);
  });

  it("gpu.distinct: one report shown twice", async () => {
    expect(failed(await check([good, good], { count: 2 }))).toEqual(["gpu.distinct"]);
  });

  it("gpu.architecture.allowed", async () => {
    expect(failed(await check([good], { architecture: "blackwell" }))).toEqual(["gpu.architecture.allowed"]);
  });

  it("gpu.driver.allowed", async () => {
    expect(failed(await check([good], { driverVersions: ["580.95.06", "580.95"] }))).toEqual([
      "gpu.driver.allowed",
    ]);
  });

  it("gpu.vbios.allowed", async () => {
    expect(failed(await check([good], { vbiosVersions: ["96.00.CF.00.02"] }))).toEqual(["gpu.vbios.allowed"]);
  });

  it("gpu.fwid.allowed: another firmware, or none stated", async () => {
    expect(failed(await check([good], { fwids: ["00".repeat(48)] }))).toEqual(["gpu.fwid.allowed"]);
    const opaque = makeOpaque({ driverVersion: "545.23.08", vbiosVersion: "96.00.CF.00.01", fwid: null });
    const old = await appraised({ report: { opaque } });
    const rims = [rimOf("driver", "545.23.08", driver), ...RIMS];
    const checks = await check([old], { driverVersions: ["545.23.08"] }, { rims });
    expect(failed(checks)).toEqual(["gpu.fwid.allowed"]);
  });

  it("gpu.measurements: one block differs, and the index and the entry are named", async () => {
    const blocks = GOOD_BLOCKS.map((block, i) => (i === 25 ? new Uint8Array(48) : block));
    const checks = await check([await appraised({ report: { blocks } })]);
    expect(failed(checks)).toEqual(["gpu.measurements"]);
    expect(checks.find(({ id }) => id === "gpu.measurements")).toMatchObject({
      expected: encodeHex(GOOD_BLOCKS[25]!),
      actual: "00".repeat(48),
      entry: "gpu-rim/driver@580.95.05",
      detail: expect.stringContaining("index 25"),
    });
  });

  it("gpu.measurements: half of one logged table and half of another is no match", async () => {
    const mixed = GOOD_BLOCKS.map((block, i) => (i < 30 ? block : makeBlocks("reissued")[i]!));
    const reissued = rimOf("driver", "580.95.05", makeGoldenTables(makeBlocks("reissued")).driver);
    const rims = [reissued, ...RIMS];
    const gpu = await appraised({ report: { blocks: mixed } });
    const checks = await check([gpu], { rimTables: rims.map(({ rim }) => rim.tableDigest) }, { rims });
    expect(failed(checks)).toEqual(["gpu.measurements"]);
  });

  it("gpu.measurements: the tables contradict each other about an index", async () => {
    const both = rimOf("vbios", "96.00.CF.00.01", [...vbios, driver[1]!]);
    const rims = [RIMS[0]!, both];
    const checks = await check([good], { rimTables: rims.map(({ rim }) => rim.tableDigest) }, { rims });
    expect(failed(checks)).toEqual(["gpu.measurements"]);
  });

  it.each([
    ["no table of the driver", () => [RIMS[1]!]],
    ["no table of the VBIOS", () => [RIMS[0]!]],
    ["tables of another driver version", () => [rimOf("driver", "580.95.06", driver), RIMS[1]!]],
    ["tables of another chip", () => [rimOf("driver", "580.95.05", driver, "GB100"), RIMS[1]!]],
    [
      "a table whose digest is not its own",
      () => [{ ...RIMS[0]!, rim: { ...RIMS[0]!.rim, table: driver.slice(1) } }, RIMS[1]!],
    ],
    ["nothing logged", () => []],
  ])("gpu.rim: %s", async (_, rims) => {
    expect(failed(await check([good], {}, { rims: rims() }))).toEqual(["gpu.rim"]);
  });

  it("gpu.rim: a logged table that the policy does not allow", async () => {
    expect(failed(await check([good], { rimTables: ["00".repeat(32)] }))).toEqual(["gpu.rim"]);
  });

  it("gpu.revocation: no answers, or a revoked device", async () => {
    expect(failed(await check([await appraised({ ocsp: null })]))).toEqual(["gpu.revocation"]);
    expect(failed(await check([await appraised({ ocsp: { status: "revoked" } })]))).toEqual([
      "gpu.revocation",
    ]);
    expect(failed(await check([await appraised({ revoked: true })], { revocation: "crl" }))).toEqual([
      "gpu.revocation",
    ]);
  });

  it("gpu.revocation: hours after the answers ended", async () => {
    const later = new Date(NOW.getTime() + 30 * 3_600_000);
    expect(failed(await check([good], {}, { now: later }))).toEqual(["gpu.revocation"]);
  });

  it("gpu.claims: the guest states nothing, and its mode stays unknown", async () => {
    const checks = await check([good], {}, { claims: null });
    expect(failed(checks)).toEqual(["gpu.claims"]);
    const unknown = checks.filter(({ outcome }) => outcome === "not-evaluated").map(({ id }) => id);
    expect(unknown).toEqual(["gpu.cc-mode", "gpu.claimed-mode", "gpu.devtools"]);
  });

  it("gpu.claims: the guest speaks of other reports, fewer, more, or in another order", async () => {
    const other = await appraised();
    for (const gpus of [[], [other], [good, other]]) {
      expect(failed(await check([good], {}, { claims: claimsOf(gpus) }))).toEqual(["gpu.claims"]);
    }
    const swapped = { claims: claimsOf([other, good]) };
    expect(failed(await check([good, other], { count: 2 }, swapped))).toEqual(["gpu.claims"]);
  });

  it.each(["off", "devtools"] as const)("gpu.cc-mode: %s", async (ccMode) => {
    expect(failed(await check([good], {}, { claims: { ...claimsOf([good]), ccMode } }))).toEqual([
      "gpu.cc-mode",
    ]);
  });

  it.each(["mpt", "ppcie"] as const)("gpu.claimed-mode: %s", async (mode) => {
    expect(failed(await check([good], {}, { claims: { ...claimsOf([good]), mode } }))).toEqual([
      "gpu.claimed-mode",
    ]);
  });

  it("gpu.devtools", async () => {
    const claims = { ...claimsOf([good]), devtools: true };
    expect(failed(await check([good], {}, { claims }))).toEqual(["gpu.devtools"]);
  });

  it("one bad GPU among good ones fails the machine", async () => {
    const blocks = GOOD_BLOCKS.map((block, i) => (i === 25 ? new Uint8Array(48) : block));
    for (const gpus of [
      [good, await appraised({ report: { blocks } })],
      [await appraised({ report: { blocks } }), good],
    ]) {
      expect(failed(await check(gpus, { count: 2 }))).toEqual(["gpu.measurements"]);
    }
  });

  it("a GPU whose report cannot be read leaves everything but the count unevaluated", async () => {
    const result = await verifyGpuReport(
      { ...good.evidence, report: new Uint8Array(3) },
      { now: NOW, nonce: NONCE },
    );
    const checks = await check([good, { ...good, result }], { count: 2 });
    expect(checks.filter(({ outcome }) => outcome === "pass").map(({ id }) => id)).toEqual(["gpu.count"]);
  });
});
