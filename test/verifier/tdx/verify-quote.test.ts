// Every check of a TDX quote, each shown by evidence in which that one thing is wrong and everything else is good.
import "reflect-metadata";
import { Extension } from "@peculiar/x509";
import { describe, expect, it } from "vitest";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { signWith } from "../../../src/testing/authority.ts";
import { makeIntelAuthority } from "../../../src/testing/intel.ts";
import { defaultTcbInfo, tcbLevel } from "../../../src/testing/tdx-defaults.ts";
import { parseTdxQuote } from "../../../src/verifier/tdx/quote.ts";
import { TDX_CHECKS, type TdxCheckId } from "../../../src/verifier/tdx/tdx-checks.ts";
import { verifyTdxQuote } from "../../../src/verifier/tdx/verify-quote.ts";
import {
  AT,
  DAY,
  failedChecks,
  flipBit,
  intel,
  judge,
  makeCertificate,
  makeList,
  makeTdx,
  type Tdx,
} from "./synthetic.ts";

const good = await makeTdx();
const stranger = await makeIntelAuthority({
  notBefore: new Date(AT.getTime() - DAY),
  notAfter: new Date(AT.getTime() + DAY),
});
const processorCa = await makeCertificate("Intel SGX PCK Processor CA", intel.root, { ca: true });

const withCollateral = (changes: Partial<Tdx["collateral"]>): Tdx => ({
  ...good,
  collateral: { ...good.collateral, ...changes },
});
const withQuote = (quote: Uint8Array): Tdx => ({ ...good, quote });
const hexList = async (...list: Parameters<typeof makeList>) => encodeHex(await makeList(...list));

/** A TCB signing certificate of another kind, which signs the good TCB Info. */
async function signedBy(signer: Awaited<ReturnType<typeof makeCertificate>>): Promise<Tdx> {
  const signature = await signWith(signer, utf8(good.collateral.tcbInfo));
  return withCollateral({
    tcbInfoSignature: encodeHex(signature),
    tcbInfoIssuerChain: signer.pem + intel.root.pem,
  });
}

/** Where the parts of the good quote begin: its signature data has fixed lengths up to the authentication data. */
const signatureAt = parseTdxQuote(good.quote).signedBytes.length + 4;
const qeReportSignatureAt = signatureAt + 64 + 64 + 6 + 384;
const authDataAt = qeReportSignatureAt + 64 + 2;

const moduleIdentity = defaultTcbInfo(AT).tdxModuleIdentities[0]!;

const FAULTS: Record<TdxCheckId, Record<string, () => Tdx | Promise<Tdx>>> = {
  "tdx.quote.format": {
    "an empty quote": () => withQuote(new Uint8Array()),
    "a quote of version 3": () => withQuote(flipBit(flipBit(good.quote, 1), 2)),
    "a body size that is not that of its type": () => withQuote(flipBit(good.quote, 50 * 8)),
    "certification data of another type": () => withQuote(flipBit(good.quote, (signatureAt + 128) * 8)),
    "a quote of more than 64 KiB": () => makeTdx({ quote: { trailing: new Uint8Array(65536) } }),
  },
  "tdx.quote.header": {
    "an SGX quote": () => makeTdx({ quote: { teeType: 0 } }),
    "an attestation key of another type": () => makeTdx({ quote: { attestationKeyType: 3 } }),
    "a quoting enclave of another vendor": () => makeTdx({ quote: { qeVendorId: new Uint8Array(16) } }),
  },
  "tdx.collateral.format": {
    "a chain without its root": () => withCollateral({ tcbInfoIssuerChain: intel.tcbSigning.pem }),
    "a chain with one certificate too many": () =>
      withCollateral({ pckCrlIssuerChain: good.collateral.pckCrlIssuerChain + intel.root.pem }),
    "a chain that is no PEM": () => withCollateral({ qeIdentityIssuerChain: "certificates" }),
    "a chain whose certificate is cut": () =>
      withCollateral({
        tcbInfoIssuerChain: good.collateral.tcbInfoIssuerChain.replace(/\n[^-\n]+\n-----END/, "\n-----END"),
      }),
  },
  "tdx.root": {
    "collateral of another root with the same name": async () => {
      const theirs = await makeTdx({ authority: stranger });
      return { ...good, collateral: theirs.collateral };
    },
    "one chain of another root": () =>
      withCollateral({ pckCrlIssuerChain: intel.platformCa.pem + stranger.root.pem }),
  },
  "tdx.crl.root": {
    "an absent root CRL": () => withCollateral({ rootCaCrl: "" }),
    "a root CRL of garbage": () => withCollateral({ rootCaCrl: "00" }),
    "a root CRL of another issuer": () => withCollateral({ rootCaCrl: good.collateral.pckCrl }),
    "a root CRL signed by a root of the same name": async () =>
      withCollateral({ rootCaCrl: await hexList(stranger.root) }),
    "a root CRL with bytes after it": () => withCollateral({ rootCaCrl: `${good.collateral.rootCaCrl}00` }),
  },
  "tdx.tcb-info.signature": {
    "TCB Info with one character changed": () =>
      withCollateral({ tcbInfo: good.collateral.tcbInfo.replace('"pcesvn":13', '"pcesvn":12') }),
    "TCB Info written again with the same meaning": () =>
      withCollateral({ tcbInfo: `${good.collateral.tcbInfo} ` }),
    "TCB Info signed by a certificate for something else": async () =>
      signedBy(await makeCertificate("Intel SGX PCK Certificate", intel.root)),
    "TCB Info signed by a TCB signer of the Platform CA": async () =>
      signedBy(await makeCertificate("Intel SGX TCB Signing", intel.platformCa)),
    "TCB Info signed by a CA": async () =>
      signedBy(await makeCertificate("Intel SGX TCB Signing", intel.root, { ca: true })),
    "TCB Info signed by a stranger's key": async () =>
      withCollateral({
        tcbInfoSignature: encodeHex(await signWith(stranger.tcbSigning, utf8(good.collateral.tcbInfo))),
      }),
    "TCB Info whose signer the root revoked": async () => {
      const signer = await makeCertificate("Intel SGX TCB Signing", intel.root);
      const rootCaCrl = await hexList(intel.root, [signer.serial]);
      const { collateral } = await signedBy(signer);
      return { ...good, collateral: { ...collateral, rootCaCrl } };
    },
  },
  "tdx.tcb-info.format": {
    "TCB Info for SGX": () => makeTdx({ tcbInfo: { id: "SGX" } }),
    "TCB Info of version 2": () => makeTdx({ tcbInfo: { version: 2 } }),
    "TCB Info without levels": () => makeTdx({ tcbInfo: { tcbLevels: [] } }),
    "TCB Info with 15 components": () => {
      const level = tcbLevel(0, "UpToDate");
      const sgxtcbcomponents = level.tcb.sgxtcbcomponents.slice(1);
      return makeTdx({ tcbInfo: { tcbLevels: [{ ...level, tcb: { ...level.tcb, sgxtcbcomponents } }] } });
    },
    "TCB Info with a status that Intel does not have": () =>
      makeTdx({ tcbInfo: { tcbLevels: [{ ...tcbLevel(0, "UpToDate"), tcbStatus: "Fine" }] } }),
  },
  "tdx.qe-identity.signature": {
    "a QE identity with one character changed": () =>
      withCollateral({ qeIdentity: good.collateral.qeIdentity.replace('"isvprodid":2', '"isvprodid":3') }),
    "the signature of TCB Info": () =>
      withCollateral({ qeIdentitySignature: good.collateral.tcbInfoSignature }),
  },
  "tdx.qe-identity.format": {
    "the identity of the SGX quoting enclave": () => makeTdx({ qeIdentity: { id: "QE" } }),
    "an identity without levels": () => makeTdx({ qeIdentity: { tcbLevels: [] } }),
  },
  "tdx.crl.pck": {
    "an absent PCK CRL": () => withCollateral({ pckCrl: "" }),
    "a PCK CRL of garbage": () => withCollateral({ pckCrl: "00" }),
    "a PCK CRL of another issuer": () => withCollateral({ pckCrl: good.collateral.rootCaCrl }),
    "a PCK CRL signed by a CA of the same name": async () =>
      withCollateral({ pckCrl: await hexList(stranger.platformCa) }),
    "a PCK CRL of a CA that the root did not issue": async () =>
      withCollateral({
        pckCrl: await hexList(stranger.platformCa),
        pckCrlIssuerChain: stranger.platformCa.pem + intel.root.pem,
      }),
    "a PCK CRL whose issuer is no CA": async () => {
      const issuer = await makeCertificate("Intel SGX PCK Platform CA", intel.root);
      return withCollateral({
        pckCrl: await hexList(issuer),
        pckCrlIssuerChain: issuer.pem + intel.root.pem,
      });
    },
    "a PCK CRL whose issuer has another name": async () => {
      const issuer = await makeCertificate("Intel SGX Other CA", intel.root, { ca: true });
      return withCollateral({
        pckCrl: await hexList(issuer),
        pckCrlIssuerChain: issuer.pem + intel.root.pem,
      });
    },
  },
  "tdx.pck.chain": {
    "a PCK under another root": async () => {
      const theirs = await makeTdx({ authority: stranger });
      return withQuote(theirs.quote);
    },
    "a PCK chain without the CA": () => makeTdx({ chain: good.pck.pem + intel.root.pem }),
    "a PCK chain in the wrong order": () =>
      makeTdx({ chain: intel.platformCa.pem + good.pck.pem + intel.root.pem }),
    "a PCK that a TCB signer issued": async () => {
      const pck = await makeCertificate("Intel SGX PCK Certificate", intel.tcbSigning);
      return makeTdx({ pck, chain: pck.pem + intel.tcbSigning.pem + intel.root.pem });
    },
    "a PCK with another name": async () => {
      const pck = await makeCertificate("Somebody", intel.platformCa);
      return makeTdx({ pck });
    },
    "a PCK that a CA of the same name signed": async () => {
      const pck = await makeCertificate("Intel SGX PCK Certificate", stranger.platformCa);
      return makeTdx({ pck });
    },
    "a PCK with a critical extension that nobody knows": async () => {
      const extension = new Extension("1.2.3.4", true, new Uint8Array([5, 0]));
      return makeTdx({
        pck: await makeCertificate("Intel SGX PCK Certificate", intel.platformCa, {
          extensions: [extension],
        }),
      });
    },
    "a PCK chain whose root has the right name only": async () =>
      makeTdx({ chain: `${good.pck.pem}${intel.platformCa.pem}${stranger.root.pem}` }),
  },
  "tdx.pck.revocation": {
    "a PCK that its CA revoked": async () =>
      withCollateral({ pckCrl: await hexList(intel.platformCa, [good.pck.serial]) }),
    "a CA that the root revoked": async () =>
      withCollateral({ rootCaCrl: await hexList(intel.root, [intel.platformCa.serial]) }),
    "a good CRL of the other CA": async () =>
      withCollateral({
        pckCrl: await hexList(processorCa),
        pckCrlIssuerChain: processorCa.pem + intel.root.pem,
      }),
  },
  "tdx.pck.extension": {
    "a PCK without the SGX extension": async () =>
      makeTdx({ pck: await makeCertificate("Intel SGX PCK Certificate", intel.platformCa) }),
    "a PCK whose SGX extension is not DER": async () => {
      const extension = new Extension("1.2.840.113741.1.13.1", false, new Uint8Array([0x30, 0x80, 0, 0]));
      return makeTdx({
        pck: await makeCertificate("Intel SGX PCK Certificate", intel.platformCa, {
          extensions: [extension],
        }),
      });
    },
    "a component SVN above 255": () => makeTdx({ platform: { sgxSvns: Array(16).fill(256) } }),
  },
  "tdx.collateral.window": {
    "CRLs that have expired": () => makeTdx({ crls: { crlNextUpdate: new Date(AT.getTime() - 1000) } }),
    "CRLs of tomorrow": () => makeTdx({ crls: { crlThisUpdate: new Date(AT.getTime() + 1000) } }),
    "TCB Info that has expired": () => makeTdx({ tcbInfo: { nextUpdate: "2026-06-01T11:59:59Z" } }),
    "a QE identity of tomorrow": () => makeTdx({ qeIdentity: { issueDate: "2026-06-01T12:00:01Z" } }),
    "a TCB signer that has expired": async () =>
      signedBy(
        await makeCertificate("Intel SGX TCB Signing", intel.root, {
          notAfter: new Date(AT.getTime() - 1000),
        }),
      ),
  },
  "tdx.qe-report.signature": {
    "a QE report signature with one bit changed": () =>
      withQuote(flipBit(good.quote, qeReportSignatureAt * 8)),
    "a QE report with one bit changed": () => withQuote(flipBit(good.quote, (qeReportSignatureAt - 384) * 8)),
  },
  "tdx.qe-report.binding": {
    "authentication data that the QE report does not name": () =>
      withQuote(flipBit(good.quote, authDataAt * 8)),
  },
  "tdx.qe.identity": {
    "a quoting enclave of another signer": () => makeTdx({ qeReport: { mrSigner: new Uint8Array(32) } }),
    "another enclave of the same signer": () => makeTdx({ qeReport: { isvProdId: 1 } }),
    "a quoting enclave with other MISCSELECT": () => makeTdx({ qeReport: { miscSelect: 1 } }),
    "a quoting enclave in debug mode": () =>
      makeTdx({
        qeReport: { attributes: Uint8Array.of(0x17, ...new Uint8Array(15)) },
        qeIdentity: { attributesMask: "00".repeat(16), attributes: "00".repeat(16) },
      }),
    "a quoting enclave below every level": () => makeTdx({ qeReport: { isvSvn: 3 } }),
  },
  "tdx.quote.signature": {
    "REPORTDATA with one bit changed": () => withQuote(flipBit(good.quote, (54 + 0x208) * 8)),
    "a quote signature with one bit changed": () => withQuote(flipBit(good.quote, signatureAt * 8)),
  },
  "tdx.fmspc": {
    "TCB Info of another platform": () => makeTdx({ tcbInfo: { fmspc: "00906EA10000" } }),
    "TCB Info of another PCE": () => makeTdx({ tcbInfo: { pceId: "0001" } }),
  },
  "tdx.module.identity": {
    "a TDX module of another signer": () => makeTdx({ body: { mrSignerSeam: new Uint8Array(48).fill(1) } }),
    "a TDX module with attributes": () =>
      makeTdx({ body: { seamAttributes: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0) } }),
    "a TDX module of an unlisted version": () => makeTdx({ tcbInfo: { tdxModuleIdentities: [] } }),
    "a TDX module below every level": () =>
      makeTdx({
        tcbInfo: {
          tdxModuleIdentities: [
            { ...moduleIdentity, tcbLevels: [{ ...moduleIdentity.tcbLevels[0], tcb: { isvsvn: 99 } }] },
          ],
        },
      }),
    "a module version 0 of another signer": () =>
      makeTdx({
        body: {
          teeTcbSvn: svns(5, 0, 3),
          teeTcbSvn2: svns(5, 0, 3),
          mrSignerSeam: new Uint8Array(48).fill(1),
        },
      }),
  },
  "tdx.tcb.level": {
    "a platform below every level": () => makeTdx({ platform: { sgxSvns: Array(16).fill(0) } }),
    "a PCE below every level": () => makeTdx({ platform: { pceSvn: 1 } }),
    "microcode below every level": () => makeTdx({ body: { teeTcbSvn: svns(0x0b, 1, 1) } }),
    "microcode below every level after a live update": () =>
      makeTdx({ body: { teeTcbSvn2: svns(0x0d, 1, 1) } }),
  },
};

function svns(...first: number[]): Uint8Array {
  return Uint8Array.of(...first, ...new Uint8Array(16 - first.length));
}

describe("a good TDX quote", () => {
  it.each(["v4", "v5-tdx1.0", "v5-tdx1.5"] as const)("%s passes every check", async (form) => {
    const result = await judge(await makeTdx({ quote: { form } }));
    expect(result.checks.map(({ id }) => id)).toEqual(TDX_CHECKS);
    expect(failedChecks(result)).toEqual([]);
    expect(result.accepted).toBe(true);
    expect(result.tcb).toEqual({
      status: "UpToDate",
      platform: "UpToDate",
      tdxModule: "UpToDate",
      quotingEnclave: "UpToDate",
      advisoryIds: [],
      fmspc: "90c06f000000",
      pceId: "0000",
      tcbEvaluationDataNumber: 20,
    });
  });

  it("is the same quote with bytes after it, which are counted", async () => {
    const result = await judge(await makeTdx({ quote: { trailing: Uint8Array.of(1, 2, 3) } }));
    expect(result.accepted).toBe(true);
    expect(result.quote?.trailingBytes).toBe(3);
  });

  it("is good for exactly the time that its collateral has in common", async () => {
    const { collateralValid } = await judge(good);
    const [from, until] = [collateralValid!.from.getTime(), collateralValid!.until.getTime()];
    for (const [time, accepted] of [
      [from - 1000, false],
      [from, true],
      [until, true],
      [until + 1000, false],
    ] as const) {
      const result = await judge(good, new Date(time));
      expect([result.accepted, failedChecks(result)]).toEqual([
        accepted,
        accepted ? [] : ["tdx.collateral.window"],
      ]);
    }
  });

  it("is refused at an invalid time", async () => {
    expect(failedChecks(await judge(good, new Date(Number.NaN)))).toEqual(["tdx.collateral.window"]);
  });

  it("under made-up roots can never pass under Intel's", async () => {
    const result = await verifyTdxQuote(good.quote, good.collateral, { now: AT });
    expect(result.accepted).toBe(false);
    expect(failedChecks(result)).toEqual(["tdx.root"]);
  });
});

describe.each(Object.entries(FAULTS))("%s alone refuses", (id, faults) => {
  it.each(Object.entries(faults))("%s", async (_, make) => {
    const result = await judge(await make());
    expect(failedChecks(result)).toEqual([id]);
    expect(result.accepted).toBe(false);
  });
});
