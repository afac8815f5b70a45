// What is authentic and not valid at the time is refused with one class and one code, whoever made it.
import { describe, expect, it } from "vitest";
import { PolicyError } from "../../../src/protocol/errors.ts";
import { parseCertificate } from "../../../src/verifier/x509/certificate.ts";
import { verifyCrl } from "../../../src/verifier/x509/crl.ts";
import {
  commonWindow,
  type NamedWindow,
  requireValid,
  windowOfAnswer,
  windowOfCertificate,
  windowOfCrl,
  windowOfDocument,
} from "../../../src/verifier/x509/validity.ts";
import { intel, makeList } from "../tdx/synthetic.ts";

const certificate = parseCertificate(intel.tcbSigning.der);
const crl = await verifyCrl(await makeList(intel.root), parseCertificate(intel.root.der));
const from = new Date("2026-06-01T12:00:00Z");
const until = new Date("2026-06-02T12:00:00Z");
const second = (time: Date, seconds: number) => new Date(time.getTime() + seconds * 1000);

function refusalOf(window: NamedWindow, now: Date): PolicyError<string> | null {
  try {
    requireValid([window], now);
    return null;
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
}

describe("before, in and after its window", () => {
  it.each<[string, NamedWindow]>([
    ["a certificate", windowOfCertificate(certificate)],
    ["a CRL", windowOfCrl(crl)],
    ["an OCSP answer", windowOfAnswer("GPU", { thisUpdate: from, nextUpdate: until })],
    ["a document of Intel's", windowOfDocument("TCB Info", { issueDate: from, nextUpdate: until })],
  ])("%s", (_, window) => {
    expect(refusalOf(window, window.from)).toBeNull();
    expect(refusalOf(window, window.until)).toBeNull();
    for (const now of [second(window.from, -1), second(window.until, 1), new Date(Number.NaN)]) {
      expect(refusalOf(window, now)).toMatchObject({ code: "validity-window" });
      expect(refusalOf(window, now)?.message).toContain(window.name);
    }
  });
});

it("an OCSP answer that states no end is never valid", () => {
  const window = windowOfAnswer("GPU", { thisUpdate: from, nextUpdate: null });
  for (const now of [from, second(from, 1), until]) {
    expect(refusalOf(window, now)?.message).toContain("to no stated time");
  }
});

it("several things are valid together from the last beginning to the first end", () => {
  const early = windowOfDocument("early", { issueDate: second(from, -9), nextUpdate: second(until, -9) });
  const late = windowOfDocument("late", { issueDate: from, nextUpdate: until });
  expect(commonWindow([early, late])).toEqual({ from, until: second(until, -9) });
});
