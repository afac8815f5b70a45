// The links between GPUs and switches: in which byte order each names the other, and what certificates tell beyond the reports.
import { describe, expect, it } from "vitest";
import type { DeviceChain } from "../../../src/verifier/nvidia/certificate-chain.ts";
import { TOPOLOGY_CHECKS } from "../../../src/verifier/nvidia/device-checks.ts";
import { checkTopology, type Topology } from "../../../src/verifier/nvidia/topology.ts";

const reversed = (hex: string) => hex.match(/../g)!.reverse().join("");
const name = (kind: number, i: number) => `0${kind}${i}`.slice(-2).repeat(7).concat("aa");
const SWITCHES = [0, 1, 2, 3].map((i) => name(5, i));
const GPUS = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => name(4, i));
const chainOf = (serial: string) => ({ device: { serial } }) as unknown as DeviceChain;

const gpu = (pdi: string, switches: readonly string[] = SWITCHES.map(reversed), serial = `41${pdi}`) => ({
  report: { switches },
  chain: chainOf(serial),
});
const switchOf = (pdi: string, gpus: readonly string[] = GPUS, serial = `50${pdi}`) => ({
  report: { pdi, gpus },
  chain: chainOf(serial),
});
const board = (change: Partial<Topology> = {}): Topology => ({
  gpus: GPUS.map((pdi) => gpu(pdi)),
  switches: SWITCHES.map((pdi) => switchOf(pdi)),
  ...change,
});
const WANTED = { count: 8, switches: {} };
const failed = (devices: Topology | null, wanted: Parameters<typeof checkTopology>[1] = WANTED) =>
  checkTopology(devices, wanted)
    .filter(({ outcome }) => outcome === "fail")
    .map(({ id }) => id);
const outcomes = (devices: Topology | null, wanted: Parameters<typeof checkTopology>[1] = WANTED) =>
  checkTopology(devices, wanted).map(({ outcome }) => outcome);

describe("a board that is wired to itself", () => {
  it("passes every check, and each check is there", () => {
    expect(checkTopology(board(), WANTED).map(({ id, outcome }) => [id, outcome])).toEqual(
      TOPOLOGY_CHECKS.map((id) => [id, "pass"]),
    );
  });

  it("passes whichever byte order the switches list GPUs in, if it is one for all", () => {
    const other = GPUS.map(reversed);
    expect(failed(board({ switches: SWITCHES.map((pdi) => switchOf(pdi, other)) }))).toEqual([]);
    const mixed = [...GPUS.slice(0, 4), ...GPUS.slice(4).map(reversed)];
    expect(failed(board({ switches: SWITCHES.map((pdi) => switchOf(pdi, mixed)) }))).toEqual([
      "topology.certificates",
    ]);
  });

  it("passes where GPUs have links in any order, and several to one switch", () => {
    const links = [...SWITCHES, SWITCHES[2]!].toReversed().map(reversed);
    expect(failed(board({ gpus: GPUS.map((pdi) => gpu(pdi, links)) }))).toEqual([]);
  });

  it("passes where the GPUs' certificates do not tell their PDIs, and says so", () => {
    const gpus = GPUS.map((pdi, i) => gpu(pdi, undefined, i === 3 ? "00ff" : undefined));
    const checks = checkTopology(board({ gpus }), WANTED);
    expect(checks.at(-1)).toMatchObject({ outcome: "pass", detail: expect.stringMatching(/do not tell/) });
  });
});

describe("a board that is not", () => {
  it("one GPU's PDIs in the order that switches write them", () => {
    const gpus = GPUS.map((pdi, i) => gpu(pdi, i === 7 ? SWITCHES : undefined));
    expect(failed(board({ gpus }))).toEqual(["topology.switches"]);
  });

  it.each<[string, Partial<Topology>, string[]]>([
    [
      "a GPU without links",
      { gpus: [...GPUS.slice(1).map((pdi) => gpu(pdi)), gpu(GPUS[0]!, [])] },
      ["topology.switches"],
    ],
    [
      "a switch that is not shown",
      { switches: SWITCHES.slice(1).map((pdi) => switchOf(pdi)) },
      ["topology.switches"],
    ],
    [
      "a switch more than the GPUs name",
      { switches: [...SWITCHES, name(6, 0)].map((pdi) => switchOf(pdi)) },
      ["topology.switches"],
    ],
    [
      "one switch that lists another GPU",
      { switches: SWITCHES.map((pdi, i) => switchOf(pdi, i === 2 ? [...GPUS.slice(1), name(7, 7)] : GPUS)) },
      ["topology.gpus"],
    ],
    [
      "switches that list one GPU twice",
      { switches: SWITCHES.map((pdi) => switchOf(pdi, [...GPUS.slice(1), GPUS[1]!])) },
      ["topology.gpus", "topology.certificates"],
    ],
    [
      "switches that list nobody",
      { switches: SWITCHES.map((pdi) => switchOf(pdi, [])) },
      ["topology.gpus", "topology.certificates"],
    ],
    ["another machine's GPUs", { gpus: GPUS.map((_, i) => gpu(name(8, i))) }, ["topology.certificates"]],
    [
      "a switch under another name than its certificate's",
      { switches: SWITCHES.map((pdi, i) => switchOf(pdi, GPUS, i === 3 ? `50${name(9, 9)}` : undefined)) },
      ["topology.certificates"],
    ],
  ])("%s", (_, change, expected) => {
    expect(failed(board(change))).toEqual(expected);
  });

  it("more or fewer GPUs than the policy wants", () => {
    expect(failed(board(), { ...WANTED, count: 7 })).toEqual(["topology.gpus"]);
  });
});

describe("what is not looked at", () => {
  it("devices that could not be read, or of which there are none, make no check pass", () => {
    const none = TOPOLOGY_CHECKS.map(() => "not-evaluated");
    expect(outcomes(null)).toEqual(none);
    expect(outcomes(board({ gpus: [] }))).toEqual(none);
    expect(outcomes(board({ switches: [] }))).toEqual(none);
  });

  it("where the policy asks for no switches, how many there are is another check's question", () => {
    expect(outcomes(null, { count: 1, switches: null })).toEqual(TOPOLOGY_CHECKS.map(() => "pass"));
  });
});
