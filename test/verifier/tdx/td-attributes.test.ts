// The bits of TD_ATTRIBUTES and XFAM that a policy may ask about: td-attributes-migratable and tdx-sept-ve-disable-off among them.
import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { decodeHex } from "../../../src/protocol/encoding/hex.ts";
import { parseTdxQuote } from "../../../src/verifier/tdx/quote.ts";
import { readTdAttributes } from "../../../src/verifier/tdx/td-attributes.ts";
import { describeReal, haveRealData, realData, realDataPath } from "../../support/real-data.ts";
import { makeTdx } from "./synthetic.ts";

const GOOD = { septVeDisable: true, migratable: false, reservedZero: true, xfamMandatory: true };
const XFAM = "e702060000000000";

it.each([
  ["a good TD's", "0000001000000000", XFAM, {}],
  ["SEPT_VE_DISABLE off", "0000000000000000", XFAM, { septVeDisable: false }],
  ["MIGRATABLE", "0000003000000000", XFAM, { migratable: true }],
  ["protection keys and performance monitoring", "0000005000000080", XFAM, {}],
  ["reserved bit 1", "0200001000000000", XFAM, { reservedZero: false }],
  ["reserved bit 32", "0000001001000000", XFAM, { reservedZero: false }],
  ["XFAM without SSE", "0000001000000000", "e502060000000000", { xfamMandatory: false }],
  ["XFAM with APX, which processors later than TDX 1.5 have", "0000001000000000", "e7020e0000000000", {}],
  [
    "XFAM with bit 20, the first without a meaning",
    "0000001000000000",
    "e702160000000000",
    { reservedZero: false },
  ],
  [
    "XFAM with bit 10, PASID, which no TD has",
    "0000001000000000",
    "e706060000000000",
    { reservedZero: false },
  ],
  ["XFAM with bit 63", "0000001000000000", "e702060000000080", { reservedZero: false }],
  ["a reserved bit of XFAM", "0000001000000000", "ef02060000000000", { reservedZero: false }],
])("%s", async (_, tdAttributes, xfam, change) => {
  expect(readTdAttributes(tdAttributes, xfam)).toEqual({ ...GOOD, ...change });
  const { quote } = await makeTdx({ body: { tdAttributes: decodeHex(tdAttributes), xfam: decodeHex(xfam) } });
  expect(parseTdxQuote(quote).attributes).toEqual({ ...GOOD, ...change });
});

describeReal("real quotes", () => {
  it.each(haveRealData ? readdirSync(realDataPath("evidence/tdx")) : [])("%s", (name) => {
    expect(parseTdxQuote(realData(`evidence/tdx/${name}/quote.bin`)).attributes).toEqual(GOOD);
  });
});
