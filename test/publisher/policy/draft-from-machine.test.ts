// A profile from logged entries and from a known-good machine: what is written is what was seen, and only a good example is taken.
import { beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../../src/protocol/cryptography/hash.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { parseStatement, type StatementOf } from "../../../src/protocol/envelope/statement.ts";
import { draftPlatform } from "../../../src/publisher/evidence/draft-platform.ts";
import { type ObservedMachine, observeMachine } from "../../../src/publisher/evidence/observe-machine.ts";
import { requireRunning } from "../../../src/publisher/evidence/require-running.ts";
import { draftFromMachine } from "../../../src/publisher/policy/draft-from-machine.ts";
import { draftPolicy } from "../../../src/publisher/policy/draft-policy.ts";
import type { ReleaseSet } from "../../../src/publisher/policy/release-set.ts";
import { parseRequirements } from "../../../src/publisher/policy/requirements.ts";
import {
  bootEvents,
  encodeEvidence,
  type Machine,
  runtimeEvent,
  type TamperingName,
  tamper,
} from "../../../src/testing/index.ts";
import { parseEvidence } from "../../../src/verifier/evidence.ts";
import { machineOf, OTHER_IMAGE } from "../../support/appraisal-world.ts";
import { NOW } from "../../support/clock.ts";
import { outcomeOf } from "../../support/refusals.ts";
import { releaseSetFor } from "./release-set-for.ts";

let good: Machine;
let selection: ReleaseSet;
let board: Machine;
let boardSelection: ReleaseSet;
beforeAll(async () => {
  good = await machineOf();
  selection = await releaseSetFor(good);
  board = await machineOf({ gpus: [{}, {}], switches: [{}, {}] });
  boardSelection = await releaseSetFor(board);
});

const observe = (machine: Machine, now = NOW): Promise<ObservedMachine> =>
  observeMachine(parseEvidence(encodeEvidence(machine.evidence)), { now, roots: machine.roots });

const RELEASE = {
  name: "acme/h100",
  version: "1",
  channel: "stable",
  svn: 2,
  builder: { id: "ci" },
  source: { uri: "https://git.example", commit: null, sha256: null },
  shape: { machineType: "q35", vcpus: 8, memoryBytes: 2 ** 36 },
  vmm: { name: "other" as const, package: null, sha256: null, arguments: [] },
};

describe("what a known-good machine shows", () => {
  it("becomes requirements that hold its own values and no others", async () => {
    const { tdx, gpu, binding } = (await observe(good)).requirements;
    expect(tdx).toMatchObject({
      rtmr3: { mode: "zero" },
      mrSeam: { mode: "allow", values: [encodeHex(good.body.mrSeam)] },
      minTeeTcbSvn: encodeHex(good.body.teeTcbSvn),
      tcbStatuses: ["UpToDate"],
      minTcbEvaluationDataNumber: 20,
      bodies: ["1.0"],
      mrServiceTd: "zero-or-not-shown",
      requiredAttributes: ["sept-ve-disable", "not-migratable", "reserved-zero", "xfam-mandatory"],
    });
    expect(gpu).toMatchObject({
      count: 1,
      architecture: "hopper",
      mode: "single",
      modeNotStated: "reject",
      driverVersions: ["580.95.05"],
      vbiosVersions: ["96.00.CF.00.01"],
      fwids: [encodeHex(good.gpus[0]!.identity.fwid!)],
      revocation: "ocsp-stapled",
    });
    expect(binding).toEqual({ format: "touchstone-binding/v1", channel: "tls-spki", freshness: "nonce" });
  });

  it("with switches becomes requirements of a whole board", async () => {
    const { gpu } = (await observe(board)).requirements;
    expect(gpu).toMatchObject({
      count: 2,
      mode: "ppcie",
      modeNotStated: "reject",
      switches: { count: 2, vbiosVersions: ["96.10.55.00.01"] },
    });
    const { content } = draftFromMachine("board", await observe(board), RELEASE, boardSelection);
    const [profile] = content.profiles;
    expect(profile?.switchRims.map(({ kind }) => kind)).toEqual(["switch-rim"]);
    expect(profile?.gpu.switches?.rimTables).toEqual([
      boardSelection.switchRims[0]!.statement.predicate.tableDigest,
    ]);
    expect(content.svnFloor["switch-rim"]).toBe(1);
  });

  it.each<[TamperingName, string]>([
    ["switch-report-edited", "not-genuine"],
    ["switch-root-foreign", "not-genuine"],
    ["switches-not-shown", "not-acceptable"],
    ["board-in-mixed-modes", "not-acceptable"],
    ["gpus-linked-to-other-switches", "not-acceptable"],
    ["switches-list-other-gpus", "not-acceptable"],
  ])("is not taken from a board with %s", async (name, code) => {
    const bad = await tamper(board, name);
    expect(await outcomeOf(() => observe(bad))).toBe(code);
  });

  it("is not taken from a board whose switches run another VBIOS than the chosen table's", async () => {
    for (const name of ["switch-vbios-other", "switch-firmware-changed"] as const) {
      const machine = await observe(await tamper(board, name));
      expect(await outcomeOf(() => requireRunning(machine, boardSelection))).toBe("another-release");
    }
  });

  it("becomes a platform statement whose source is the quote, by digest", async () => {
    const machine = await observe(good);
    const statement = parseStatement(
      draftPlatform(RELEASE, machine, "edk2-202411"),
    ) as StatementOf<"platform">;
    expect(statement.predicate).toMatchObject({
      mrtd: encodeHex(good.body.mrTd),
      rtmr0: encodeHex(good.body.rtmr0),
      tdAttributes: encodeHex(good.body.tdAttributes),
      xfam: encodeHex(good.body.xfam),
      pageAddOrder: "observed",
      rtmr0Derivation: "observed",
      layout: "edk2-202411",
      rtmr0From: `TDX quote, SHA-256 ${machine.quoteDigest}`,
      shape: { ...RELEASE.shape, gpus: 1 },
    });
    expect(statement.subject).toEqual([
      { name: "known-good TDX quote", digest: { sha256: machine.quoteDigest } },
    ]);
  });

  it("takes RTMR3 as it is, and the lower of the two SVNs of a TDX 1.5 body", async () => {
    const events = [...bootEvents("synthetic image 1"), runtimeEvent("app", new Uint8Array(1))];
    const teeTcbSvn2 = Uint8Array.from(good.body.teeTcbSvn, (svn, i) => svn + (i === 0 ? 2 : 0));
    const machine = await machineOf({ events, tdx: { quote: { form: "v5-tdx1.5" }, body: { teeTcbSvn2 } } });
    const { tdx } = (await observe(machine)).requirements;
    expect(tdx).toMatchObject({ bodies: ["1.5"], mrServiceTd: "zero" });
    expect(tdx.rtmr3).toEqual({ mode: "exact", value: encodeHex(machine.body.rtmr3) });
    expect(tdx.minTeeTcbSvn).toBe(encodeHex(good.body.teeTcbSvn));
  });

  it.each<[TamperingName, string]>([
    ["quote-edited", "not-genuine"],
    ["pck-revoked", "not-genuine"],
    ["gpu-report-edited", "not-genuine"],
    ["gpu-root-foreign", "not-genuine"],
    ["debug-td", "not-acceptable"],
    ["service-td", "not-acceptable"],
    ["sept-ve-disable-off", "not-acceptable"],
    ["td-migratable", "not-acceptable"],
    ["gpu-ppcie", "not-acceptable"],
    ["gpu-multi-pass-through", "not-acceptable"],
    ["gpu-missing", "not-acceptable"],
    ["gpu-cc-off", "not-acceptable"],
    ["gpu-devtools", "not-acceptable"],
  ])("is not taken as an example when it is not good: %s, %s", async (name, code) => {
    expect(await outcomeOf(async () => observe(await tamper(good, name)))).toBe(code);
  });

  it("accepts that the mode is not stated only of one GPU that leaves it out, and says so", async () => {
    const silent = await observe(await tamper(good, "gpu-mode-not-stated"));
    expect(silent.requirements.gpu.modeNotStated).toBe("accept");
    expect(silent.leftOut).toEqual([
      expect.stringMatching(/^tdx\.mrServiceTd is "zero-or-not-shown"/),
      expect.stringMatching(/^gpu\.modeNotStated is "accept"/),
    ]);
    const { gpus = [{}] } = (await tamper(good, "gpu-mode-not-stated")).options;
    const several = await machineOf({ gpus: [...gpus, ...gpus] });
    expect(await outcomeOf(() => observe(several))).toBe("not-acceptable");
  });

  it("is not taken as an example at a time when its collateral is not valid", async () => {
    expect(await outcomeOf(() => observe(good, new Date("2027-06-01T00:00:00Z")))).toBe("not-genuine");
  });

  it("is taken though its TCB is out of date, and the status says so for the reviewer", async () => {
    const { tdx } = (await observe(await tamper(good, "tcb-out-of-date"))).requirements;
    expect(tdx.tcbStatuses).toEqual(["OutOfDate"]);
  });
});

describe("the release that it is said to run", () => {
  it("is the one it runs", async () => {
    requireRunning(await observe(good), selection);
  });

  it("is refused when it booted another image", async () => {
    const other = await observe(await machineOf({ events: bootEvents(OTHER_IMAGE) }));
    expect(await outcomeOf(() => requireRunning(other, selection))).toBe("another-release");
  });

  it("is refused when its GPU measured something else, or no table is chosen for it", async () => {
    const changed = await observe(await tamper(good, "gpu-firmware-changed"));
    expect(await outcomeOf(() => requireRunning(changed, selection))).toBe("another-release");
    const half = { ...selection, gpuRims: selection.gpuRims.slice(0, 1) };
    expect(await outcomeOf(async () => requireRunning(await observe(good), half))).toBe("another-release");
  });
});

describe("a drafted policy", () => {
  const place = {
    name: "prod",
    origin: "log.example",
    previous: null,
    validFrom: "2026-11-23T12:00:00Z",
    expires: "2026-12-23T12:00:00Z",
  };

  it("names the whole release set, and puts each floor at the chosen entry's svn", async () => {
    const { platform, content } = draftFromMachine("h100", await observe(good), RELEASE, selection);
    const { predicate } = parseStatement(draftPolicy(place, content)) as StatementOf<"policy">;
    expect(predicate.svnFloor).toEqual({
      "os-image": 1,
      "kernel-patch-set": 1,
      "driver-build": 1,
      "gsp-firmware": 1,
      "gpu-rim": 1,
      "switch-rim": 0,
      platform: 2,
    });
    expect(predicate.profiles).toHaveLength(1);
    expect(predicate.profiles[0]).toMatchObject({
      id: "h100",
      osImage: selection.osImage.reference,
      kernelPatchSet: selection.kernelPatchSet.reference,
      driverBuild: selection.driverBuild.reference,
      platforms: [{ kind: "platform", name: "acme/h100", version: "1", digest: encodeHex(sha256(platform)) }],
    });
    expect(predicate.profiles[0]!.gpu.rimTables).toHaveLength(2);
  });

  it("asks what the machine showed, as a file of requirements would", async () => {
    const machine = await observe(good);
    const { tdx, gpu, binding } = draftFromMachine("h100", machine, RELEASE, selection).content.profiles[0]!;
    const file = new TextEncoder().encode(JSON.stringify(machine.requirements));
    expect(parseRequirements(file)).toEqual(machine.requirements);
    expect({ tdx, gpu, binding }).toMatchObject(machine.requirements);
  });

  it("is not made when the machine runs another release", async () => {
    const other = await observe(await machineOf({ events: bootEvents(OTHER_IMAGE) }));
    expect(await outcomeOf(() => draftFromMachine("h100", other, RELEASE, selection))).toBe(
      "another-release",
    );
  });
});
