// A differential run against Phala's dcap-qvl, in JavaScript and in WebAssembly, over real and synthetic quotes, good and changed. Where
// they differ from us the row names what they answer and why; an unnamed difference fails.
import "reflect-metadata";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { QuoteVerifier } from "@phala/dcap-qvl";
import { initSync, js_verify } from "@phala/dcap-qvl-web";
import { describe, expect, it } from "vitest";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { defaultTcbInfo, tcbLevel } from "../../src/testing/tdx-defaults.ts";
import { parseTdxCollateral, type TdxCollateral } from "../../src/verifier/tdx/collateral.ts";
import { INTEL_SGX_ROOT_CA } from "../../src/verifier/tdx/intel-root.ts";
import { checkTdxPolicy, QUOTE_ALONE_POLICY } from "../../src/verifier/tdx/quote-policy.ts";
import { verifyTdxQuote } from "../../src/verifier/tdx/verify-quote.ts";
import { collateralOfDcapQvl } from "../support/dcap-qvl.ts";
import { describeReal, realData, realJson } from "../support/real-data.ts";
import {
  AT,
  flipBit,
  intel,
  makeList,
  makeTdx,
  type PlatformChanges,
  randomBits,
} from "../verifier/tdx/synthetic.ts";

interface Input {
  readonly quote: Uint8Array;
  readonly collateral: TdxCollateral;
  readonly now: Date;
  readonly root: Uint8Array;
}

/** A TCB status, or "refused". The other verifiers refuse debug TDs and service TDs themselves; so does this. */
async function ours({ quote, collateral, now, root }: Input): Promise<string> {
  const result = await verifyTdxQuote(quote, collateral, { now, root });
  const body = checkTdxPolicy(result, QUOTE_ALONE_POLICY).filter(({ id }) => /debug|service-td/.test(id));
  const accepted = result.accepted && body.every(({ outcome }) => outcome === "pass");
  return accepted && result.tcb && result.tcb.status !== "Revoked" ? result.tcb.status : "refused";
}

function javascript({ quote, collateral, now, root }: Input): string {
  try {
    const verifier = QuoteVerifier.newWithRootCa(Buffer.from(root));
    return verifier.verify(Buffer.from(quote), collateralOfDcapQvl(collateral), now.getTime() / 1000).status;
  } catch {
    return "refused";
  }
}

const wasm = createRequire(import.meta.url).resolve("@phala/dcap-qvl-web/dcap-qvl-web_bg.wasm");
initSync({ module: readFileSync(wasm) });

function webassembly({ quote, collateral, now }: Input): string {
  try {
    return js_verify(quote, collateralOfDcapQvl(collateral), BigInt(now.getTime() / 1000)).status;
  } catch {
    return "refused";
  }
}

function real(name: string): Input {
  const { asOf } = realJson<{ asOf: string }>(`evidence/tdx/${name}/expected.json`);
  return {
    quote: realData(`evidence/tdx/${name}/quote.bin`),
    collateral: parseTdxCollateral(realData(`evidence/tdx/${name}/collateral.json`)),
    now: new Date(asOf),
    root: INTEL_SGX_ROOT_CA,
  };
}

type Theirs = readonly [answer: string, why: string];
interface Case {
  readonly name: string;
  readonly input: () => Input | Promise<Input>;
  /** What we answer. */
  readonly answer: string;
  /** What they answer instead, and why. Absent: the same. */
  readonly js?: Theirs;
  readonly web?: Theirs;
}

async function compare({ input, answer, js, web }: Case, withWeb: boolean): Promise<void> {
  const value = await input();
  const answers = {
    ours: await ours(value),
    js: javascript(value),
    web: withWeb ? webassembly(value) : null,
  };
  expect(answers).toEqual({
    ours: answer,
    js: js?.[0] ?? answer,
    web: withWeb ? (web?.[0] ?? answer) : null,
  });
}

const NO_V5: Theirs = ["refused", "it cannot read the 648-byte body of TDX 1.5"];
const NO_QE_IDENTITY: Theirs = ["UpToDate", "the QE identity is not looked at in this version"];
const NO_CRL_SIGNATURE =
  "CRLs are searched for serial numbers; issuer, signature and dates are not looked at";

describeReal("real quotes", () => {
  const v4 = "dcap-qvl-v4-uptodate";
  const changed = (name: string, change: (input: Input) => Partial<Input>) => () => {
    const input = real(name);
    return { ...input, ...change(input) };
  };
  const collateral = (change: (collateral: TdxCollateral) => Partial<TdxCollateral>) =>
    changed(v4, (input) => ({ collateral: { ...input.collateral, ...change(input.collateral) } }));
  const flipped = (offset: number) => changed(v4, ({ quote }) => ({ quote: flipBit(quote, offset * 8) }));
  const lastDigit = (hex: string) => hex.slice(0, -1) + (hex.endsWith("0") ? "1" : "0");

  const cases: Case[] = [
    { name: "the plain good case", input: () => real(v4), answer: "UpToDate" },
    { name: "a good case with a GPU", input: () => real("dstack-v4-event-log"), answer: "UpToDate" },
    { name: "an outdated platform", input: () => real("cos-113-v4-ccel-outofdate"), answer: "OutOfDate" },
    { name: "a debug TD", input: () => real("trustee-v4-debug"), answer: "refused" },
    { name: "a v5 quote", input: () => real("go-tdx-guest-v5-uptodate"), answer: "UpToDate", web: NO_V5 },
    {
      name: "a v5 quote below every level",
      input: () => real("dcap-qvl-v5-no-tcb-level"),
      answer: "refused",
    },
    { name: "a v5 quote with a service TD", input: () => real("trustee-v5-service-td"), answer: "refused" },

    { name: "REPORTDATA changed", input: flipped(0x238), answer: "refused" },
    { name: "the TD attributes changed", input: flipped(0xa8 + 3), answer: "refused" },
    { name: "the quote signature changed", input: flipped(0x27c), answer: "refused" },
    { name: "the attestation key changed", input: flipped(0x27c + 64), answer: "refused" },
    { name: "the QE report changed", input: flipped(0x27c + 134), answer: "refused" },
    { name: "the QE report signature changed", input: flipped(0x27c + 134 + 384), answer: "refused" },
    {
      name: "the authentication data changed",
      input: flipped(0x27c + 134 + 384 + 64 + 2),
      answer: "refused",
    },
    {
      name: "the PCK certificate changed",
      input: flipped(0x27c + 134 + 384 + 64 + 2 + 32 + 6 + 400),
      answer: "refused",
    },
    {
      name: "the root in the quote's chain changed",
      input: flipped(4199),
      answer: "refused",
      web: ["UpToDate", "the chain's last certificate is not read: the pinned root stands in for it"],
    },
    {
      name: "trailing bytes left out",
      input: changed(v4, ({ quote }) => ({ quote: quote.slice(0, -70) })),
      answer: "UpToDate",
    },
    {
      name: "the quote cut by one byte",
      input: changed(v4, ({ quote }) => ({ quote: quote.slice(0, -71) })),
      answer: "refused",
    },

    {
      name: "TCB Info changed",
      input: collateral((c) => ({ tcbInfo: c.tcbInfo.replace('"pcesvn":11', '"pcesvn":10') })),
      answer: "refused",
    },
    {
      name: "TCB Info signature changed",
      input: collateral((c) => ({ tcbInfoSignature: lastDigit(c.tcbInfoSignature) })),
      answer: "refused",
    },
    {
      name: "QE identity changed",
      input: collateral((c) => ({ qeIdentity: c.qeIdentity.replace('"isvsvn":4', '"isvsvn":1') })),
      answer: "refused",
      web: NO_QE_IDENTITY,
    },
    {
      name: "signatures exchanged",
      input: collateral((c) => ({ qeIdentitySignature: c.tcbInfoSignature })),
      answer: "refused",
      web: NO_QE_IDENTITY,
    },
    {
      name: "collateral of another platform",
      input: changed("dstack-v4-event-log", () => ({
        collateral: real("cos-113-v4-ccel-outofdate").collateral,
        now: real("cos-113-v4-ccel-outofdate").now,
      })),
      answer: "refused",
    },
    {
      name: "TCB Info expired",
      input: changed(v4, () => ({ now: new Date("2025-07-20T00:00:00Z") })),
      answer: "refused",
    },
    {
      name: "TCB Info of tomorrow",
      input: changed(v4, () => ({ now: new Date("2025-06-18T00:00:00Z") })),
      answer: "refused",
      web: ["UpToDate", "issue dates are not looked at in this version"],
    },

    {
      name: "the PCK CRL expired, TCB Info not yet",
      input: changed(v4, () => ({ now: new Date("2025-07-19T10:10:00Z") })),
      answer: "refused",
      js: ["UpToDate", NO_CRL_SIGNATURE],
    },
    {
      name: "a root CRL of garbage",
      input: collateral(() => ({ rootCaCrl: "00" })),
      answer: "refused",
      js: ["UpToDate", "a CRL that cannot be read is skipped"],
    },
    {
      name: "a PCK CRL of garbage",
      input: collateral(() => ({ pckCrl: "00" })),
      answer: "refused",
      js: ["UpToDate", "a CRL that cannot be read is skipped"],
    },
    {
      name: "no CRLs at all",
      input: collateral(() => ({ pckCrl: "", rootCaCrl: "" })),
      answer: "refused",
      js: ["UpToDate", "a CRL that cannot be read is skipped"],
    },
    {
      name: "the root's CRL in place of the PCK's",
      input: collateral((c) => ({ pckCrl: c.rootCaCrl })),
      answer: "refused",
      js: ["UpToDate", NO_CRL_SIGNATURE],
    },
    {
      name: "a PCK CRL with a changed signature",
      input: collateral((c) => ({ pckCrl: lastDigit(c.pckCrl) })),
      answer: "refused",
      js: ["UpToDate", NO_CRL_SIGNATURE],
    },
  ];
  it.each(cases)("$name: $answer", (row) => compare(row, true));

  it("random changes of the quote, up to the root in its chain, are judged alike by all three", async () => {
    const input = real(v4);
    const lastCertificate = Buffer.from(input.quote).lastIndexOf("-----BEGIN");
    const flips = randomBits(11, lastCertificate * 8);
    for (let i = 0; i < 60; i++) {
      const bit = flips.next().value;
      const value = { ...input, quote: flipBit(input.quote, bit) };
      const answers = [await ours(value), javascript(value), webassembly(value)];
      expect(new Set(answers).size, `bit ${bit}: ${answers}`).toBe(1);
    }
  });
});

describe("synthetic quotes, by dcap-qvl's JavaScript only: its WebAssembly pins Intel's root", () => {
  const [tdx01] = defaultTcbInfo(AT).tdxModuleIdentities;
  const made = (changes: PlatformChanges) => async (): Promise<Input> => {
    const { quote, collateral } = await makeTdx(changes);
    return { quote, collateral, now: AT, root: intel.root.der };
  };
  const svns = (...first: number[]) => Uint8Array.of(...first, ...new Uint8Array(16 - first.length));
  const NO_MODULE = "the TDX module's identity, signer and attributes are not looked at";

  const cases: Case[] = [
    { name: "the plain good case", input: made({}), answer: "UpToDate" },
    { name: "a v4 quote", input: made({ quote: { form: "v4" } }), answer: "UpToDate" },
    {
      name: "an outdated platform",
      input: made({ tcbInfo: { tcbLevels: [tcbLevel(0, "OutOfDate")] } }),
      answer: "OutOfDate",
    },
    {
      name: "a revoked platform",
      input: made({ tcbInfo: { tcbLevels: [tcbLevel(0, "Revoked")] } }),
      answer: "refused",
    },
    {
      name: "an outdated quoting enclave",
      input: made({
        qeIdentity: {
          tcbLevels: [{ tcb: { isvsvn: 1 }, tcbDate: "2024-11-13T00:00:00Z", tcbStatus: "OutOfDate" }],
        },
      }),
      answer: "OutOfDate",
    },
    {
      name: "a revoked PCK certificate",
      input: async () => {
        const { quote, collateral, pck } = await makeTdx();
        const pckCrl = encodeHex(await makeList(intel.platformCa, [pck.serial]));
        return { quote, collateral: { ...collateral, pckCrl }, now: AT, root: intel.root.der };
      },
      answer: "refused",
    },
    {
      name: "TCB Info of another platform",
      input: made({ tcbInfo: { fmspc: "00906EA10000" } }),
      answer: "refused",
    },
    {
      name: "a quoting enclave of another signer",
      input: made({ qeReport: { mrSigner: new Uint8Array(32) } }),
      answer: "refused",
    },
    { name: "another TEE type", input: made({ quote: { teeType: 0 } }), answer: "refused" },

    {
      name: "TCB Info of another PCE",
      input: made({ tcbInfo: { pceId: "0001" } }),
      answer: "refused",
      js: ["UpToDate", "the PCE id is not compared"],
    },
    {
      name: "a quoting enclave of another vendor",
      input: made({ quote: { qeVendorId: new Uint8Array(16) } }),
      answer: "refused",
      js: ["UpToDate", "the vendor id is not compared"],
    },
    {
      name: "an outdated TDX module",
      input: made({ body: { teeTcbSvn: svns(2, 1, 4) }, tcbInfo: { tcbLevels: [tcbLevel(9, "UpToDate")] } }),
      answer: "OutOfDate",
      js: ["UpToDate", NO_MODULE],
    },
    {
      name: "a TDX module of another signer",
      input: made({ body: { mrSignerSeam: new Uint8Array(48).fill(1) } }),
      answer: "refused",
      js: ["UpToDate", NO_MODULE],
    },
    {
      name: "a TDX module with attributes",
      input: made({ body: { seamAttributes: svns(1).subarray(0, 8) } }),
      answer: "refused",
      js: ["UpToDate", NO_MODULE],
    },
    {
      name: "a TDX module that Intel does not list",
      input: made({ tcbInfo: { tdxModuleIdentities: [] } }),
      answer: "refused",
      js: ["UpToDate", NO_MODULE],
    },
    {
      name: "a module version that counts its SVNs from 0",
      input: made({
        body: { teeTcbSvn: svns(3, 3, 3), teeTcbSvn2: svns(3, 3, 3) },
        tcbInfo: {
          tdxModuleIdentities: [
            { ...tdx01, id: "TDX_03", tcbLevels: [{ ...tdx01?.tcbLevels[0], tcb: { isvsvn: 3 } }] },
          ],
        },
      }),
      answer: "UpToDate",
      js: ["refused", "components 0 and 1 of one module version are compared with another version's"],
    },
    {
      name: "an old TDX module since a live update",
      input: made({ body: { teeTcbSvn2: svns(2, 1, 4) } }),
      answer: "OutOfDate",
      js: ["UpToDate", "TEE_TCB_SVN_2 is not judged"],
    },
    {
      name: "SEPT_VE_DISABLE off",
      input: made({ body: { tdAttributes: new Uint8Array(8) } }),
      answer: "UpToDate",
      js: [
        "refused",
        "it demands the bit of every TD; we compare all TD attributes with the logged platform",
      ],
    },
  ];
  it.each(cases)("$name: $answer", (row) => compare(row, false));

  it("and none of them is good under Intel's root", async () => {
    const { quote, collateral } = await makeTdx();
    const input = { quote, collateral, now: AT, root: INTEL_SGX_ROOT_CA };
    expect([await ours(input), javascript(input), webassembly(input)]).toEqual([
      "refused",
      "refused",
      "refused",
    ]);
  });
});
