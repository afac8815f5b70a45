// Ways in which a machine or its host lies, one for each check that must notice. Each is made with valid signatures wherever the attacker
// could have them, so that nothing but the check it aims at stands in its way.
import { makeKeyPair } from "./authority.ts";
import { GOOD_BLOCKS } from "./gpu.ts";
import { makeBlocks, makeOpaque } from "./gpu-report.ts";
import { type Machine, makeVendors } from "./machine.ts";
import {
  type Change,
  editedCollateral,
  editedGpu,
  flipBit,
  flippedQuote,
  remade,
  withClaims,
  withGpu,
  withTdx,
} from "./remake.ts";
import { defaultBody, tcbLevel } from "./tdx-defaults.ts";

export interface Tampering {
  /** What is wrong with the machine, in one sentence. */
  readonly story: string;
  /** Id of the check that must fail. */
  readonly aimsAt: string;
  readonly apply: Change;
}

const DAY = 86_400_000;

const past = (at: Date) => ({
  issueDate: `${new Date(at.getTime() - 60 * DAY).toISOString().slice(0, 19)}Z`,
  nextUpdate: `${new Date(at.getTime() - 30 * DAY).toISOString().slice(0, 19)}Z`,
});

/** Every tampering by name. */
export const TAMPERINGS = {
  "quote-edited": {
    story: "MRTD was changed in the quote after it was signed",
    aimsAt: "tdx.quote.signature",
    apply: flippedQuote("body", 0x88),
  },
  "attestation-key-replaced": {
    story: "the quote names an attestation key that the quoting enclave never reported",
    aimsAt: "tdx.qe-report.binding",
    apply: flippedQuote("signature", 64),
  },
  "qe-report-edited": {
    story: "the quoting enclave's report was changed after the platform's key signed it",
    aimsAt: "tdx.qe-report.signature",
    apply: flippedQuote("signature", 64 + 64 + 6 + 64),
  },
  "quote-of-sgx": {
    story: "the quote says that it is of an SGX enclave",
    aimsAt: "tdx.quote.header",
    apply: remade(({ tdx }) => ({ tdx: { ...tdx, quote: { ...tdx?.quote, teeType: 0 } } })),
  },
  "intel-root-foreign": {
    story: "everything is signed under a root of the attacker's own that has Intel's name",
    aimsAt: "tdx.root",
    apply: async (machine) => {
      const { intel } = await makeVendors(machine.options.at);
      const foreign = await remade(() => ({ vendors: { ...machine.vendors, intel } }))(machine);
      return { ...foreign, roots: machine.roots };
    },
  },
  "tcb-info-edited": {
    story: "the host rewrote a TCB level from out of date to up to date",
    aimsAt: "tdx.tcb-info.signature",
    apply: editedCollateral(({ tcbInfo }) => ({ tcbInfo: tcbInfo.replaceAll("OutOfDate", "UpToDate") })),
  },
  "qe-identity-edited": {
    story: "the host rewrote the quoting enclave's identity",
    aimsAt: "tdx.qe-identity.signature",
    apply: editedCollateral(({ qeIdentity }) => ({
      qeIdentity: qeIdentity.replace('"isvprodid":2', '"isvprodid":3'),
    })),
  },
  "root-crl-of-another-issuer": {
    story: "in place of the root's CRL there is one of another CA",
    aimsAt: "tdx.crl.root",
    apply: editedCollateral(({ pckCrl }) => ({ rootCaCrl: pckCrl })),
  },
  "pck-crl-of-another-issuer": {
    story: "in place of the Platform CA's CRL, which would show the revocation, there is one of another CA",
    aimsAt: "tdx.crl.pck",
    apply: editedCollateral(({ rootCaCrl }) => ({ pckCrl: rootCaCrl })),
  },
  "pck-revoked": {
    story: "Intel revoked the platform's certificate",
    aimsAt: "tdx.pck.revocation",
    apply: withTdx(() => ({ revokePck: true })),
  },
  "collateral-expired": {
    story: "the collateral is of two months ago, before the platform fell out of date",
    aimsAt: "tdx.collateral.window",
    apply: withTdx((at) => ({ tcbInfo: past(at) })),
  },
  "crl-expired": {
    story: "the CRLs are of two months ago, before the platform was revoked",
    aimsAt: "tdx.collateral.window",
    apply: withTdx((at) => ({
      crls: {
        crlThisUpdate: new Date(at.getTime() - 60 * DAY),
        crlNextUpdate: new Date(at.getTime() - 30 * DAY),
      },
    })),
  },
  "collateral-of-another-platform": {
    story: "the TCB Info is that of another, better kept family of processors",
    aimsAt: "tdx.fmspc",
    apply: withTdx(() => ({ tcbInfo: { fmspc: "00806F050000" } })),
  },
  "tcb-out-of-date": {
    story: "the platform's firmware and microcode have known weaknesses",
    aimsAt: "tdx.policy.tcb-status",
    apply: withTdx(() => ({ tcbInfo: { tcbLevels: [tcbLevel(0, "OutOfDate", ["INTEL-SA-00960"])] } })),
  },
  "tcb-below-every-level": {
    story: "the platform is older than anything that Intel still lists",
    aimsAt: "tdx.tcb.level",
    apply: withTdx(() => ({ platform: { sgxSvns: new Array(16).fill(0), pceSvn: 0 } })),
  },
  "tcb-evaluation-old": {
    story: "the collateral is valid but of an evaluation that the policy no longer takes",
    aimsAt: "tdx.policy.tcb-evaluation-data-number",
    apply: withTdx(() => ({ tcbInfo: { tcbEvaluationDataNumber: 1 } })),
  },
  "tdx-module-unknown": {
    story: "the TDX module is of a version that Intel's collateral does not list",
    aimsAt: "tdx.module.identity",
    apply: withTdx(() => ({ tcbInfo: { tdxModuleIdentities: [] } })),
  },
  "qe-foreign": {
    story: "the quote was made by an enclave that is not Intel's quoting enclave",
    aimsAt: "tdx.qe.identity",
    apply: withTdx(() => ({ qeReport: { mrSigner: new Uint8Array(32) } })),
  },
  "debug-td": {
    story: "the TD runs with the DEBUG attribute: the host reads its memory",
    aimsAt: "tdx.policy.debug",
    apply: remade(({ tdx }) => {
      const tdAttributes = Uint8Array.from(defaultBody().tdAttributes);
      tdAttributes[0] = 1;
      return { tdx: { ...tdx, body: { ...tdx?.body, tdAttributes } } };
    }),
  },
  "service-td": {
    story: "a service TD is bound to the machine and could migrate it away",
    aimsAt: "tdx.policy.service-td",
    apply: remade(({ tdx }) => ({
      tdx: {
        ...tdx,
        quote: { ...tdx?.quote, form: "v5-tdx1.5" },
        body: { ...tdx?.body, mrServiceTd: new Uint8Array(48).fill(1) },
      },
    })),
  },
  "channel-key-swapped": {
    story: "a man in the middle shows the machine's evidence with a key of his own",
    aimsAt: "binding",
    apply: async (machine) => ({ ...machine, channel: await makeKeyPair("P-256") }),
  },
  "evidence-replayed": {
    story: "the evidence answers an earlier challenge",
    aimsAt: "binding",
    apply: async (machine) => ({ ...machine, nonce: crypto.getRandomValues(new Uint8Array(32)) }),
  },
  "claims-edited": {
    story: "the guest said that its GPU is in devtools mode, and the host rewrote that",
    aimsAt: "binding",
    apply: async (machine) => {
      const honest = await withClaims({ ccMode: "devtools", devtools: true })(machine);
      const claims = { ...honest.evidence.claims, ccMode: "on", devtools: false } as const;
      return { ...honest, evidence: { ...honest.evidence, claims } };
    },
  },
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
} as const satisfies Record<string, Tampering>;

export type TamperingName = keyof typeof TAMPERINGS;

/** A bad machine made from a good one. */
export function tamper(machine: Machine, name: TamperingName): Promise<Machine> {
  return TAMPERINGS[name].apply(machine);
}
