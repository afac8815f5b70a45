import { beforeAll, describe, expect, test } from "vitest";
import { sha256 } from "../../src/protocol/cryptography/hash.ts";
import { decodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { bootEvents } from "../../src/testing/event-log.ts";
import {
  encodeEvidence,
  type Machine,
  makeMachine,
  makeVendors,
  runtimeEvent,
  TAMPERINGS,
  type Tampering,
  type TamperingName,
  tamper,
  WHOLE_BOARD,
} from "../../src/testing/index.ts";
import { MAX_EVIDENCE_BYTES, parseEvidence } from "../../src/verifier/evidence.ts";
import { verifyGpuReport } from "../../src/verifier/nvidia/verify-report.ts";
import { compareEventLog, parseEventLog } from "../../src/verifier/tdx/event-log.ts";
import { parseTdxQuote } from "../../src/verifier/tdx/quote.ts";
import { verifyTdxQuote } from "../../src/verifier/tdx/verify-quote.ts";
import { malformedOf } from "../support/refusals.ts";
import { failedIds, judgeMachine } from "./judge-machine.ts";

const at = new Date("2026-11-20T12:00:00Z");
let good: Machine;
let board: Machine;
beforeAll(async () => {
  good = await makeMachine({ at });
  board = await makeMachine({ at, gpus: [{}, {}], switches: [{}, {}] });
});

describe("a synthetic machine", () => {
  test("passes every check of the verifiers under its own roots", async () => {
    const checks = await judgeMachine(good, good);
    expect(checks.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
    expect(checks.length).toBeGreaterThan(45);
  });

  test("is never accepted under the production roots", async () => {
    const evidence = parseEvidence(encodeEvidence(good.evidence));
    const tdx = await verifyTdxQuote(evidence.tdx.quote, evidence.tdx.collateral, { now: at });
    expect(failedIds(tdx.checks)).toContain("tdx.root");
    expect(tdx.accepted).toBe(false);
    const gpu = await verifyGpuReport(evidence.gpus[0]!, { now: at, nonce: null });
    expect(failedIds(gpu.checks)).toContain("gpu.chain.root");
    expect(gpu.accepted).toBe(false);
  });

  test.each(["v4", "v5-tdx1.0", "v5-tdx1.5"] as const)(
    "is accepted with a quote of form %s",
    async (form) => {
      const machine = await makeMachine({
        at,
        tdx: { quote: { form, trailing: new Uint8Array(39).fill(1) } },
      });
      expect(failedIds(await judgeMachine(machine, machine))).toEqual([]);
      expect(parseTdxQuote(decodeBase64(machine.evidence.tdx.quote)).trailingBytes).toBe(39);
    },
  );

  test("is accepted with eight Blackwell GPUs", async () => {
    const vendors = await makeVendors(at, "blackwell");
    const machine = await makeMachine({ at, vendors, gpus: Array.from({ length: 8 }, () => ({})) });
    expect(failedIds(await judgeMachine(machine, machine))).toEqual([]);
    expect(encodeEvidence(machine.evidence).length).toBeLessThan(MAX_EVIDENCE_BYTES / 8);
  });

  test("is accepted as a whole board of eight GPUs and four switches", async () => {
    const machine = await makeMachine({ at, ...WHOLE_BOARD });
    const checks = await judgeMachine(machine, machine);
    expect(checks.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
    expect(machine.evidence.switches).toHaveLength(4);
    expect(machine.evidence.claims).toMatchObject({ mode: "ppcie", switches: { length: 4 } });
  });

  test("is refused a month later, when its collateral has expired", async () => {
    const later = { ...good, options: { ...good.options, at: new Date("2027-01-20T12:00:00Z") } };
    expect(failedIds(await judgeMachine(later, good))).toEqual(["tdx.collateral.window", "gpu.revocation"]);
  });

  test.each(["ccel", "dstack"] as const)(
    "has a %s event log that replays to its registers",
    async (eventLog) => {
      const events = [...bootEvents("image"), runtimeEvent("system-ready", new Uint8Array())];
      const machine = await makeMachine({ at, eventLog, events });
      const { tdx } = parseEvidence(encodeEvidence(machine.evidence));
      const log = parseEventLog(eventLog, tdx.eventLog!.data);
      const all = ["rtmr0", "rtmr1", "rtmr2", "rtmr3"];
      expect(compareEventLog(log, parseTdxQuote(tdx.quote).body)).toEqual({
        logged: all,
        equal: all,
        missing: [],
      });
    },
  );
});

/** Checks that must fail too, because the same lie is told to them. */
const IMPLIED: Partial<Record<TamperingName, string[]>> = {
  "attestation-key-replaced": ["tdx.quote.signature"],
  "quote-truncated": ["binding"],
  "tcb-below-every-level": ["tdx.policy.tcb-status"],
  "channel-key-swapped": ["gpu.nonce"],
  "evidence-replayed": ["gpu.nonce"],
  "platform-ca-foreign": ["tdx.crl.pck"],
  "gpu-driver-other": ["gpu.rim"],
  "gpu-vbios-other": ["gpu.rim"],
  "gpu-of-another-architecture": ["gpu.rim"],
  "gpu-switches-differ": ["gpu.count"],
  "gpu-shown-twice": ["gpu.count", "gpu.claims"],
  "gpu-firmware-id-other": ["gpu.fwid.allowed"],
  "gpu-report-edited": ["gpu.measurements", "gpu.claims"],
  "gpu-root-foreign": ["gpu.revocation"],
  "gpu-is-a-switch": ["gpu.architecture.allowed", "gpu.rim"],
  "switch-report-truncated": ["gpu.claims"],
  "switch-shown-twice": ["gpu.claims", "topology.switches"],
  "switch-report-edited": ["switch.measurements", "gpu.claims"],
  "switch-root-foreign": ["switch.revocation"],
  "switch-vbios-other": ["switch.rim"],
  "switches-list-fewer-gpus": ["topology.certificates"],
  "gpu-linked-to-another-switch": ["topology.switches"],
};

describe("a tampered machine is refused by the check that its tampering aims at, and by no other", () => {
  const names = Object.keys(TAMPERINGS) as TamperingName[];
  test.each(names)("%s", async (name) => {
    const { aimsAt, needs }: Tampering = TAMPERINGS[name];
    const untouched = needs === "switches" ? board : good;
    const failed = new Set(failedIds(await judgeMachine(untouched, await tamper(untouched, name))));
    expect([...failed].toSorted()).toEqual([aimsAt, ...(IMPLIED[name] ?? [])].toSorted());
  });

  test("one with switches is not made of a machine without", () => {
    expect(() => tamper(good, "switch-revoked")).toThrow(/needs a machine with switches/);
  });

  test.each(["v5-tdx1.0", "v5-tdx1.5"] as const)("in a quote of form %s too", async (form) => {
    const machine = await makeMachine({ at, tdx: { quote: { form } } });
    for (const name of ["quote-edited", "attestation-key-replaced", "qe-report-edited"] as const) {
      const failed = failedIds(await judgeMachine(machine, await tamper(machine, name)));
      expect(failed.toSorted()).toEqual([TAMPERINGS[name].aimsAt, ...(IMPLIED[name] ?? [])].toSorted());
    }
  });

  test("every check is aimed at", async () => {
    const ids = (await judgeMachine(board, board)).map(({ id }) => id);
    const aims = new Set<string>([
      ...Object.values(TAMPERINGS).map(({ aimsAt }) => aimsAt),
      ...Object.values(IMPLIED).flat(),
    ]);
    expect(ids.filter((id) => !aims.has(id)).toSorted()).toEqual([]);
  });
});

describe("parseEvidence", () => {
  test("gives back what the maker put in", () => {
    const evidence = parseEvidence(encodeEvidence(good.evidence));
    expect(evidence.nonce).toEqual(good.nonce);
    expect(evidence.gpus[0]?.report).toEqual(good.gpus[0]?.report);
    expect(evidence.claims.reports).toEqual([encodeHex(sha256(evidence.gpus[0]!.report))]);
  });

  const broken: Array<[string, (evidence: Record<string, unknown>) => unknown]> = [
    ["an unknown member", (e) => ({ ...e, extra: 1 })],
    ["another version", (e) => ({ ...e, version: 2 })],
    ["no claims", ({ claims: _, ...e }) => e],
    ["null claims", (e) => ({ ...e, claims: null })],
    ["a nonce of 31 bytes", (e) => ({ ...e, nonce: "00".repeat(31) })],
    ["an upper-case nonce", (e) => ({ ...e, nonce: "AB".repeat(32) })],
    ["17 GPUs", (e) => ({ ...e, gpus: Array.from({ length: 17 }, () => (e.gpus as unknown[])[0]) })],
    ["unpadded base64", (e) => ({ ...e, tdx: { ...(e.tdx as object), quote: "AAA" } })],
    ["an empty quote", (e) => ({ ...e, tdx: { ...(e.tdx as object), quote: "" } })],
    ["a quote above 64 KiB", (e) => ({ ...e, tdx: { ...(e.tdx as object), quote: "A".repeat(88_000) } })],
    [
      "an unknown log format",
      (e) => ({ ...e, tdx: { ...(e.tdx as object), eventLog: { format: "x", data: "AA==" } } }),
    ],
    ["an array", () => []],
  ];
  test.each(broken)("refuses %s", async (_, breakIt) => {
    const bytes = new TextEncoder().encode(JSON.stringify(breakIt({ ...good.evidence })));
    expect((await malformedOf(() => parseEvidence(bytes)))?.format).toBe("evidence");
  });

  test("refuses truncation wherever it is made", async () => {
    const bytes = encodeEvidence(good.evidence);
    for (let length = 0; length < bytes.length; length += 97) {
      expect(await malformedOf(() => parseEvidence(bytes.subarray(0, length)))).toBeDefined();
    }
  });

  test("refuses more than 4 MiB before reading it", async () => {
    expect(await malformedOf(() => parseEvidence(new Uint8Array(MAX_EVIDENCE_BYTES + 1)))).toBeDefined();
  });
});
