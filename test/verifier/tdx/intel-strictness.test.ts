// What Intel's quote verification library refuses and RFC 5280 or JSON alone would not: each refuses here too, under the check that is its own.
import { describe, expect, it } from "vitest";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { makeCrl } from "../../../src/testing/authority.ts";
import { makePckCertificate } from "../../../src/testing/intel.ts";
import { defaultPlatform, defaultTcbInfo } from "../../../src/testing/tdx-defaults.ts";
import type { TdxCollateral } from "../../../src/verifier/tdx/collateral.ts";
import { AT, DAY, failedChecks, intel, judge, makeCertificate, makeTdx } from "./synthetic.ts";

const good = await makeTdx();
const VALIDITY = { notBefore: new Date(AT.getTime() - DAY), notAfter: new Date(AT.getTime() + DAY) };
const DATES = { thisUpdate: new Date(AT.getTime() - DAY), nextUpdate: new Date(AT.getTime() + DAY) };

const failedWith = async (change: Partial<TdxCollateral>) =>
  failedChecks(await judge({ ...good, collateral: { ...good.collateral, ...change } }));

describe("crl-without-aki-and-number", () => {
  it.each([
    ["no authority key identifier", ["authority-key-identifier"]],
    ["no CRL number", ["crl-number"]],
    ["neither", ["authority-key-identifier", "crl-number"]],
  ] as const)("a list with %s is refused, be it the root's or the PCK's", async (_, without) => {
    const rootCaCrl = encodeHex(await makeCrl({ issuer: intel.root, ...DATES, without }));
    expect(await failedWith({ rootCaCrl })).toEqual(["tdx.crl.root"]);
    const pckCrl = encodeHex(await makeCrl({ issuer: intel.platformCa, ...DATES, without }));
    expect(await failedWith({ pckCrl })).toEqual(["tdx.crl.pck"]);
  });
});

describe("pck-without-basic-constraints", () => {
  it("a PCK certificate that does not say whether it is a CA is refused", async () => {
    const fields = { ...VALIDITY, unconstrained: true };
    const pck = await makePckCertificate(intel, defaultPlatform(), fields);
    expect(failedChecks(await judge(await makeTdx({ pck })))).toEqual(["tdx.pck.chain"]);
  });

  it("and so is a TCB signing certificate", async () => {
    const tcbSigning = await makeCertificate("Intel SGX TCB Signing", intel.root, { unconstrained: true });
    const tdx = await makeTdx({ authority: { ...intel, tcbSigning } });
    expect(failedChecks(await judge(tdx))).toEqual(["tdx.tcb-info.signature", "tdx.qe-identity.signature"]);
  });
});

describe("SEAMATTRIBUTES that the mask of TCB Info hides", () => {
  const attributesMask = "0000000000000000";
  const info = defaultTcbInfo(AT);
  const seamAttributes = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);

  it("are refused of a module that is listed by version", async () => {
    const tdxModuleIdentities = info.tdxModuleIdentities.map((module) => ({ ...module, attributesMask }));
    const tdx = await makeTdx({ body: { seamAttributes }, tcbInfo: { tdxModuleIdentities } });
    expect(failedChecks(await judge(tdx))).toEqual(["tdx.module.identity"]);
  });

  it("are refused of the module of version 0", async () => {
    const svns = Uint8Array.of(9, 0, 9, ...new Uint8Array(13));
    const tdx = await makeTdx({
      body: { seamAttributes, teeTcbSvn: svns, teeTcbSvn2: svns },
      tcbInfo: { tdxModule: { ...info.tdxModule, attributesMask } },
    });
    expect(failedChecks(await judge(tdx))).toEqual(["tdx.module.identity"]);
  });
});

describe("tcb-info-svn-as-float", () => {
  it.each([
    ["an SVN of 0.0", /"svn":0(?=[,}])/, '"svn":0.0', "tdx.tcb-info.format"],
    ["an SVN of 0e0", /"svn":0(?=[,}])/, '"svn":0e0', "tdx.tcb-info.format"],
    ["an SVN of -0", /"svn":0(?=[,}])/, '"svn":-0', "tdx.tcb-info.format"],
    ["a PCESVN of 1.3e1", /"pcesvn":13/, '"pcesvn":1.3e1', "tdx.tcb-info.format"],
    ["a version 3.0", /"version":3/, '"version":3.0', "tdx.tcb-info.format"],
    ["an ISVSVN of 4.0 in the QE identity", /"isvsvn":4/, '"isvsvn":4.0', "tdx.qe-identity.format"],
    ["a product id of 2.0", /"isvprodid":2/, '"isvprodid":2.0', "tdx.qe-identity.format"],
  ])("%s, properly signed, is refused", async (_, pattern, written, id) => {
    const tdx = await makeTdx({ crls: { rewrite: (document) => document.replace(pattern, written) } });
    expect(tdx.collateral.tcbInfo + tdx.collateral.qeIdentity).toContain(written);
    expect(failedChecks(await judge(tdx))).toEqual([id]);
  });

  it("a number in a string is text", async () => {
    const rewrite = (document: string) => document.replace(/^\{/, '{"note":"-1.5 \\"2.0",');
    const tdx = await makeTdx({ crls: { rewrite } });
    expect(tdx.collateral.tcbInfo).toContain("-1.5");
    expect((await judge(tdx)).accepted).toBe(true);
  });
});
