// Lists lies about the GPU side: report, chain, revocation and state, one for each check of src/verifier/nvidia.
import { GOOD_BLOCKS, GOOD_FWID } from "./gpu.ts";
import { makeBlocks, makeOpaque, OPAQUE, type OpaqueField } from "./gpu-report.ts";
import { certificateValidity, makeVendors } from "./machine.ts";
import { makeNvidiaAuthority } from "./nvidia.ts";
import { edited, editedGpu, flipBit, remade, type Tampering, withClaims, withGpu } from "./remake.ts";

const DAY = 86_400_000;

/** The opaque data of a good GPU with other fields in place of its own; null leaves one out. */
const opaqueWith = (changes: Readonly<Record<number, Uint8Array | null>>): OpaqueField[] => {
  const good = makeOpaque({ driverVersion: "580.95.05", vbiosVersion: "96.00.CF.00.01", fwid: GOOD_FWID });
  const added = Object.entries(changes).flatMap(([type, value]) =>
    value === null ? [] : [{ type: Number(type), value }],
  );
  return [...good.filter(({ type }) => !(type in changes)), ...added];
};

/** SWITCH_PDI: 18 links of which four are up, each to another switch. */
const linkedTo = (first: number): Uint8Array => {
  const links = new Uint8Array(144);
  for (let link = 0; link < 4; link++) links.fill(first + link, link * 8, link * 8 + 8);
  return links;
};

export const GPU_TAMPERINGS = {
  "gpu-missing": {
    story: "the machine shows no GPU evidence at all",
    aimsAt: "gpu.count",
    apply: remade(() => ({ gpus: [] })),
  },
  "gpu-report-edited": {
    story: "a measurement was changed in the GPU's report after it was signed",
    aimsAt: "gpu.report.signature",
    apply: editedGpu(({ report }) => ({ report: flipBit(report, 45 + 7) })),
  },
  "gpu-report-of-another-session": {
    story: "the GPU's report is genuine, but was asked for by somebody else",
    aimsAt: "gpu.nonce",
    apply: withGpu(() => ({ report: { nonce: new Uint8Array(32).fill(7) } })),
  },
  "gpu-chain-gap": {
    story: "a certificate is missing from the GPU's chain",
    aimsAt: "gpu.chain",
    apply: editedGpu(({ chain }) => ({
      chain: chain
        .split(/(?=-----BEGIN)/)
        .filter((_, i) => i !== 2)
        .join(""),
    })),
  },
  "gpu-root-foreign": {
    story: "the GPU's chain ends at a root of the attacker's own that has NVIDIA's name",
    aimsAt: "gpu.chain.root",
    apply: async (machine) => {
      const { at } = machine.options;
      const { nvidia } = await makeVendors(at, machine.vendors.nvidia.architecture);
      const foreign = await remade(() => ({ vendors: { ...machine.vendors, nvidia } }))(machine);
      return { ...foreign, roots: machine.roots };
    },
  },
  "gpu-certificate-expired": {
    story: "the GPU's certificates are no longer valid",
    aimsAt: "gpu.chain.window",
    apply: withGpu((at) => ({
      validity: { notBefore: new Date(at.getTime() - 60 * DAY), notAfter: new Date(at.getTime() - DAY) },
    })),
  },
  "gpu-firmware-id-other": {
    story: "the report names a GSP firmware other than the one that the GPU's key was certified for",
    aimsAt: "gpu.fwid",
    apply: withGpu(() => {
      const fwid = new Uint8Array(48).fill(9);
      return {
        report: { opaque: makeOpaque({ driverVersion: "580.95.05", vbiosVersion: "96.00.CF.00.01", fwid }) },
      };
    }),
  },
  "gpu-firmware-changed": {
    story: "the GPU measured something that is not in the golden tables, and signed it",
    aimsAt: "gpu.measurements",
    apply: withGpu(() => ({
      report: {
        blocks: [...GOOD_BLOCKS.slice(0, 8), ...makeBlocks("evil").slice(8, 9), ...GOOD_BLOCKS.slice(9)],
      },
    })),
  },
  "gpu-driver-other": {
    story: "the GPU runs a driver that the policy does not list",
    aimsAt: "gpu.driver.allowed",
    apply: withGpu(() => ({ driverVersion: "535.86.09" })),
  },
  "gpu-revoked": {
    story: "NVIDIA's responder says that the GPU's certificates are revoked",
    aimsAt: "gpu.revocation",
    apply: withGpu(() => ({ ocsp: { status: "revoked" }, revoked: true })),
  },
  "gpu-revocation-expired": {
    story: "the OCSP answers and CRLs are of yesterday, before the GPU was revoked",
    aimsAt: "gpu.revocation",
    apply: withGpu((at) => ({
      ocsp: { thisUpdate: new Date(at.getTime() - 2 * DAY), nextUpdate: new Date(at.getTime() - DAY) },
      crlNextUpdate: new Date(at.getTime() - 1000),
    })),
  },
  "gpu-revocation-missing": {
    story: "nothing that the machine shows says that its GPU is not revoked",
    aimsAt: "gpu.revocation",
    apply: editedGpu(() => ({ ocsp: [], crls: [] })),
  },
  "gpu-cc-off": {
    story: "the guest states that confidential computing is off",
    aimsAt: "gpu.cc-mode",
    apply: withClaims({ ccMode: "off" }),
  },
  "gpu-mode-claimed-otherwise": {
    story: "the guest states that its GPUs share their memory over links without protection",
    aimsAt: "gpu.claimed-mode",
    apply: withClaims({ mode: "mpt" }),
  },
  "gpu-devtools": {
    story: "the guest states that the GPU is in devtools mode, open to debuggers",
    aimsAt: "gpu.devtools",
    apply: withClaims({ devtools: true }),
  },
  "gpu-report-not-claimed": {
    story: "the guest vouched for reports other than the ones shown",
    aimsAt: "gpu.claims",
    apply: withClaims({ reports: ["00".repeat(32)] }),
  },
  "gpu-shown-twice": {
    story: "one GPU is shown as two",
    aimsAt: "gpu.distinct",
    apply: edited((evidence) => ({ ...evidence, gpus: [...evidence.gpus, ...evidence.gpus].slice(0, 16) })),
  },
  "gpu-of-another-architecture": {
    story: "the GPU is genuine, but not of the architecture that the policy wants",
    aimsAt: "gpu.architecture.allowed",
    apply: async (machine) => {
      const { nvidia } = machine.vendors;
      const other = nvidia.architecture === "hopper" ? "blackwell" : "hopper";
      const changed = await makeNvidiaAuthority(other, certificateValidity(machine.options.at), nvidia.root);
      return remade(() => ({ vendors: { ...machine.vendors, nvidia: changed } }))(machine);
    },
  },
  "gpu-is-a-switch": {
    story: "what is shown as a GPU has the certificates of a switch",
    aimsAt: "gpu.architecture",
    apply: (machine) => {
      const { nvidia, switches } = machine.vendors;
      const changed = { ...switches, architecture: "ls10" } as unknown as typeof nvidia;
      return remade(() => ({ vendors: { ...machine.vendors, nvidia: changed } }))(machine);
    },
  },
  "gpu-ppcie": {
    story: "the GPU is in PPCIE, where switches that nobody attested carry its plain text",
    aimsAt: "gpu.mode",
    apply: withGpu(() => ({ report: { opaque: opaqueWith({ [OPAQUE.featureFlag]: Uint8Array.of(2, 0) }) } })),
  },
  "gpu-multi-pass-through": {
    story: "the GPU is one of several that are linked without a switch",
    aimsAt: "gpu.mode",
    apply: withGpu(() => ({ report: { opaque: opaqueWith({ [OPAQUE.featureFlag]: Uint8Array.of(1, 0) }) } })),
  },
  "gpu-mode-not-stated": {
    story: "the GPU runs a driver that leaves out how it is passed through",
    aimsAt: "gpu.mode",
    apply: withGpu(() => ({ report: { opaque: opaqueWith({ [OPAQUE.featureFlag]: null }) } })),
  },
  "gpu-switches-differ": {
    story: "two GPUs that are shown as one machine's are linked to different switches",
    aimsAt: "gpu.switches",
    apply: remade(() => ({
      gpus: [1, 9].map((first) => ({
        report: { opaque: opaqueWith({ [OPAQUE.switches]: linkedTo(first) }) },
      })),
    })),
  },
  "gpu-vbios-other": {
    story: "the GPU has a VBIOS that the policy does not list",
    aimsAt: "gpu.vbios.allowed",
    apply: withGpu(() => ({ vbiosVersion: "96.00.5E.00.01" })),
  },
  "gpu-firmware-id-not-allowed": {
    story: "the GPU runs a GSP firmware that the policy does not list",
    aimsAt: "gpu.fwid.allowed",
    apply: withGpu(() => ({ fwid: new Uint8Array(48).fill(9) })),
  },
  "gpu-report-truncated": {
    story: "the end of the GPU's report is missing",
    aimsAt: "gpu.report.format",
    apply: editedGpu(({ report }) => ({ report: report.slice(0, 4000) })),
  },
  "gpu-chain-garbage": {
    story: "in place of the GPU's certificates there is something else",
    aimsAt: "gpu.chain.format",
    apply: editedGpu(() => ({ chain: "-----BEGIN NOTHING-----" })),
  },
} as const satisfies Record<string, Tampering>;
