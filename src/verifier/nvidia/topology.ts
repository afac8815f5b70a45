// Checks that GPUs and switches in PPCIE are wired to each other and to nobody else: NVIDIA's rule (nvtrust, validate_topology.py), and more
// where it leaves out what their certificates tell.
//
// A device is named by its PDI, 8 bytes. A switch writes its own in the order of its certificate's serial number; a GPU writes those of its
// switches the other way round. In which order a switch writes those of its GPUs has been seen on no whole machine, so either will do, if all
// of them are in it: the names are 64 random bits.
import type { GpuRequirements } from "../../protocol/entry/policy.ts";
import { type Check, CheckList } from "../check-list.ts";
import type { DeviceChain } from "./certificate-chain.ts";
import { TOPOLOGY_CHECKS } from "./device-checks.ts";
import type { GpuReport } from "./report.ts";
import type { SwitchReport } from "./switch-report.ts";

type TopologyCheck = (typeof TOPOLOGY_CHECKS)[number];

/** The devices of one machine, each read. */
export interface Topology {
  readonly gpus: ReadonlyArray<{ readonly report: Pick<GpuReport, "switches">; readonly chain: DeviceChain }>;
  readonly switches: ReadonlyArray<{
    readonly report: Pick<SwitchReport, "pdi" | "gpus">;
    readonly chain: DeviceChain;
  }>;
}

/**
 * Checks that each GPU is linked to all of the shown switches and to no other, and that each switch lists all of the shown GPUs and no
 * other. @param devices null where one could not be read: then nothing is evaluated.
 */
export function checkTopology(
  devices: Topology | null,
  { count, switches: wanted }: Pick<GpuRequirements, "count"> & { readonly switches: object | null },
): Check[] {
  const list = new CheckList<TopologyCheck>(TOPOLOGY_CHECKS);
  if (wanted === null) {
    for (const id of TOPOLOGY_CHECKS) list.pass(id, { detail: "the policy asks for no switch" });
  } else if (devices !== null && devices.gpus.length > 0 && devices.switches.length > 0) {
    checkSwitches(list, devices);
    checkGpus(list, devices, count);
    checkCertificates(list, devices);
  }
  return list.checks;
}

/** The switches at the links of each GPU are those that are shown. */
function checkSwitches(list: CheckList<TopologyCheck>, { gpus, switches }: Topology): void {
  const shown = inWords(switches.map(({ report }) => report.pdi));
  for (const [i, { report }] of gpus.entries())
    list.equal("topology.switches", shown, inWords(report.switches.map(reversed)), {
      detail: `PDIs of the switches that are shown, and of those at the links of GPU ${i}`,
    });
}

/** All switches list the same GPUs, as many as the policy wants. */
function checkGpus(list: CheckList<TopologyCheck>, { switches }: Topology, count: number): void {
  const first = inWords(switches[0]?.report.gpus ?? []);
  for (const [i, { report }] of switches.entries()) {
    const listed = inWords(report.gpus);
    const detail = `PDIs of the GPUs that switch 0 lists, and of those that switch ${i} does`;
    list.equal("topology.gpus", first, listed, { detail });
    const distinct = new Set(report.gpus).size;
    if (distinct === count) continue;
    list.fail("topology.gpus", {
      expected: `${count} GPUs`,
      actual: listed,
      detail: `switch ${i} lists ${distinct} GPUs, expected ${count}`,
    });
  }
}

/** Serial numbers of device certificates as NVIDIA makes them: the kind of device, then its PDI. */
const SERIAL = { gpu: /^41([0-9a-f]{16})$/, switch: /^50([0-9a-f]{16})$/ } as const;

/** What the certificates tell of PDIs is what the reports say. */
function checkCertificates(list: CheckList<TopologyCheck>, { gpus, switches }: Topology): void {
  for (const [i, { report, chain }] of switches.entries()) {
    const certified = SERIAL.switch.exec(chain.device.serial)?.[1];
    if (certified === undefined) continue;
    list.equal("topology.certificates", certified, report.pdi, {
      detail: `PDI of switch ${i} by its certificate`,
    });
  }
  const certified = gpus.flatMap(({ chain }) => SERIAL.gpu.exec(chain.device.serial)?.[1] ?? []);
  const listed = switches[0]?.report.gpus ?? [];
  if (certified.length < gpus.length)
    list.pass("topology.certificates", { detail: "the certificates of the GPUs do not tell their PDIs" });
  else if ([listed, listed.map(reversed)].some((names) => inWords(names) === inWords(certified)))
    list.pass("topology.certificates", {
      detail: "the GPUs that the switches list are those that are shown",
    });
  else
    list.fail("topology.certificates", {
      expected: inWords(certified),
      actual: inWords(listed),
      detail: "PDIs of the GPUs that are shown, by their certificates, and of those that the switches list",
    });
}

/** The distinct names, in an order of their own. */
function inWords(pdis: readonly string[]): string {
  return [...new Set(pdis)].sort().join(" ") || "none";
}

/** The same bytes in the opposite order. */
function reversed(hex: string): string {
  return hex.match(/../g)?.reverse().join("") ?? "";
}
