// A machine that runs what was published is trusted; every other one is rejected by the check that its lie is about.
import { beforeAll, describe, expect, test } from "vitest";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import {
  bootEvents,
  type Machine,
  makeVendors,
  runtimeEvent,
  TAMPERINGS,
  type Tampering,
  type TamperingName,
  tamper,
} from "../../../src/testing/index.ts";
import { APPRAISAL_CHECKS } from "../../../src/verifier/appraisal/appraisal-checks.ts";
import { isTrusted, reasonOf, type Verdict } from "../../../src/verifier/appraisal/verdict.ts";
import {
  failedIds,
  judge,
  machineOf,
  makeWorld,
  OTHER_IMAGE,
  type World,
} from "../../support/appraisal-world.ts";
import { NOW } from "../../support/clock.ts";
import { sha256Of, sha384Of } from "../../support/release-predicates.ts";

const HOUR = 3_600_000;
let good: Machine;
let world: World;
let board: Machine;
let boardWorld: World;
beforeAll(async () => {
  good = await machineOf();
  world = await makeWorld(good);
  board = await machineOf({ gpus: [{}, {}], switches: [{}, {}] });
  boardWorld = await makeWorld(board);
});

const outcomeOf = (verdict: Verdict) =>
  verdict.verdict === "trusted" ? "trusted" : `rejected: ${failedIds(verdict).join(", ")}`;
const checkOf = ({ checks }: Verdict, id: string) => checks.find((check) => check.id === id)!;

describe("a machine that runs what was published", () => {
  test("is trusted, with every check of the list made once and in order", async () => {
    const verdict = await judge(world, good);
    expect(outcomeOf(verdict)).toBe("trusted");
    expect(verdict.checks.map(({ id }) => id)).toEqual([...APPRAISAL_CHECKS]);
    expect(verdict).toMatchObject({
      profile: "first",
      policy: { name: "production", version: 1 },
      checkpoint: { origin: world.pin.origin, size: world.log.envelopes.length },
      asOf: NOW.toISOString(),
    });
    expect(reasonOf(verdict.checks)).toBeNull();
  });

  test("is rejected as what it is under the vendors' own roots", async () => {
    const { roots: _, ...production } = { now: NOW, nonce: good.nonce, roots: good.roots };
    const verdict = await judge(world, { ...good, roots: await productionRoots() }, production);
    expect(failedIds(verdict)).toEqual(expect.arrayContaining(["tdx.root", "gpu.chain.root"]));
  });

  test.each(["v4", "v5-tdx1.0", "v5-tdx1.5"] as const)("is trusted with a quote of form %s", async (form) => {
    expect(outcomeOf(await judge(world, await machineOf({ tdx: { quote: { form } } })))).toBe("trusted");
  });

  test.each(["ccel", "dstack", "none"] as const)("is trusted with event log: %s", async (eventLog) => {
    expect(outcomeOf(await judge(world, await machineOf({ eventLog })))).toBe("trusted");
  });

  test("is trusted with eight Blackwell GPUs, and rejected when one of them is missing", async () => {
    const gpus = Array.from({ length: 8 }, () => ({}));
    const many = await machineOf({ vendors: await makeVendors(NOW, "blackwell"), gpus });
    const itsWorld = await makeWorld(many);
    expect(outcomeOf(await judge(itsWorld, many))).toBe("trusted");
    const seven = await machineOf({ vendors: many.vendors, gpus: gpus.slice(1) });
    expect(outcomeOf(await judge(itsWorld, seven))).toBe("rejected: gpu.count");
  });
});

describe("what a profile lets pass, the verdict says", () => {
  test("a mode that one GPU's driver does not state", async () => {
    const silent = await tamper(good, "gpu-mode-not-stated");
    const verdict = await judge(await makeWorld(good, { gpu: { modeNotStated: "accept" } }), silent);
    expect(outcomeOf(verdict)).toBe("trusted");
    expect(checkOf(verdict, "gpu.mode").actual).toBe("not-stated");
    expect(verdict.warnings).toContainEqual(expect.stringMatching(/does not state its mode/));
  });

  test("a quote that cannot show MRSERVICETD, and one that must", async () => {
    const { warnings } = await judge(world, good);
    expect(warnings).toEqual([expect.stringMatching(/^MRSERVICETD is not shown/)]);
    const strict = await makeWorld(good, { tdx: { mrServiceTd: "zero" } });
    expect(outcomeOf(await judge(strict, good))).toBe("rejected: tdx.policy.service-td");
    const shown = await machineOf({ tdx: { quote: { form: "v5-tdx1.5" } } });
    const verdict = await judge(strict, shown);
    expect(outcomeOf(verdict)).toBe("trusted");
    expect(verdict.warnings).toEqual([]);
  });

  test("a form of TD report that the profile does not list", async () => {
    const strict = await makeWorld(good, { tdx: { bodies: ["1.5"] } });
    expect(outcomeOf(await judge(strict, good))).toBe("rejected: tdx.policy.body");
  });

  test.each(["sept-ve-disable-off", "td-migratable"] as const)(
    "%s, where it is the platform's",
    async (name) => {
      const weak = await tamper(good, name);
      expect(outcomeOf(await judge(await makeWorld(weak), weak))).toBe("rejected: tdx.policy.attributes");
      const verdict = await judge(await makeWorld(weak, { tdx: { requiredAttributes: [] } }), weak);
      expect(outcomeOf(verdict)).toBe("trusted");
      expect(verdict.warnings[0]).toMatch(/SEPT_VE_DISABLE is off|MIGRATABLE is on/);
    },
  );
});

async function productionRoots(): Promise<Machine["roots"]> {
  const { INTEL_SGX_ROOT_CA } = await import("../../../src/verifier/tdx/intel-root.ts");
  const { NVIDIA_DEVICE_ROOT } = await import("../../../src/verifier/nvidia/device-root.ts");
  return { intel: INTEL_SGX_ROOT_CA, nvidia: NVIDIA_DEVICE_ROOT };
}

/** Checks that must fail too, because the same lie is told to them. */
const IMPLIED: Partial<Record<TamperingName, string[]>> = {
  "quote-edited": ["tuple.mrtd"],
  "attestation-key-replaced": ["tdx.quote.signature"],
  "tcb-below-every-level": ["tdx.policy.tcb-status"],
  "debug-td": ["tuple.td-attributes"],
  "sept-ve-disable-off": ["tuple.td-attributes"],
  "td-migratable": ["tuple.td-attributes"],
  "platform-ca-foreign": ["tdx.crl.pck"],
  "channel-key-swapped": ["gpu.nonce"],
  "evidence-replayed": ["gpu.nonce", "binding.nonce"],
  "gpu-report-edited": ["gpu.measurements", "gpu.claims"],
  "gpu-root-foreign": ["gpu.revocation"],
  "gpu-firmware-id-other": ["gpu.fwid.allowed"],
  "gpu-driver-other": ["gpu.rim"],
  "gpu-vbios-other": ["gpu.rim"],
  "gpu-of-another-architecture": ["gpu.rim"],
  "gpu-switches-differ": ["gpu.count"],
  "gpu-shown-twice": ["gpu.count", "gpu.claims"],
  "gpu-is-a-switch": ["gpu.architecture.allowed", "gpu.rim"],
  "switch-shown-twice": ["gpu.claims", "topology.switches"],
  "switch-report-edited": ["switch.measurements", "gpu.claims"],
  "switch-report-truncated": ["gpu.claims"],
  "switch-root-foreign": ["switch.revocation"],
  "switch-vbios-other": ["switch.rim"],
  "switches-list-fewer-gpus": ["topology.certificates"],
  "gpu-linked-to-another-switch": ["topology.switches"],
};

describe("a tampered machine is rejected by the check that its tampering aims at, and by those told the same lie", () => {
  test.each(Object.keys(TAMPERINGS) as TamperingName[])("%s", async (name) => {
    const { aimsAt: aim, needs }: Tampering = TAMPERINGS[name];
    const [judging, untouched] = needs === "switches" ? [boardWorld, board] : [world, good];
    const verdict = await judge(judging, await tamper(untouched, name));
    const wanted = [aim === "binding" ? "binding.report-data" : aim, ...(IMPLIED[name] ?? [])];
    expect(verdict.verdict).toBe("rejected");
    expect(failedIds(verdict).toSorted()).toEqual(wanted.toSorted());
    expect(reasonOf(verdict.checks)).not.toBeNull();
  });
});

const other = new Uint8Array(48).fill(5);
const registers: Array<[string, Record<string, Uint8Array>]> = [
  ["tuple.mrtd", { mrTd: other }],
  ["tuple.rtmr0", { rtmr0: other }],
  ["tuple.rtmr1", { rtmr1: other }],
  ["tuple.rtmr2", { rtmr2: other }],
  ["tuple.rtmr3", { rtmr3: other }],
  ["tuple.mr-config-id", { mrConfigId: other }],
  ["tuple.mr-owner", { mrOwner: other }],
  ["tuple.mr-owner-config", { mrOwnerConfig: other }],
  ["tuple.td-attributes", { tdAttributes: Uint8Array.of(0, 0, 0, 0x50, 0, 0, 0, 0) }],
  ["tuple.xfam", { xfam: Uint8Array.of(0xe7, 0, 6, 0, 0, 0, 0, 0) }],
];

describe("the tuple", () => {
  test.each(registers)(
    "%s is compared: a genuine quote with another value fails exactly that",
    async (id, body) => {
      const verdict = await judge(world, await machineOf({ tdx: { body } }));
      expect(outcomeOf(verdict)).toBe(`rejected: ${id}`);
    },
  );

  test("states the expected value, the one found, and the entry that says so", async () => {
    const verdict = await judge(world, await machineOf({ tdx: { body: { mrTd: other, rtmr1: other } } }));
    expect(checkOf(verdict, "tuple.mrtd")).toMatchObject({
      expected: encodeHex(good.body.mrTd),
      actual: encodeHex(other),
      entry: "platform/h100-vm@1",
    });
    expect(checkOf(verdict, "tuple.rtmr1").entry).toBe("os-image/guest@1.0");
    expect(reasonOf(verdict.checks)).toBe(
      `tuple.mrtd: differs (expected ${encodeHex(good.body.mrTd)} by platform/h100-vm@1, found ${encodeHex(other)})`,
    );
  });

  test("names the nearest profile, not the first", async () => {
    const secondPlatform = {
      mrTd: hex(sha384Of("mrtd other-vm 1")),
      rtmr0: hex(sha384Of("rtmr0 other-vm 1")),
      xfam: Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0),
    };
    const verdict = await judge(
      world,
      await machineOf({ events: bootEvents(OTHER_IMAGE), tdx: { body: secondPlatform } }),
    );
    expect(verdict.profile).toBe("second");
    expect(outcomeOf(verdict)).toBe("rejected: tuple.xfam");
  });

  test("a machine of the second profile is trusted by it", async () => {
    const body = { mrTd: hex(sha384Of("mrtd other-vm 1")), rtmr0: hex(sha384Of("rtmr0 other-vm 1")) };
    const verdict = await judge(world, await machineOf({ events: bootEvents(OTHER_IMAGE), tdx: { body } }));
    expect([outcomeOf(verdict), verdict.profile]).toEqual(["trusted", "second"]);
  });

  test("registers of two profiles are never mixed: the image of one on the platform of the other", async () => {
    const verdict = await judge(world, await machineOf({ events: bootEvents(OTHER_IMAGE) }));
    expect(outcomeOf(verdict)).toMatch(/^rejected: tuple\./);
    const body = { mrTd: hex(sha384Of("mrtd other-vm 1")), rtmr0: hex(sha384Of("rtmr0 other-vm 1")) };
    const other = await judge(world, await machineOf({ tdx: { body } }));
    expect(outcomeOf(other)).toMatch(/^rejected: tuple\./);
  });

  test("registers of two platforms are never mixed: the firmware of one with the configuration of the other", async () => {
    const body = { mrTd: hex(sha384Of("mrtd other-vm 1")) };
    expect(outcomeOf(await judge(world, await machineOf({ tdx: { body } })))).toBe("rejected: tuple.mrtd");
  });
});

const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

test("every check is shown to fail here or in the files beside this one", () => {
  const aims = Object.values(TAMPERINGS).map(({ aimsAt }) => aimsAt as string);
  const shown = new Set([...aims, ...Object.values(IMPLIED).flat(), ...registers.map(([id]) => id)]);
  const beside = /^(?:bundle\..+|evidence\..+|binding\.(?:channel|report-data|claims))$/;
  expect(APPRAISAL_CHECKS.filter((id) => !shown.has(id) && !beside.test(id))).toEqual([]);
});

describe("RTMR3", () => {
  const payload = new TextEncoder().encode("compose hash");
  const events = [
    ...bootEvents("synthetic image 1"),
    runtimeEvent("app-compose", payload),
    runtimeEvent("app", new Uint8Array(3)),
  ];
  const required = {
    mode: "replay",
    events: [{ name: "app-compose", payloadSha256: sha256Of("compose hash") }],
  } as const;
  let running: Machine;
  beforeAll(async () => {
    running = await machineOf({ events, eventLog: "dstack" });
  });
  const under = async (rtmr3: Parameters<typeof makeWorld>[1] & object, shown: Machine) =>
    outcomeOf(await judge(await makeWorld(running, rtmr3), shown));

  test("zero refuses a machine that measured anything at run time", async () => {
    expect(await under({ tdx: { rtmr3: { mode: "zero" } } }, running)).toBe("rejected: tuple.rtmr3");
  });

  test("exact takes one value and no other", async () => {
    const rtmr3 = { mode: "exact", value: encodeHex(running.body.rtmr3) } as const;
    expect(await under({ tdx: { rtmr3 } }, running)).toBe("trusted");
    expect(await under({ tdx: { rtmr3 } }, await machineOf({ eventLog: "dstack" }))).toBe(
      "rejected: tuple.rtmr3",
    );
  });

  test("replay takes any log that begins with the required events, and says which is missing", async () => {
    const change = { tdx: { rtmr3: { ...required, events: [...required.events] } } };
    expect(await under(change, running)).toBe("trusted");
    const without = await machineOf({
      events: events.filter(({ name }) => name !== "app-compose"),
      eventLog: "dstack",
    });
    expect(await under(change, without)).toBe("rejected: tuple.rtmr3");
    const late = await machineOf({
      events: [...events.slice(0, -2), events.at(-1)!, events.at(-2)!],
      eventLog: "dstack",
    });
    expect(await under(change, late)).toBe("rejected: tuple.rtmr3");
  });

  test("replay refuses a machine without a log, and one whose log is of another boot", async () => {
    const change = { tdx: { rtmr3: { ...required, events: [...required.events] } } };
    const { eventLog: _, ...tdx } = running.evidence.tdx;
    const silent = { ...running, evidence: { ...running.evidence, tdx } };
    expect(await under(change, silent)).toBe("rejected: tuple.rtmr3");
    const { evidence } = await machineOf({
      events: [...events, runtimeEvent("late", new Uint8Array())],
      eventLog: "dstack",
    });
    const foreign = {
      ...running,
      evidence: { ...running.evidence, tdx: { ...tdx, eventLog: evidence.tdx.eventLog! } },
    };
    expect(await under(change, foreign)).toBe("rejected: tuple.rtmr3");
  });
});

describe("time and freshness", () => {
  test.each([
    ["two days slow", -48 * HOUR],
    ["a month fast", 31 * 24 * HOUR],
  ])("a clock that is %s rejects the evidence by its windows", async (_, off) => {
    const verdict = await judge(world, good, { now: new Date(NOW.getTime() + off) });
    expect(failedIds(verdict)).toEqual(expect.arrayContaining(["tdx.collateral.window", "gpu.revocation"]));
  });

  test("a clock that is hours off rejects the OCSP answers, which live a day", async () => {
    const verdict = await judge(world, good, { now: new Date(NOW.getTime() + 25 * HOUR) });
    expect(outcomeOf(verdict)).toBe("rejected: bundle.checkpoint, bundle.status, gpu.revocation");
  });

  test("where the policy wants a challenge, none sent rejects", async () => {
    expect(outcomeOf(await judge(world, good, { nonce: null }))).toBe("rejected: binding.nonce");
  });

  test("evidence of an earlier challenge is rejected: nonce reuse", async () => {
    const verdict = await judge(world, good, { nonce: new Uint8Array(32).fill(9) });
    expect(outcomeOf(verdict)).toBe("rejected: gpu.nonce, binding.nonce, binding.report-data");
  });

  test("evidence made once per boot is good where the policy says so, still bound to the key", async () => {
    const perBoot = await makeWorld(good, { binding: { freshness: "boot" } });
    expect(outcomeOf(await judge(perBoot, good, { nonce: null }))).toBe("trusted");
    const thief = { type: "tls-spki", key: (await machineOf()).channel.spki } as const;
    expect(outcomeOf(await judge(perBoot, good, { nonce: null, channel: thief }))).toBe(
      "rejected: gpu.nonce, binding.report-data",
    );
  });
});

describe("a verdict", () => {
  test("is never trusted on no checks at all, or on one that was not made", () => {
    expect(isTrusted([])).toBe(false);
    expect(reasonOf([])).toBe("nothing was checked");
    const made = { id: "x", outcome: "pass", expected: null, actual: null, entry: null, detail: "" } as const;
    expect(isTrusted([made])).toBe(true);
    expect(isTrusted([made, { ...made, id: "y", outcome: "not-evaluated" }])).toBe(false);
    expect(reasonOf([made, { ...made, id: "y", outcome: "not-evaluated" }])).toBe(
      "y: could not be evaluated",
    );
  });

  test("is the same for the same evidence, whatever was judged before", async () => {
    const first = await judge(world, good);
    await judge(world, await tamper(good, "quote-edited"));
    expect(await judge(world, good)).toEqual(first);
  });
});
