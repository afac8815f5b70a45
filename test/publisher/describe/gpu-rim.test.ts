import { createHash } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { describeGpuRim } from "../../../src/publisher/describe/gpu-rim.ts";
import type { RimInput } from "../../../src/publisher/describe/rim-file.ts";
import { describeSwitchRim } from "../../../src/publisher/describe/switch-rim.ts";
import { makeBlocks, makeGoldenTables } from "../../../src/testing/gpu-report.ts";
import { makeRim, makeRimAuthority, type RimAuthority } from "../../../src/testing/rim.ts";
import { describeReal, realDataPath, realJson } from "../../support/real-data.ts";
import { malformedOf, outcomeOf } from "../../support/refusals.ts";
import { RELEASE, statementOf } from "./release-input.ts";
import { scratchFolder } from "./scratch-folder.ts";

const folder = scratchFolder();
const verifiedAt = new Date("2026-11-01T00:00:00Z");
const { driver, vbios } = makeGoldenTables(makeBlocks("describe"));
let authority: RimAuthority;
let input: RimInput;
let bytes: Uint8Array;
beforeAll(async () => {
  const validity = {
    notBefore: new Date("2026-01-01T00:00:00Z"),
    notAfter: new Date("2027-12-31T00:00:00Z"),
  };
  authority = await makeRimAuthority(validity);
  bytes = await makeRim({ product: "GH100", version: "580.95.05", table: driver }, authority);
  input = {
    release: RELEASE,
    rim: folder.write("driver.swidtag", bytes),
    verifiedAt,
    root: authority.root.der,
  };
});

describe("a described GPU RIM", () => {
  it("states the golden table of a verified file, under the file's digest", async () => {
    const { payload } = await describeGpuRim(input);
    const { subject, predicate } = statementOf(payload);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    expect(subject).toEqual([{ name: "driver.swidtag", digest: { sha256 } }]);
    expect(predicate.rim).toMatchObject({
      id: "NV_GPU_DRIVER_GH100_580.95.05",
      covers: "driver",
      product: "GH100",
      sha256,
    });
    expect(predicate.table).toEqual(driver);
    expect(predicate.tableDigest).toBe(
      createHash("sha256").update(JSON.stringify(predicate.table)).digest("hex"),
    );
    expect(predicate.signers).toHaveLength(4);
    expect(predicate.verifiedAt).toBe("2026-11-01T00:00:00Z");
  });

  it("is refused at a time outside its signer's life, for another chip, and under another root", async () => {
    expect(
      await outcomeOf(() => describeGpuRim({ ...input, verifiedAt: new Date("2028-02-01T00:00:00Z") })),
    ).toBe("rim-rejected");
    expect(await outcomeOf(() => describeGpuRim({ ...input, chip: "GB100" }))).toBe("rim-rejected");
    const { root: _, ...nvidias } = input;
    expect(await outcomeOf(() => describeGpuRim(nvidias))).toBe("rim-rejected");
  });

  it("of a VBIOS needs the id that it was fetched under", async () => {
    const rim = folder.write(
      "vbios.swidtag",
      await makeRim({ product: "GH100", version: "96.00.9F.00.01", table: vbios }, authority),
    );
    expect((await malformedOf(() => describeGpuRim({ ...input, rim })))?.message).toMatch(
      /does not hold its id/,
    );
    const rimId = "NV_GPU_VBIOS_1010_0200_882_96009F0001";
    const { payload } = await describeGpuRim({ ...input, rim, rimId });
    expect(statementOf(payload).predicate.rim).toMatchObject({ id: rimId, covers: "vbios" });
  });
});

describe("a described switch RIM", () => {
  const rimId = "NV_SWITCH_BIOS_5612_0002_890_9610550001";
  const made = async () => {
    const fields = { product: "LS10", version: "96.10.55.00.01", table: vbios };
    return folder.write("switch.xml", await makeRim(fields, authority));
  };

  it("states the golden table of its VBIOS", async () => {
    const { payload } = await describeSwitchRim({ ...input, rim: await made(), rimId });
    const { predicate } = statementOf(payload);
    expect(predicate.rim).toEqual({
      id: rimId,
      tagId: "synthetic",
      componentVersion: "96.10.55.00.01",
      product: "LS10",
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(predicate.table).toEqual(vbios);
  });

  it("is none of a GPU, and no GPU's is one of a switch", async () => {
    expect(await outcomeOf(async () => describeGpuRim({ ...input, rim: await made(), rimId }))).toBe(
      "rim-rejected",
    );
    expect(await outcomeOf(() => describeSwitchRim({ ...input, rimId }))).toBe("rim-rejected");
    const id = "NV_GPU_VBIOS_1010_0200_882_9610550001";
    expect(await outcomeOf(async () => describeSwitchRim({ ...input, rim: await made(), rimId: id }))).toBe(
      "rim-rejected",
    );
  });
});

describeReal("NVIDIA's own RIM of driver 550.144.03", () => {
  const folderOf = "evidence/nvidia/rim-driver-550.144.03";

  it("is described, and its copy with a bad signature is refused", async () => {
    const { asOf } = realJson<{ asOf: string }>(`${folderOf}/expected.json`);
    const real = { release: RELEASE, verifiedAt: new Date(asOf) };
    const { payload } = await describeGpuRim({
      ...real,
      rim: realDataPath(`${folderOf}/rim-driver.xml`),
      chip: "GH100",
    });
    expect(statementOf(payload).predicate.rim.id).toBe("NV_GPU_DRIVER_GH100_550.144.03");
    const bad = { ...real, rim: realDataPath(`${folderOf}/rim-driver-bad-signature.xml`) };
    expect(await outcomeOf(() => describeGpuRim(bad))).toBe("rim-rejected");
  });
});
