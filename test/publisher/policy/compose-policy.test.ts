// What a policy takes from its entries, and what it takes from the requirements of its owner.
import { beforeAll, describe, expect, it } from "vitest";
import type { Predicate } from "../../../src/protocol/entry/kinds.ts";
import type { ReleaseKind } from "../../../src/protocol/entry/release-kinds.ts";
import { PolicyError } from "../../../src/protocol/errors.ts";
import { composePolicy } from "../../../src/publisher/policy/compose-policy.ts";
import type { PolicyContent } from "../../../src/publisher/policy/draft-policy.ts";
import type { Released, ReleaseSet } from "../../../src/publisher/policy/release-set.ts";
import { parseRequirements, type Requirements } from "../../../src/publisher/policy/requirements.ts";
import { machineOf } from "../../support/appraisal-world.ts";
import { malformedOf } from "../../support/refusals.ts";
import { sha256Of, sha384Of, switchRimPredicate } from "../../support/release-predicates.ts";
import { releaseSetFor } from "./release-set-for.ts";

const zeros = "0".repeat(96);
const TOML = `
[tdx]
mrConfigId = "${zeros}"
mrOwner = "${zeros}"
mrOwnerConfig = "${zeros}"
rtmr3 = { mode = "zero" }
mrSeam = { mode = "intel-signed" }
minTeeTcbSvn = "${"0".repeat(32)}"
tcbStatuses = ["UpToDate"]
minTcbEvaluationDataNumber = 1
bodies = ["1.5"]
mrServiceTd = "zero"
debug = false

[gpu]
architecture = "hopper"
revocation = "ocsp-stapled"

[binding]
format = "touchstone-binding/v1"
channel = "tls-spki"
freshness = "nonce"
`;
const bytes = (text: string) => new TextEncoder().encode(text);
const json = (value: unknown) => bytes(JSON.stringify(value));

let releases: ReleaseSet;
let wanted: Requirements;
beforeAll(async () => {
  const { gspFirmware, ...others } = await releaseSetFor(await machineOf());
  const observedFwids = [{ fwid: sha384Of("fwid"), report: sha256Of("report") }];
  releases = { ...others, gspFirmware: changed(gspFirmware, { observedFwids }) };
  wanted = parseRequirements(bytes(TOML));
});

/** The same entry, stating something else. */
function changed<K extends ReleaseKind>(released: Released<K>, other: Partial<Predicate<K>>): Released<K> {
  const { statement } = released;
  return { ...released, statement: { ...statement, predicate: { ...statement.predicate, ...other } } };
}
const gpuOf = ({ profiles }: PolicyContent) => profiles[0]!.gpu;
const faultOf = async (set: ReleaseSet) => malformedOf(() => composePolicy("h100", set, wanted));

describe("what the requirements leave out", () => {
  it("is what the entries state", () => {
    expect(gpuOf(composePolicy("h100", releases, wanted))).toEqual({
      architecture: "hopper",
      mode: "single",
      switches: null,
      modeNotStated: "reject",
      revocation: "ocsp-stapled",
      count: 1,
      driverVersions: [releases.driverBuild.statement.predicate.upstream.version],
      vbiosVersions: ["96.00.CF.00.01"],
      rimTables: releases.gpuRims.map(({ statement }) => statement.predicate.tableDigest),
      fwids: [sha384Of("fwid")],
      ccMode: "on",
      devtools: false,
    });
  });

  it("is stated once, however many entries say it", () => {
    const gpuRims = [...releases.gpuRims, ...releases.gpuRims];
    const platforms = [...releases.platforms, ...releases.platforms];
    const { rimTables, vbiosVersions } = gpuOf(
      composePolicy("h100", { ...releases, gpuRims, platforms }, wanted),
    );
    expect([rimTables.length, vbiosVersions]).toEqual([2, ["96.00.CF.00.01"]]);
  });

  it("is named when no entry states it, or two state it differently", async () => {
    const gspFirmware = changed(releases.gspFirmware, { observedFwids: [] });
    expect((await faultOf({ ...releases, gspFirmware }))?.at).toBe("/gpu/fwids");
    const [platform] = releases.platforms as [Released<"platform">];
    const { shape } = platform.statement.predicate;
    const larger = changed(platform, { shape: { ...shape, gpus: 8 } });
    expect((await faultOf({ ...releases, platforms: [platform, larger] }))?.at).toBe("/gpu/count");
  });
});

describe("a board in PPCIE", () => {
  const ppcie = (): Requirements => ({
    ...wanted,
    gpu: { ...wanted.gpu, mode: "ppcie", switches: { count: 4 } },
  });
  const rim = (version: string): Released<"switch-rim"> => {
    const predicate = switchRimPredicate("ls10-vbios", version);
    return {
      statement: { kind: "switch-rim", name: "ls10-vbios", version, predicate },
      reference: { kind: "switch-rim", name: "ls10-vbios", version, digest: sha256Of(version) },
    } as unknown as Released<"switch-rim">;
  };
  const versions = ["96.10.55.00.01", "96.10.5F.00.01"];

  it("has the versions and tables of the switch RIMs that it names", () => {
    const set = { ...releases, switchRims: versions.map(rim) };
    const { profiles, svnFloor } = composePolicy("board", set, ppcie());
    expect(profiles[0]!.gpu.switches).toEqual({
      count: 4,
      vbiosVersions: versions,
      rimTables: [set.switchRims[0]!.statement.predicate.tableDigest],
    });
    expect(profiles[0]!.switchRims.map(({ version }) => version)).toEqual(versions);
    expect(svnFloor["switch-rim"]).toBe(1);
  });

  it("needs a switch RIM, or versions and tables", async () => {
    expect((await malformedOf(() => composePolicy("board", releases, ppcie())))?.at).toBe(
      "/gpu/switches/vbiosVersions",
    );
  });
});

describe("releases that do not fit together are refused", () => {
  const refusalOfSet = (change: Partial<ReleaseSet>) => {
    try {
      composePolicy("h100", { ...releases, ...change }, wanted);
      return "composed";
    } catch (error) {
      return error instanceof PolicyError ? `${error.code}: ${error.message}` : String(error);
    }
  };
  const of = (covers: string) =>
    releases.gpuRims.filter(({ statement }) => statement.predicate.rim.covers === covers);
  const rimOf = (rim: Released<"gpu-rim">, componentVersion: string) =>
    changed(rim, { rim: { ...rim.statement.predicate.rim, componentVersion } });

  it("GSP firmware of another driver", () => {
    const gspFirmware = changed(releases.gspFirmware, { firmwareVersion: "570.10.01" });
    expect(refusalOfSet({ gspFirmware })).toMatch(
      /^release-set: .*the GSP firmware is of driver 570\.10\.01/,
    );
  });

  it("a RIM of another driver, and no RIM of the driver or of the VBIOS", () => {
    const [driver] = of("driver");
    expect(refusalOfSet({ gpuRims: [rimOf(driver!, "570.10.01"), ...of("vbios")] })).toMatch(
      /^release-set: .* is of driver 570\.10\.01/,
    );
    expect(refusalOfSet({ gpuRims: of("driver") })).toMatch(/^release-set: .*no RIM of a vbios/);
    expect(refusalOfSet({ gpuRims: of("vbios") })).toMatch(/^release-set: .*no RIM of a driver/);
  });

  it("a driver built for another kernel; one whose kernel states no release is taken", () => {
    const { kernelPatchSet } = releases;
    const other = changed(kernelPatchSet, { kernelRelease: "6.12.2-other" });
    expect(refusalOfSet({ kernelPatchSet: other })).toMatch(
      /^release-set: .*built for kernel 6\.12\.1, .*6\.12\.2-other/,
    );
    expect(refusalOfSet({ kernelPatchSet: changed(kernelPatchSet, { kernelRelease: "6.12.1" }) })).toBe(
      "composed",
    );
    expect(refusalOfSet({})).toBe("composed");
  });
});

describe("what the owner gives", () => {
  it("is taken before what the entries state", () => {
    const given = {
      count: 8,
      driverVersions: ["1"],
      vbiosVersions: ["2"],
      rimTables: [sha256Of("table")],
      fwids: [sha384Of("another")],
    };
    const content = composePolicy("h100", releases, { ...wanted, gpu: { ...wanted.gpu, ...given } });
    expect(gpuOf(content)).toMatchObject(given);
  });

  it("replaces the floors of the kinds that it names; the others are the lowest svn of the entries", () => {
    const [rim, other] = releases.gpuRims as [Released<"gpu-rim">, Released<"gpu-rim">];
    const set = { ...releases, gpuRims: [changed(rim, { svn: 7 }), changed(other, { svn: 5 })] };
    expect(composePolicy("h100", set, wanted).svnFloor).toMatchObject({ "gpu-rim": 5, "os-image": 1 });
    expect(composePolicy("h100", set, wanted, { "gpu-rim": 4 }).svnFloor).toMatchObject({
      "gpu-rim": 4,
      "os-image": 1,
    });
  });
});

describe("a file of requirements", () => {
  it("is TOML or JSON, of the same form", () => {
    expect(parseRequirements(json(wanted))).toEqual(wanted);
    expect(parseRequirements(bytes(`\n  ${JSON.stringify(wanted)}`))).toEqual(wanted);
  });

  it("says where a member is missing or unknown, and in which line it is no TOML", async () => {
    const { architecture: _, ...gpu } = wanted.gpu;
    expect((await malformedOf(() => parseRequirements(json({ ...wanted, gpu }))))?.at).toBe(
      "/gpu/architecture",
    );
    const unknown = await malformedOf(() => parseRequirements(json({ ...wanted, anything: "else" })));
    expect(unknown?.message).toContain("anything");
    const broken = bytes(TOML.replace("debug = false", "debug = = false"));
    expect((await malformedOf(() => parseRequirements(broken)))?.at).toBe("line 13");
  });

  it("cannot ask for a debug TD, for a GPU outside confidential mode, or for nothing", async () => {
    for (const permissive of [
      { ...wanted, tdx: { ...wanted.tdx, debug: true } },
      { ...wanted, gpu: { ...wanted.gpu, ccMode: "off" } },
      { ...wanted, gpu: { ...wanted.gpu, devtools: true } },
      { ...wanted, gpu: { ...wanted.gpu, rimTables: [] } },
      {},
    ])
      expect(await malformedOf(() => parseRequirements(json(permissive)))).toBeDefined();
  });

  it("is refused above 256 KiB, in either form", async () => {
    for (const text of [`#${" ".repeat(256 * 1024)}`, `{${" ".repeat(256 * 1024)}}`])
      expect((await malformedOf(() => parseRequirements(bytes(text))))?.message).toContain("longer than");
  });
});
