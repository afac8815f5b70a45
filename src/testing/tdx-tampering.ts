// Lists lies about the CPU side: quote, collateral and platform, one for each check of src/verifier/tdx.
import { makeVendors } from "./machine.ts";
import { editedCollateral, editedTdx, flippedQuote, remade, type Tampering, withTdx } from "./remake.ts";
import { defaultBody, tcbLevel } from "./tdx-defaults.ts";

const DAY = 86_400_000;

const past = (at: Date) => ({
  issueDate: `${new Date(at.getTime() - 60 * DAY).toISOString().slice(0, 19)}Z`,
  nextUpdate: `${new Date(at.getTime() - 30 * DAY).toISOString().slice(0, 19)}Z`,
});

const withAttributes = (change: (attributes: bigint) => bigint) =>
  remade(({ tdx }) => {
    const tdAttributes = Uint8Array.from(tdx?.body?.tdAttributes ?? defaultBody().tdAttributes);
    const view = new DataView(tdAttributes.buffer);
    view.setBigUint64(0, change(view.getBigUint64(0, true)), true);
    return { tdx: { ...tdx, body: { ...tdx?.body, tdAttributes } } };
  });

export const TDX_TAMPERINGS = {
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
    apply: withAttributes((attributes) => attributes | 1n),
  },
  "sept-ve-disable-off": {
    story: "the TD runs without SEPT_VE_DISABLE: the host can inject exceptions by taking its pages away",
    aimsAt: "tdx.policy.attributes",
    apply: withAttributes((attributes) => attributes & ~(1n << 28n)),
  },
  "td-migratable": {
    story: "the TD may be moved to another platform by a migration TD",
    aimsAt: "tdx.policy.attributes",
    apply: withAttributes((attributes) => attributes | (1n << 29n)),
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
  "quote-of-another-form": {
    story: "the TD report is of a form that the policy does not list",
    aimsAt: "tdx.policy.body",
    apply: remade(({ tdx }) => ({ tdx: { ...tdx, quote: { ...tdx?.quote, form: "v5-tdx1.5-extended" } } })),
  },
  "quote-truncated": {
    story: "the end of the quote is missing",
    aimsAt: "tdx.quote.format",
    apply: editedTdx(({ quote }) => ({ quote: quote.slice(0, 4000) })),
  },
  "crl-garbage": {
    story: "in place of the root's CRL there is a zero byte, which a careless reader takes for an empty list",
    aimsAt: "tdx.crl.root",
    apply: editedCollateral(() => ({ rootCaCrl: "00" })),
  },
  "collateral-garbage": {
    story: "in place of the chain of the TCB Info's signer there is something else",
    aimsAt: "tdx.collateral.format",
    apply: editedCollateral(() => ({ tcbInfoIssuerChain: "-----BEGIN NOTHING-----" })),
  },
  "tcb-info-of-another-version": {
    story: "the TCB Info is signed, but of a version whose rules are not known",
    aimsAt: "tdx.tcb-info.format",
    apply: withTdx(() => ({ tcbInfo: { version: 4 } })),
  },
  "qe-identity-of-sgx": {
    story: "the identity is signed, but that of the quoting enclave for SGX",
    aimsAt: "tdx.qe-identity.format",
    apply: withTdx(() => ({ qeIdentity: { id: "QE" } })),
  },
  "platform-ca-foreign": {
    story: "the platform's certificate is signed by a CA that has the Platform CA's name and no root",
    aimsAt: "tdx.pck.chain",
    apply: async (machine) => {
      const { platformCa } = (await makeVendors(machine.options.at)).intel;
      const intel = { ...machine.vendors.intel, platformCa };
      return remade(() => ({ vendors: { ...machine.vendors, intel } }))(machine);
    },
  },
  "pck-extension-short": {
    story: "the platform's certificate states only fifteen of the sixteen component versions",
    aimsAt: "tdx.pck.extension",
    apply: withTdx(() => ({ platform: { sgxSvns: new Array(15).fill(9) } })),
  },
  "tdx-module-other": {
    story: "the TDX module is not one that the policy lists",
    aimsAt: "tdx.policy.mr-seam",
    apply: remade(({ tdx }) => ({
      tdx: { ...tdx, body: { ...tdx?.body, mrSeam: new Uint8Array(48).fill(3) } },
    })),
  },
  "tee-tcb-below-floor": {
    story: "the platform's microcode is good enough for Intel, but below the policy's floor",
    aimsAt: "tdx.policy.tee-tcb-svn",
    apply: remade(({ tdx }) => {
      const teeTcbSvn = Uint8Array.from(defaultBody().teeTcbSvn);
      teeTcbSvn[2] = 3;
      return { tdx: { ...tdx, body: { ...tdx?.body, teeTcbSvn } } };
    }),
  },
} as const satisfies Record<string, Tampering>;
