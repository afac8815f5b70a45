// Which TCB status a genuine platform has, and what a policy makes of it.

import { describe, expect, it } from "vitest";
import { decodeHex } from "../../../src/protocol/encoding/hex.ts";
import { TD_ATTRIBUTE_RULES } from "../../../src/protocol/entry/policy.ts";
import { defaultTcbInfo, tcbLevel } from "../../../src/testing/tdx-defaults.ts";
import { reasonOf } from "../../../src/verifier/appraisal/verdict.ts";
import type { TcbStatus } from "../../../src/verifier/tdx/collateral.ts";
import {
  checkTdxPolicy,
  QUOTE_ALONE_POLICY,
  type TdxPolicy,
  tdxWarnings,
} from "../../../src/verifier/tdx/quote-policy.ts";
import { TDX_POLICY_CHECKS } from "../../../src/verifier/tdx/tdx-checks.ts";
import { verifyTdxQuote } from "../../../src/verifier/tdx/verify-quote.ts";
import { AT, intel, judge, makeTdx, type PlatformChanges } from "./synthetic.ts";

const [tdx01] = defaultTcbInfo(AT).tdxModuleIdentities;
const svns = (hex: string) => decodeHex(hex.padEnd(32, "0"));
const platformIs = (status: TcbStatus) => ({ tcbLevels: [tcbLevel(0, status, ["INTEL-SA-2"])] });
const moduleIs = (status: TcbStatus) => ({
  tdxModuleIdentities: [
    {
      ...tdx01,
      tcbLevels: [{ ...tdx01?.tcbLevels[0], tcbStatus: status, advisoryIDs: ["INTEL-SA-1", "INTEL-SA-2"] }],
    },
  ],
});
const enclaveIs = (tcbStatus: TcbStatus) => ({
  tcbLevels: [{ tcb: { isvsvn: 1 }, tcbDate: "2024-11-13T00:00:00Z", tcbStatus }],
});

async function tcbOf(changes: PlatformChanges) {
  const { tcb, accepted } = await judge(await makeTdx(changes));
  return { ...tcb, accepted };
}

describe("the status is the worst of platform, TDX module and quoting enclave", () => {
  const cases: Array<[TcbStatus, TcbStatus, TcbStatus, TcbStatus]> = [
    ["UpToDate", "UpToDate", "UpToDate", "UpToDate"],
    ["SWHardeningNeeded", "UpToDate", "UpToDate", "SWHardeningNeeded"],
    ["UpToDate", "OutOfDate", "UpToDate", "OutOfDate"],
    ["UpToDate", "UpToDate", "OutOfDate", "OutOfDate"],
    ["SWHardeningNeeded", "OutOfDate", "UpToDate", "OutOfDate"],
    ["ConfigurationNeeded", "OutOfDate", "UpToDate", "OutOfDateConfigurationNeeded"],
    ["ConfigurationAndSWHardeningNeeded", "UpToDate", "OutOfDate", "OutOfDateConfigurationNeeded"],
    ["Revoked", "OutOfDate", "UpToDate", "Revoked"],
    ["UpToDate", "Revoked", "UpToDate", "Revoked"],
    ["UpToDate", "UpToDate", "Revoked", "Revoked"],
  ];
  it.each(cases)(
    "platform %s, module %s, enclave %s: %s",
    async (platform, tdxModule, quotingEnclave, status) => {
      const tcb = await tcbOf({
        tcbInfo: { ...platformIs(platform), ...moduleIs(tdxModule) },
        qeIdentity: enclaveIs(quotingEnclave),
      });
      expect(tcb).toMatchObject({ status, platform, tdxModule, quotingEnclave, accepted: true });
      expect(tcb.advisoryIds).toEqual(["INTEL-SA-1", "INTEL-SA-2"]);
    },
  );
});

describe("TDX 1.5 has two SVNs", () => {
  it("a module that was outdated at launch stays outdated after a live update", async () => {
    const tcb = await tcbOf({ body: { teeTcbSvn: svns("020104"), teeTcbSvn2: svns("0b0104") } });
    expect(tcb).toMatchObject({
      status: "OutOfDate",
      tdxModule: "OutOfDate",
      advisoryIds: ["INTEL-SA-01036"],
    });
  });

  it("a module that is outdated now is outdated", async () => {
    const tcb = await tcbOf({ body: { teeTcbSvn: svns("0b0104"), teeTcbSvn2: svns("020104") } });
    expect(tcb).toMatchObject({ status: "OutOfDate", tdxModule: "OutOfDate" });
  });

  it("a newer module of today does not outweigh old microcode at launch", async () => {
    const tcb = await tcbOf({ body: { teeTcbSvn: svns("0b0102"), teeTcbSvn2: svns("0d0104") } });
    expect(tcb).toMatchObject({ status: "OutOfDate", platform: "OutOfDate", tdxModule: "UpToDate" });
  });

  it("module version 0 is judged by the platform's level, component 0 included", async () => {
    const body = (svn: string) => ({ teeTcbSvn: svns(svn), teeTcbSvn2: svns(svn) });
    expect(await tcbOf({ body: body("050003") })).toMatchObject({ status: "UpToDate", tdxModule: null });
    expect(await tcbOf({ body: body("040003") })).toMatchObject({ status: "OutOfDate", tdxModule: null });
  });

  it("a module whose version counts its own SVNs is not held to another version's", async () => {
    const tdx03 = { ...tdx01, id: "TDX_03", tcbLevels: [{ ...tdx01?.tcbLevels[0], tcb: { isvsvn: 3 } }] };
    const body = { teeTcbSvn: svns("030303"), teeTcbSvn2: svns("030303") };
    const tcb = await tcbOf({ body, tcbInfo: { tdxModuleIdentities: [tdx03] } });
    expect(tcb).toMatchObject({ status: "UpToDate", platform: "UpToDate", tdxModule: "UpToDate" });
  });
});

it("the evaluation number is the older one of TCB Info and QE identity", async () => {
  expect(await tcbOf({ qeIdentity: { tcbEvaluationDataNumber: 17 } })).toMatchObject({
    tcbEvaluationDataNumber: 17,
  });
});

describe("a policy", () => {
  const V4: PlatformChanges = { quote: { form: "v4" } };
  const ALL_RULES: Partial<TdxPolicy> = { requiredAttributes: [...TD_ATTRIBUTE_RULES] };
  const attributes = (hex: string): PlatformChanges => ({
    body: { tdAttributes: decodeHex(hex.padEnd(16, "0")) },
  });
  const refusals: Array<[(typeof TDX_POLICY_CHECKS)[number], string, PlatformChanges, Partial<TdxPolicy>]> = [
    ["tdx.policy.tcb-status", "an out-of-date platform", { tcbInfo: platformIs("OutOfDate") }, {}],
    ["tdx.policy.tcb-status", "an out-of-date TDX module", { tcbInfo: moduleIs("OutOfDate") }, {}],
    [
      "tdx.policy.tcb-status",
      "a revoked platform, whatever is accepted",
      { tcbInfo: platformIs("Revoked") },
      { tcbStatuses: ["UpToDate", "OutOfDate"] },
    ],
    [
      "tdx.policy.tcb-evaluation-data-number",
      "collateral of an old evaluation",
      {},
      { minTcbEvaluationDataNumber: 21 },
    ],
    ["tdx.policy.tee-tcb-svn", "a TEE_TCB_SVN below the floor", {}, { minTeeTcbSvn: "0c".padEnd(32, "0") }],
    [
      "tdx.policy.tee-tcb-svn",
      "a TEE_TCB_SVN_2 below the floor",
      { body: { teeTcbSvn2: svns("0a0104") } },
      { minTeeTcbSvn: "0b".padEnd(32, "0") },
    ],
    [
      "tdx.policy.mr-seam",
      "a TDX module that is not on the list",
      {},
      { mrSeam: { mode: "allow", values: ["ab".repeat(48)] } },
    ],
    ["tdx.policy.debug", "a debug TD", { body: { tdAttributes: decodeHex("0100001000000000") } }, {}],
    [
      "tdx.policy.service-td",
      "a bound service TD",
      { body: { mrServiceTd: new Uint8Array(48).fill(1) } },
      {},
    ],
    ["tdx.policy.service-td", "a quote that cannot show one", V4, { mrServiceTd: "zero" }],
    ["tdx.policy.body", "a TDX 1.0 body", V4, { bodies: ["1.5", "1.5-extended"] }],
    ["tdx.policy.attributes", "SEPT_VE_DISABLE off", attributes("00"), ALL_RULES],
    ["tdx.policy.attributes", "MIGRATABLE on", attributes("0000003000000000"), ALL_RULES],
    ["tdx.policy.attributes", "a reserved bit of TD_ATTRIBUTES", attributes("0001001000000000"), ALL_RULES],
    [
      "tdx.policy.attributes",
      "a reserved bit of XFAM",
      { body: { xfam: decodeHex("ff02060000000000") } },
      ALL_RULES,
    ],
    ["tdx.policy.attributes", "no SSE in XFAM", { body: { xfam: decodeHex("e502060000000000") } }, ALL_RULES],
  ];
  it.each(refusals)("%s refuses %s, and nothing else does", async (id, _, changes, policy) => {
    const result = await judge(await makeTdx(changes));
    expect(result.accepted).toBe(true);
    const checks = checkTdxPolicy(result, { ...QUOTE_ALONE_POLICY, ...policy });
    expect(checks.filter(({ outcome }) => outcome !== "pass").map((check) => check.id)).toEqual([id]);
    expect(reasonOf([...result.checks, ...checks])).toMatch(new RegExp(`^${id}: .+`));
  });

  it("accepts the good quote, also by the name of its module", async () => {
    const result = await judge(await makeTdx());
    const values = [result.quote?.body.mrSeam ?? ""];
    for (const policy of [
      QUOTE_ALONE_POLICY,
      { ...QUOTE_ALONE_POLICY, mrSeam: { mode: "allow", values } } as const,
    ]) {
      expect(reasonOf(checkTdxPolicy(result, policy))).toBeNull();
    }
  });

  it("says of MRSERVICETD that the quote does not show it, where it accepts that", async () => {
    const result = await judge(await makeTdx(V4));
    const checks = checkTdxPolicy(result, QUOTE_ALONE_POLICY);
    expect(checks.find(({ id }) => id === "tdx.policy.service-td")).toMatchObject({
      outcome: "pass",
      actual: "not shown by this quote",
    });
    expect(checks.find(({ id }) => id === "tdx.policy.tee-tcb-svn")?.actual).toMatch(
      /now not shown by this quote$/,
    );
    expect(tdxWarnings(result.quote!, QUOTE_ALONE_POLICY)).toEqual([
      expect.stringMatching(/^MRSERVICETD is not shown by this quote/),
    ]);
  });

  it("warns of every attribute that it does not require and the TD lacks, and of no other", async () => {
    const changes = {
      body: { tdAttributes: decodeHex("0001002000000000"), xfam: decodeHex("e402060000000000") },
    };
    const { quote } = await judge(await makeTdx(changes));
    expect(tdxWarnings(quote!, QUOTE_ALONE_POLICY)).toEqual(
      [/SEPT_VE_DISABLE/, /MIGRATABLE/, /reserved/, /x87 or SSE/].map((pattern) =>
        expect.stringMatching(pattern),
      ),
    );
    expect(tdxWarnings(quote!, { ...QUOTE_ALONE_POLICY, ...ALL_RULES })).toEqual([]);
  });

  it("warns of fields of an extended body that are not zero and that nothing is compared with", async () => {
    const extended = { vmId: Uint8Array.of(1), initialFmspc: new Uint8Array(12).fill(9) };
    const { quote } = await judge(await makeTdx({ quote: { form: "v5-tdx1.5-extended", extended } }));
    expect(tdxWarnings(quote!, QUOTE_ALONE_POLICY)).toEqual([
      "compared with nothing, and not zero: vmId, initialFmspc",
    ]);
  });

  it("passes nothing about a quote that could not be read", async () => {
    const { collateral } = await makeTdx();
    const result = await verifyTdxQuote(new Uint8Array(9), collateral, { now: AT, root: intel.root.der });
    const checks = checkTdxPolicy(result, QUOTE_ALONE_POLICY);
    expect(checks.map(({ outcome }) => outcome)).toEqual(TDX_POLICY_CHECKS.map(() => "not-evaluated"));
    expect(reasonOf(checks)).toBe("tdx.policy.body: could not be evaluated");
  });

  it("says the first thing that is wrong, before what could not be evaluated because of it", async () => {
    const { quote, collateral } = await makeTdx();
    const result = await judge({ quote, collateral: { ...collateral, rootCaCrl: "" }, pck: intel.root });
    expect(reasonOf(result.checks)).toMatch(/^tdx\.crl\.root: CRL: the list is absent/);
  });
});
