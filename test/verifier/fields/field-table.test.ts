// The table of fields in docs/appraisal.md is complete, and true of every field: what says that it is compared is noticed when it changes,
// and what says that it is not proven is not.
import { readdirSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { verifyRim } from "../../../src/publisher/rim/verify-rim.ts";
import { APPRAISAL_CHECKS } from "../../../src/verifier/appraisal/appraisal-checks.ts";
import { parseOcspResponse } from "../../../src/verifier/nvidia/ocsp.ts";
import { parseGpuReport } from "../../../src/verifier/nvidia/report.ts";
import { parseSwitchReport } from "../../../src/verifier/nvidia/switch-report.ts";
import { parseCcel } from "../../../src/verifier/tdx/ccel.ts";
import { sgxExtensionOf } from "../../../src/verifier/tdx/chain-of-trust.ts";
import { parseQeIdentity, parseTcbInfo, type TdxCollateral } from "../../../src/verifier/tdx/collateral.ts";
import { parseEnclaveReport } from "../../../src/verifier/tdx/qe.ts";
import { parseTdxQuote } from "../../../src/verifier/tdx/quote.ts";
import { parseSgxExtension } from "../../../src/verifier/tdx/sgx-extension.ts";
import { parsePemCertificates } from "../../../src/verifier/x509/pem.ts";
import { describeReal, haveRealData, realData, realDataPath, realJson } from "../../support/real-data.ts";
import { type ChangedKind, ChangedMachines } from "./changed-machines.ts";
import { changedRims } from "./changed-rims.ts";
import { readFieldTable } from "./field-table.ts";
import * as fieldsOf from "./fields-of.ts";
import { namesIn, tile } from "./layout.ts";
import { VIEWS } from "./views.ts";

const table = readFieldTable();

/** Rows of fields that no made-up file has: nothing is compared with any of them. */
const ELSEWHERE = [
  "qeIdentity.tcbLevels[].advisoryIDs[]",
  "rim.Payload.Resource@includeInResult",
  "ocsp.version",
  "ocsp.responses[].extensions",
  "ocsp.extensions",
  "ccel.specId.vendorInfo",
];

/** Names that the table does not have. */
const missing = (names: readonly string[]) => [...new Set(names)].filter((name) => !table.has(name));

/** What a parser returns must be fields of the table, or made of them. A certificate that comes along is one field. */
const missingOfParsed = (value: unknown, kind: string) =>
  missing(
    namesIn(value, kind).flatMap((name) => VIEWS[name] ?? [name.replace(/(?<=\.certificates\[\])\..*/, "")]),
  );

describe("every field of a made-up file is in the table, and what the table says of it is true", () => {
  let machines: ChangedMachines;
  beforeAll(async () => {
    machines = await ChangedMachines.make();
  });

  it("the machines that are changed are good", async () => {
    expect(await machines.failing(machines.good)).toEqual([]);
    expect(await machines.unchanged()).toEqual([]);
  });

  const kinds: Record<string, () => ChangedKind | Promise<ChangedKind>> = {
    quote: () => machines.quote(),
    pck: () => machines.sgxExtension(),
    tcbInfo: () => machines.tcbInfo(),
    qeIdentity: () => machines.qeIdentity(),
    report: () => machines.report(),
    nvdaod: () => machines.nvdaod(),
    switch: () => machines.switchReport(),
    rim: () => changedRims(machines.newer),
    ocsp: () => machines.ocsp(),
    ccel: () => machines.ccel(),
    certificate: () => machines.certificate(),
  };

  it.each(Object.keys(kinds))(
    "%s",
    async (kind) => {
      const { names, changes } = await kinds[kind]!();
      expect(missing(names)).toEqual([]);
      const expected = [...table.keys()].filter((name) => /^\w+/.exec(name)?.[0] === kind);
      expect([...changes.keys()].toSorted()).toEqual(
        expected.filter((name) => !ELSEWHERE.includes(name)).toSorted(),
      );
      const untrue: string[] = [];
      for (const [name, { changed, control }] of changes) {
        const check = table.get(name)?.check ?? null;
        const failed = await changed();
        if (check === null && failed.length > 0) untrue.push(`${name} is noticed by ${failed.join(", ")}`);
        if (check !== null && !failed.includes(check)) untrue.push(`${name} can be changed without ${check}`);
        if (check !== null && (await control?.())?.includes(check))
          untrue.push(`${name} fails ${check} unchanged`);
      }
      expect(untrue).toEqual([]);
    },
    120_000,
  );

  it("nothing is said to be compared that no made-up file has", () => {
    expect(ELSEWHERE.filter((name) => table.get(name)?.check !== null)).toEqual([]);
  });

  it("every check that is named is one", () => {
    const ofCommands = ["tdx.event-log", "rim.content", "rim.signature", "rim.format"];
    const known: readonly string[] = [...APPRAISAL_CHECKS, ...ofCommands];
    expect([...table].filter(([, { check }]) => check !== null && !known.includes(check))).toEqual([]);
  });

  it("every byte of a binary file has a name", () => {
    const { tdx, gpus } = machines.good.evidence;
    const files: Array<[Uint8Array, (bytes: Uint8Array) => ReturnType<typeof fieldsOf.fieldsOfQuote>]> = [
      [decodeBase64(tdx.quote), fieldsOf.fieldsOfQuote],
      [decodeBase64(gpus[0]!.report), fieldsOf.fieldsOfReport],
      [decodeBase64(tdx.eventLog!.data), fieldsOf.fieldsOfCcel],
      [decodeBase64(machines.newer.evidence.gpus[0]!.report), fieldsOf.fieldsOfReport],
      [decodeBase64(machines.board.evidence.switches[0]!.report), fieldsOf.fieldsOfReport],
    ];
    for (const [bytes, read] of files) expect(tile(read(bytes), bytes.length)).toBe(true);
  });

  it("every member that a parser returns is a field of the table, or made of fields", () => {
    const { tdx, gpus } = machines.good.evidence;
    const quote = parseTdxQuote(decodeBase64(tdx.quote));
    expect(missingOfParsed(quote, "quote")).toEqual([]);
    expect(missingOfParsed(parseEnclaveReport(quote.qeReport), "quote.qeReport")).toEqual([]);
    expect(missingOfParsed(parseGpuReport(decodeBase64(gpus[0]!.report)), "report")).toEqual([]);
    const newer = parseGpuReport(decodeBase64(machines.newer.evidence.gpus[0]!.report));
    expect(missingOfParsed(newer, "report")).toEqual([]);
    const ofSwitch = parseSwitchReport(decodeBase64(machines.board.evidence.switches[0]!.report));
    expect(missingOfParsed(ofSwitch, "switch")).toEqual([]);
    expect(missingOfParsed(parseOcspResponse(decodeBase64(gpus[0]!.ocsp[0]!)), "ocsp")).toEqual([]);
    expect(missingOfParsed(parseCcel(decodeBase64(tdx.eventLog!.data)), "ccel")).toEqual([]);
  });
});

const casesOf = (kind: string) => (haveRealData ? readdirSync(realDataPath(`evidence/${kind}`)).sort() : []);
const filesOf = (kind: string, pattern: RegExp) =>
  casesOf(kind).flatMap((name) =>
    readdirSync(realDataPath(`evidence/${kind}/${name}`))
      .filter((file) => pattern.test(file))
      .map((file) => `evidence/${kind}/${name}/${file}`),
  );

describeReal("every field of a real file is in the table", () => {
  it.each(filesOf("tdx", /^quote\.bin$/))("quote and PCK certificate: %s", (path) => {
    const bytes = realData(path);
    const fields = fieldsOf.fieldsOfQuote(bytes);
    expect(tile(fields, bytes.length)).toBe(true);
    expect(missing(fields.map(({ name }) => name))).toEqual([]);
    const quote = parseTdxQuote(bytes);
    expect(missingOfParsed(quote, "quote")).toEqual([]);
    expect(missingOfParsed(parseEnclaveReport(quote.qeReport), "quote.qeReport")).toEqual([]);
    const [pck] = parsePemCertificates(quote.pckChainPem, 8, 1);
    const extension = sgxExtensionOf(pck!);
    expect(missing(fieldsOf.fieldsOfSgxExtension(extension).map(({ name }) => name))).toEqual([]);
    expect(missingOfParsed(parseSgxExtension(extension), "pck")).toEqual([]);
  });

  it.each(filesOf("tdx", /^collateral\.json$/))("TCB Info and QE identity: %s", (path) => {
    const { tcbInfo, qeIdentity } = realJson<TdxCollateral>(path);
    expect(missing(fieldsOf.namesOfJson(tcbInfo, "tcbInfo"))).toEqual([]);
    expect(missing(fieldsOf.namesOfJson(qeIdentity, "qeIdentity"))).toEqual([]);
    expect(missingOfParsed(parseTcbInfo(tcbInfo), "tcbInfo")).toEqual([]);
    expect(missingOfParsed(parseQeIdentity(qeIdentity), "qeIdentity")).toEqual([]);
  });

  it.each(filesOf("nvidia", /^report\.bin$/))("GPU report: %s", (path) => {
    const bytes = realData(path);
    const fields = fieldsOf.fieldsOfReport(bytes);
    expect(tile(fields, bytes.length)).toBe(true);
    expect(missing(fields.map(({ name }) => name))).toEqual([]);
    expect(missingOfParsed(parseGpuReport(bytes), "report")).toEqual([]);
  });

  it.each(filesOf("nvidia", /\.xml$/))("RIM: %s", async (path) => {
    const bytes = realData(path);
    expect(missing(fieldsOf.namesOfRim(bytes))).toEqual([]);
    const { rim } = await verifyRim(bytes, { now: new Date("2024-06-01T00:00:00Z") });
    if (rim !== null) expect(missingOfParsed(rim, "rim")).toEqual([]);
  });

  it.each(filesOf("tdx", /^ccel\.bin$/))("CCEL: %s", (path) => {
    const bytes = realData(path);
    const fields = fieldsOf.fieldsOfCcel(bytes);
    expect(tile(fields, bytes.length)).toBe(true);
    expect(missing(fields.map(({ name }) => name))).toEqual([]);
    expect(missingOfParsed(parseCcel(bytes), "ccel")).toEqual([]);
  });

  // No real OCSP answer and no real RA-TLS certificate with this project's evidence is published.
  it("a field that no table knows is found", () => {
    expect(missing(fieldsOf.namesOfJson('{"id":"TDX","secret":1}', "tcbInfo"))).toEqual(["tcbInfo.secret"]);
  });
});
