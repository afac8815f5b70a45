// Quotes of real machines, with what the answer must be (expected.json of each case).
import { readdirSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import { keyIdOf } from "../../../src/protocol/cryptography/signature.ts";
import { parseTdxCollateral } from "../../../src/verifier/tdx/collateral.ts";
import { compareEventLog, parseEventLog } from "../../../src/verifier/tdx/event-log.ts";
import { INTEL_SGX_ROOT_CA } from "../../../src/verifier/tdx/intel-root.ts";
import type { EventLogFormat } from "../../../src/verifier/tdx/logged-event.ts";
import { checkTdxPolicy, QUOTE_ALONE_POLICY } from "../../../src/verifier/tdx/quote-policy.ts";
import { verifyTdxQuote } from "../../../src/verifier/tdx/verify-quote.ts";
import { parseCertificate } from "../../../src/verifier/x509/certificate.ts";
import { describeReal, haveRealData, realData, realDataPath, realJson } from "../../support/real-data.ts";
import { failedChecks, flipBit, randomBits } from "./synthetic.ts";

interface Expected extends Record<string, unknown> {
  asOf: string;
  result: string;
  reject: string | null;
  alsoReject: string[];
  status: { platform: string | null; tdxModule: string | null; quotingEnclave: string };
  advisoryIds: string[];
  collateralValid: { from: string; until: string };
  rootCaSpkiSha256: string;
  eventLog: null | {
    file: string;
    format: EventLogFormat;
    events: number;
    endsAt: number | null;
    replaysTo: string[];
  };
}

/** Our check for each reason that the cases give. */
const CHECK_OF_REASON: Record<string, string> = {
  "no-matching-tcb-level": "tdx.tcb.level",
  "tcb-out-of-date": "tdx.policy.tcb-status",
  "tdx-module-out-of-date": "tdx.policy.tcb-status",
  "debug-enabled": "tdx.policy.debug",
  "service-td-not-zero": "tdx.policy.service-td",
};

/**
 * cos-113 names the advisories of comparing all 16 TDX components. Intel's rule leaves out components 0 and 1 where the module has an
 * identity of its own, and finds a newer level of the same status, with three advisories fewer.
 */
const NOT_BY_INTELS_RULE: Record<string, string[]> = {
  "cos-113-v4-ccel-outofdate": ["INTEL-SA-00960", "INTEL-SA-00982", "INTEL-SA-00986"],
};

const cases = haveRealData ? readdirSync(realDataPath("evidence/tdx")) : [];
const table: Array<Record<string, string | number>> = [];

function load(name: string) {
  const file = (path: string) => realData(`evidence/tdx/${name}/${path}`);
  const expected = realJson<Expected>(`evidence/tdx/${name}/expected.json`);
  return {
    expected,
    file,
    quote: file("quote.bin"),
    collateral: parseTdxCollateral(file("collateral.json")),
  };
}

describeReal("real TDX quotes", () => {
  afterAll(() => console.table(table));

  it.each(cases)("%s has the expected outcome and fields", async (name) => {
    const { expected, quote, collateral } = load(name);
    const start = performance.now();
    const result = await verifyTdxQuote(quote, collateral, { now: new Date(expected.asOf) });
    const policy = checkTdxPolicy(result, QUOTE_ALONE_POLICY);
    const ms = Math.round(performance.now() - start);
    const failed = [...result.checks, ...policy]
      .filter(({ outcome }) => outcome !== "pass")
      .map(({ id }) => id);
    table.push({ case: name, expected: expected.reject ?? "accept", got: failed.join(", ") || "accept", ms });

    const reasons = [...(expected.reject ? [expected.reject] : []), ...expected.alsoReject];
    const consequence = expected.result === "NoMatchingTcbLevel" ? ["tdx.policy.tcb-status"] : [];
    expect(new Set(failed)).toEqual(
      new Set([...reasons.map((reason) => CHECK_OF_REASON[reason]), ...consequence]),
    );

    expect(expected).toMatchObject({ ...result.quote?.body });
    expect(expected).toMatchObject({
      quoteVersion: result.quote?.version,
      bodyType: result.quote?.bodyType,
      trailingBytes: result.quote?.trailingBytes,
      quoteLength: quote.length,
    });
    const { status, platform, tdxModule, quotingEnclave, advisoryIds, ...tcb } = result.tcb!;
    expect(expected).toMatchObject(tcb);
    expect(status).toBe(expected.result);
    const platformStatus = platform === "NoMatchingTcbLevel" ? null : platform;
    expect({ platform: platformStatus, tdxModule, quotingEnclave }).toEqual(expected.status);
    expect([...advisoryIds, ...(NOT_BY_INTELS_RULE[name] ?? [])].sort()).toEqual(expected.advisoryIds);
  });

  it.each(cases)("%s is refused outside the validity of its collateral", async (name) => {
    const { expected, quote, collateral } = load(name);
    const otherwise = expected.result === "NoMatchingTcbLevel" ? ["tdx.tcb.level"] : [];
    const { from, until } = expected.collateralValid;
    for (const [text, seconds, late] of [
      [from, -1, true],
      [from, 0, false],
      [until, 0, false],
      [until, 1, true],
    ] as const) {
      const now = new Date(new Date(text).getTime() + seconds * 1000);
      const result = await verifyTdxQuote(quote, collateral, { now });
      expect(failedChecks(result)).toEqual(late ? ["tdx.collateral.window", ...otherwise] : otherwise);
      expect(result.collateralValid).toEqual({ from: new Date(from), until: new Date(until) });
    }
  });

  it.each(cases)("%s is refused with any bit of its signed bytes changed", async (name) => {
    const { expected, quote, collateral } = load(name);
    const flips = randomBits(7, 632 * 8);
    for (let i = 0; i < 20; i++) {
      const bit = flips.next().value;
      const result = await verifyTdxQuote(flipBit(quote, bit), collateral, { now: new Date(expected.asOf) });
      expect(result.accepted, `bit ${bit}`).toBe(false);
    }
  });

  it.each(cases.filter((name) => load(name).expected.eventLog))(
    "the event log of %s replays to its registers",
    (name) => {
      const { expected, file } = load(name);
      const { format, events, endsAt, replaysTo, file: path } = expected.eventLog!;
      const log = parseEventLog(format, file(path));
      expect([log.events.length, log.endsAt]).toEqual([events, endsAt]);
      const { logged, equal } = compareEventLog(log, expected as never);
      expect([logged, equal]).toEqual([replaysTo, replaysTo]);
      const recomputed = log.events.filter((event) => event.recomputed).length;
      expect(recomputed, "digests recomputed from their data").toBe({ ccel: 31, dstack: 20 }[format]);
    },
  );

  it("the pinned root is the one that every case names", () => {
    const { spki } = parseCertificate(INTEL_SGX_ROOT_CA);
    for (const name of cases) {
      expect(load(name).expected.rootCaSpkiSha256).toBe(keyIdOf(spki));
    }
  });
});
