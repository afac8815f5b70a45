// Lists lies about NVSwitches and about how GPUs are wired to them, one for each check of a board. Each is told of a machine with switches.
import type { GpuOptions } from "./gpu.ts";
import { makeBlocks, OPAQUE } from "./gpu-report.ts";
import { certificateValidity, makeVendors } from "./machine.ts";
import { makeNvidiaAuthority, randomPdi } from "./nvidia.ts";
import {
  type Change,
  edited,
  editedSwitch,
  flipBit,
  remade,
  type Tampering,
  withClaims,
  withGpu,
  withSwitch,
} from "./remake.ts";
import { GOOD_SWITCH_BLOCKS, makeSwitchOpaque, type SwitchOptions } from "./switch.ts";

const DAY = 86_400_000;
const VBIOS = "96.10.55.00.01";

/** The same board with some links changed, each told by the names of the devices. */
const rewired = (
  change: (
    gpus: readonly string[],
    switches: readonly string[],
  ) => { readonly ofGpu?: (i: number) => GpuOptions; readonly ofSwitch?: (i: number) => SwitchOptions },
): Change =>
  remade(({ gpus = [], switches = [] }) => {
    const names = (devices: ReadonlyArray<{ readonly pdi?: string }>) => devices.map(({ pdi = "" }) => pdi);
    const { ofGpu, ofSwitch } = change(names(gpus), names(switches));
    return {
      gpus: gpus.map((gpu, i) => ({ ...gpu, ...ofGpu?.(i) })),
      switches: switches.map((one, i) => ({ ...one, ...ofSwitch?.(i) })),
    };
  });

/** Names of as many devices that nobody shows. */
const strangers = (names: readonly string[]): string[] => names.map(randomPdi);

const onBoard = <const T extends Record<string, Omit<Tampering, "needs">>>(tamperings: T) =>
  Object.fromEntries(
    Object.entries(tamperings).map(([name, one]) => [name, { ...one, needs: "switches" }]),
  ) as { readonly [K in keyof T]: T[K] & { readonly needs: "switches" } };

export const SWITCH_TAMPERINGS = onBoard({
  "switches-not-shown": {
    story: "the GPUs are in PPCIE, and nobody attests the switches that carry their plain text",
    aimsAt: "switch.count",
    apply: remade(({ gpus = [], switches = [] }) => ({
      gpus: gpus.map((gpu) => ({
        ...gpu,
        mode: "ppcie" as const,
        switches: switches.map(({ pdi = "" }) => pdi),
      })),
      switches: [],
      claims: { mode: "ppcie" },
    })),
  },
  "switch-left-out": {
    story: "one of the switches at the GPUs' links is not shown",
    aimsAt: "topology.switches",
    apply: rewired((_, switches) => {
      const linked = [...switches, randomPdi()];
      return { ofGpu: () => ({ switches: linked }) };
    }),
  },
  "switch-shown-twice": {
    story: "one switch is shown as two",
    aimsAt: "switch.distinct",
    apply: edited((evidence) => ({
      ...evidence,
      switches: evidence.switches.map((one, i) => (i === 1 ? (evidence.switches[0] ?? one) : one)),
    })),
  },
  "switch-report-edited": {
    story: "a measurement was changed in a switch's report after it was signed",
    aimsAt: "switch.report.signature",
    apply: editedSwitch(({ report }) => ({ report: flipBit(report, 45 + 7) })),
  },
  "switch-report-of-another-session": {
    story: "a switch's report is genuine, but was asked for by somebody else",
    aimsAt: "switch.nonce",
    apply: withSwitch(() => ({ report: { nonce: new Uint8Array(32).fill(7) } })),
  },
  "switch-report-truncated": {
    story: "the end of a switch's report is missing",
    aimsAt: "switch.report.format",
    apply: editedSwitch(({ report }) => ({ report: report.slice(0, 2000) })),
  },
  "switch-chain-garbage": {
    story: "in place of a switch's certificates there is something else",
    aimsAt: "switch.chain.format",
    apply: editedSwitch(() => ({ chain: "-----BEGIN NOTHING-----" })),
  },
  "switch-chain-gap": {
    story: "a certificate is missing from a switch's chain",
    aimsAt: "switch.chain",
    apply: editedSwitch(({ chain }) => ({
      chain: chain
        .split(/(?=-----BEGIN)/)
        .filter((_, i) => i !== 2)
        .join(""),
    })),
  },
  "switch-root-foreign": {
    story: "the switches' chains end at a root of the attacker's own that has NVIDIA's name",
    aimsAt: "switch.chain.root",
    apply: async (machine) => {
      const { switches } = await makeVendors(machine.options.at);
      return remade(() => ({ vendors: { ...machine.vendors, switches } }))(machine);
    },
  },
  "switch-certificate-expired": {
    story: "a switch's certificates are no longer valid",
    aimsAt: "switch.chain.window",
    apply: withSwitch((at) => ({
      validity: { notBefore: new Date(at.getTime() - 60 * DAY), notAfter: new Date(at.getTime() - DAY) },
    })),
  },
  "switch-is-a-gpu": {
    story: "what is shown as a switch has the certificates of a GPU",
    aimsAt: "switch.architecture",
    apply: async (machine) => {
      const { at } = machine.options;
      const { root } = machine.vendors.nvidia;
      const switches = await makeNvidiaAuthority("hopper", certificateValidity(at), root);
      return remade(() => ({ vendors: { ...machine.vendors, switches } }))(machine);
    },
  },
  "switch-firmware-id-other": {
    story: "a switch's report names a firmware other than the one that its key was certified for",
    aimsAt: "switch.fwid",
    apply: rewired((gpus, [pdi = ""]) => {
      const fwid = { type: OPAQUE.fwid, value: new Uint8Array(48).fill(9) };
      const opaque = [...makeSwitchOpaque({ vbiosVersion: VBIOS, pdi, gpus }), fwid];
      return { ofSwitch: (i) => (i === 0 ? { report: { opaque } } : {}) };
    }),
  },
  "switch-firmware-changed": {
    story: "a switch measured something that is not in the golden table, and signed it",
    aimsAt: "switch.measurements",
    apply: withSwitch(() => ({
      report: { blocks: [...GOOD_SWITCH_BLOCKS.slice(0, 30), ...makeBlocks("evil").slice(30, 31)] },
    })),
  },
  "switch-vbios-other": {
    story: "a switch has a VBIOS that the policy does not list",
    aimsAt: "switch.vbios.allowed",
    apply: withSwitch(() => ({ vbiosVersion: "96.10.3F.00.01" })),
  },
  "switch-revoked": {
    story: "NVIDIA's responder says that a switch's certificates are revoked",
    aimsAt: "switch.revocation",
    apply: withSwitch(() => ({ ocsp: { status: "revoked" }, revoked: true })),
  },
  "switch-not-claimed": {
    story: "the guest vouched for switches other than the ones shown",
    aimsAt: "gpu.claims",
    apply: withClaims({ switches: ["00".repeat(32)] }),
  },
  "board-in-mixed-modes": {
    story: "one GPU of a board in PPCIE is passed through for itself",
    aimsAt: "gpu.mode",
    apply: withGpu(() => ({ mode: "single" })),
  },
  "gpus-linked-to-other-switches": {
    story: "the GPUs are linked to other switches than those that are shown",
    aimsAt: "topology.switches",
    apply: rewired((_, switches) => {
      const others = strangers(switches);
      return { ofGpu: () => ({ switches: others }) };
    }),
  },
  "gpu-linked-to-another-switch": {
    story: "one GPU is linked to a switch that the others are not linked to",
    aimsAt: "gpu.switches",
    apply: rewired((_, switches) => ({
      ofGpu: (i) => (i === 0 ? { switches: [randomPdi(), ...switches.slice(1)] } : {}),
    })),
  },
  "switch-lists-another-gpu": {
    story: "one switch has a GPU at its ports that the other switches do not have",
    aimsAt: "topology.gpus",
    apply: rewired((gpus) => ({
      ofSwitch: (i) => (i === 1 ? { gpus: [randomPdi(), ...gpus.slice(1)] } : {}),
    })),
  },
  "switches-list-fewer-gpus": {
    story: "all switches leave out the same GPU",
    aimsAt: "topology.gpus",
    apply: rewired((gpus) => ({ ofSwitch: () => ({ gpus: gpus.slice(1) }) })),
  },
  "switches-list-other-gpus": {
    story: "the switches have other GPUs at their ports than those that are shown",
    aimsAt: "topology.certificates",
    apply: rewired((gpus) => {
      const others = strangers(gpus);
      return { ofSwitch: () => ({ gpus: others }) };
    }),
  },
  "switch-under-another-name": {
    story: "a switch gives itself another name than its certificate does, and the GPUs go along",
    aimsAt: "topology.certificates",
    apply: rewired((gpus, switches) => {
      const name = randomPdi();
      const opaque = makeSwitchOpaque({ vbiosVersion: VBIOS, pdi: name, gpus });
      return {
        ofGpu: () => ({ switches: [name, ...switches.slice(1)] }),
        ofSwitch: (i) => (i === 0 ? { report: { opaque } } : {}),
      };
    }),
  },
});
