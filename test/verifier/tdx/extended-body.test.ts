// quote-v5-body-type-4: the body of 885 bytes, with where the TD began and its service TDs after the fields of TDX 1.5.
import { describe, expect, it } from "vitest";
import type { ExtendedBody } from "../../../src/testing/tdx-quote.ts";
import { parseTdxQuote } from "../../../src/verifier/tdx/quote.ts";
import { checkTdxPolicy, QUOTE_ALONE_POLICY } from "../../../src/verifier/tdx/quote-policy.ts";
import { malformedOf } from "../../support/refusals.ts";
import { flipBit, judge, makeTdx } from "./synthetic.ts";

const FIELDS: Record<keyof ExtendedBody, number> = {
  vmId: 1,
  tdId: 32,
  deviceInfo: 48,
  initialServiceTdHash: 48,
  initialServiceTdAttributes: 8,
  initialCpuSvn: 16,
  initialTeeTcbSvn: 16,
  initialFmspc: 12,
  currentServiceTdHash: 48,
  currentServiceTdAttributes: 8,
};
const form = "v5-tdx1.5-extended" as const;
const extendedOf = (extended: Partial<ExtendedBody>) => makeTdx({ quote: { form, extended } });

describe("an extended body", () => {
  it("is genuine and acceptable where it tells of no service TD", async () => {
    const result = await judge(await extendedOf({}));
    expect(result.accepted).toBe(true);
    expect(result.quote).toMatchObject({ bodyType: 4, bodyForm: "1.5-extended" });
    expect(checkTdxPolicy(result, QUOTE_ALONE_POLICY).every(({ outcome }) => outcome === "pass")).toBe(true);
  });

  it("gives back every field, each in its place", async () => {
    const entries = Object.entries(FIELDS).map(([name, length], i) => [
      name,
      new Uint8Array(length).fill(i + 1),
    ]);
    const { quote } = await extendedOf(Object.fromEntries(entries));
    const hex = Object.entries(FIELDS).map(([name, length], i) => [
      name,
      `0${(i + 1).toString(16)}`.repeat(length),
    ]);
    expect(parseTdxQuote(quote).extended).toEqual(Object.fromEntries(hex));
  });

  it("is signed to its last byte", async () => {
    const tdx = await extendedOf({});
    for (const at of [54 + 648, 54 + 800, 54 + 884]) {
      const result = await judge({ ...tdx, quote: flipBit(tdx.quote, at * 8) });
      expect(result.accepted).toBe(false);
    }
  });

  it.each([
    "initialServiceTdHash",
    "initialServiceTdAttributes",
    "currentServiceTdHash",
    "currentServiceTdAttributes",
  ] as const)("with %s not zero tells of a service TD", async (name) => {
    const result = await judge(await extendedOf({ [name]: new Uint8Array(FIELDS[name]).fill(7) }));
    expect(result.accepted).toBe(true);
    const failed = checkTdxPolicy(result, QUOTE_ALONE_POLICY).filter(({ outcome }) => outcome !== "pass");
    expect(failed.map(({ id }) => id)).toEqual(["tdx.policy.service-td"]);
    expect(failed[0]?.actual).toContain("07".repeat(8));
  });

  it("of another size, or under another body's type, is refused by name", async () => {
    const { quote } = await extendedOf({});
    const patched = (at: number, byte: number) =>
      Uint8Array.from(quote, (value, i) => (i === at ? byte : value));
    for (const [at, byte, message] of [
      [48, 3, "body type 3 of 885 bytes"],
      [48, 5, "body type 5 of 885 bytes"],
      [50, 0x74, "body type 4 of 884 bytes"],
    ] as const)
      expect((await malformedOf(() => parseTdxQuote(patched(at, byte))))?.message).toContain(message);
  });

  it.each([
    ["v4", "1.0"],
    ["v5-tdx1.0", "1.0"],
    ["v5-tdx1.5", "1.5"],
  ] as const)("is not that of %s", async (other, bodyForm) => {
    const { quote } = await makeTdx({ quote: { form: other } });
    expect(parseTdxQuote(quote)).toMatchObject({ bodyForm, extended: null });
  });
});
