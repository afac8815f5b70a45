// touchstone evidence assemble: from the form of each tool to evidence that a verifier trusts, and what is said of everything else.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../src/protocol/cryptography/hash.ts";
import { decodeBase64, encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { decodeHex, encodeHex } from "../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { type Machine, makeDstackLog, makeOcspError } from "../../src/testing/index.ts";
import { appraiseEvidence } from "../../src/verifier/appraisal/appraise.ts";
import { parseEvidence } from "../../src/verifier/evidence.ts";
import { failedIds, machineOf, makeWorld, optionsFor, type World } from "../support/appraisal-world.ts";
import { describeReal, realData, realDataPath } from "../support/real-data.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";
import { asCurlWrites, asDcapQvlWrites, asPem, pccsAnswers } from "../support/vendor-answers.ts";
import { contrastEvidence } from "../verifier/ra-tls/containers.ts";

let folder: string;
let machine: Machine;
let world: World;
const at = (name: string) => join(folder, name);

const FMSPC = "90c06f000000";
const NONCE = "00".repeat(32);

/** Writes files, and gives their paths. */
function write(files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) writeFileSync(at(name), content);
}

const PLAIN = {
  quote: "quote.bin",
  collateral: ["collateral.json"],
  log: "ccel.bin",
  devices: ["gpus.json"],
  revocation: ["answers"],
};

function assemble(change: Partial<typeof PLAIN>, more: readonly string[] = []): Promise<CliRun> {
  const { quote, collateral, log, devices, revocation } = { ...PLAIN, ...change };
  const each = (option: string, names: readonly string[]) => names.flatMap((name) => [option, at(name)]);
  return runCli([
    ...["evidence", "assemble", "--quote", at(quote), "--cc-mode", "on"],
    ...["--nonce", encodeHex(machine.nonce), "-o", at("evidence.json")],
    ...(log === "" ? [] : ["--event-log", at(log)]),
    ...each("--collateral", collateral),
    ...each("--devices", devices),
    ...each("--revocation", revocation),
    ...more,
  ]);
}

async function verdictOf(run: CliRun) {
  expect(run.warnings).toBe("");
  const evidence = new Uint8Array(readFileSync(at("evidence.json")));
  return failedIds(await appraiseEvidence(world.verified, evidence, optionsFor(machine)));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-assemble-"));
  machine = await machineOf({ gpus: [{}, {}] });
  world = await makeWorld(machine);
  const { tdx, gpus } = machine.evidence;
  const quote = decodeBase64(tdx.quote);
  const ccel = decodeBase64(tdx.eventLog?.data ?? "");
  const devices = gpus.map(({ report, chain }) => ({
    arch: "HOPPER",
    certificate: encodeBase64(utf8(chain)),
    driver_version: "580.95.05",
    evidence: report,
    nonce: "00",
    vbios_version: "96.00.CF.00.01",
    version: "1.0",
  }));
  const [pck = ""] = /-----BEGIN[\s\S]*/.exec(Buffer.from(quote).toString("latin1")) ?? [];
  write({
    "quote.bin": quote,
    "quote-padded.bin": Buffer.concat([quote, Buffer.alloc(8000 - quote.length)]),
    "quote.hex": `0x${encodeHex(quote)}\n`,
    "quote-lines.hex": encodeHex(quote)
      .toUpperCase()
      .replace(/(.{60})/g, "$1\n"),
    "quote.b64": tdx.quote.replace(/(.{76})/g, "$1\n"),
    "quote.pb": contrastEvidence(quote),
    "dstack.json": JSON.stringify({
      quote: encodeHex(quote),
      event_log: Buffer.from(makeDstackLog(machine.events)).toString(),
      vm_config: "{}",
    }),
    "trustee.json": JSON.stringify({ cc_eventlog: encodeBase64(ccel), quote: tdx.quote }),
    "ccel.bin": ccel,
    "ccel-area.bin": Buffer.concat([ccel, Buffer.alloc(65_536, 0xff)]),
    "event-log.json": makeDstackLog(machine.events),
    "collateral.json": JSON.stringify(tdx.collateral),
    "dcap-qvl.json": asDcapQvlWrites(tdx.collateral, pck),
    "gpus.json": JSON.stringify(devices),
    "nvattest.json": JSON.stringify({ evidences: devices, result_code: 0, result_message: "Ok" }),
    "nras.json": JSON.stringify({ nonce: "00", arch: "HOPPER", evidence_list: devices }),
    "gpu-0.json": JSON.stringify(devices.slice(0, 1)),
    "gpu-1.json": JSON.stringify(devices.slice(1)),
    "switches.json": JSON.stringify(devices.map((device) => ({ ...device, arch: "LS10" }))),
  });
  for (const name of ["answers", "pccs", "pccs-split"]) mkdirSync(at(name));
  [...new Set(gpus.flatMap(({ ocsp }) => ocsp))].forEach((answer, i) => {
    writeFileSync(at(`answers/${i}.der`), i % 2 === 0 ? decodeBase64(answer) : `${answer}\n`);
  });
  for (const [i, answer] of pccsAnswers(tdx.collateral, FMSPC).entries()) {
    writeFileSync(at(`pccs/${i}`), asCurlWrites(answer));
    writeFileSync(at(`pccs-split/${i}.body`), answer.body);
    writeFileSync(at(`pccs-split/${i}.header`), asCurlWrites({ ...answer, body: "" }));
  }
  rmSync(at("pccs-split/3.header"));
  writeFileSync(at("pccs-split/2.body"), asPem("X509 CRL", decodeHex(tdx.collateral.pckCrl)));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe("the form of each tool becomes evidence that is trusted", () => {
  it.each([
    ["configfs-tsm's outblob, the CCEL area cut to its events, collateral.json", {}],
    ["a quote with a cloud's padding", { quote: "quote-padded.bin" }],
    ["a quote as hex with 0x", { quote: "quote.hex" }],
    ["a quote as hex in lines", { quote: "quote-lines.hex" }],
    ["a quote as base64 in lines", { quote: "quote.b64" }],
    ["go-tdx-guest's protobuf", { quote: "quote.pb" }],
    ["dstack's JSON, with its event log", { quote: "dstack.json", log: "" }],
    ["Trustee's JSON, with its CCEL", { quote: "trustee.json", log: "" }],
    ["the whole area of the firmware's log", { log: "ccel-area.bin" }],
    ["dstack's event log", { log: "event-log.json" }],
    ["no event log", { log: "" }],
    ["dcap-qvl's collateral", { collateral: ["dcap-qvl.json"] }],
    ["answers of a PCCS as curl -i saved them", { collateral: ["pccs"] }],
    ["answers of a PCCS, bodies and headers apart, one CRL in PEM", { collateral: ["pccs-split"] }],
    ["the output of nvattest", { devices: ["nvattest.json"] }],
    ["a request to NRAS", { devices: ["nras.json"] }],
    ["a file for each GPU", { devices: ["gpu-0.json", "gpu-1.json"] }],
  ])("%s", async (_, change) => {
    expect(await verdictOf(await assemble(change))).toEqual([]);
  });

  it("each GPU is shown with the newest answer about each of its certificates, and no other", async () => {
    await assemble({});
    const { gpus } = parseEvidence(new Uint8Array(readFileSync(at("evidence.json"))));
    expect(gpus.map(({ ocsp }) => ocsp.length)).toEqual([3, 3]);
  });

  it("NVSwitches are shown and claimed as such, in the order of their file", async () => {
    const run = await assemble({ devices: ["switches.json", "gpus.json"] }, [
      "--gpu-mode",
      "ppcie",
      "--json",
    ]);
    expect(run.json()).toMatchObject({ gpus: 2, switches: 2 });
    const { gpus, switches, claims } = parseEvidence(new Uint8Array(readFileSync(at("evidence.json"))));
    const digests = (shown: typeof gpus) => shown.map(({ report }) => encodeHex(sha256(report)));
    expect(claims).toEqual({
      ccMode: "on",
      devtools: false,
      mode: "ppcie",
      reports: digests(gpus),
      switches: digests(switches),
    });
  });

  it("says in JSON what is in it", async () => {
    const run = await assemble({}, ["--json"]);
    expect(run.json()).toMatchObject({ gpus: 2, switches: 0, eventLog: "ccel" });
  });
});

describe("what is something else is named, with what to do", () => {
  const broken: ReadonlyArray<
    readonly [
      what: string,
      change: Partial<typeof PLAIN>,
      files: Record<string, string | Uint8Array>,
      words: RegExp,
    ]
  > = [
    ["a text protobuf", { quote: "q" }, { q: "header: {\n version: 4\n}\n" }, /q: .*-outform bin/],
    ["JSON without a quote", { quote: "q" }, { q: '{"report":"00"}' }, /no member "quote".*"report"/],
    ["a certificate for a quote", { quote: "q" }, { q: asPem("CERTIFICATE", new Uint8Array(99)) }, /PEM/],
    ["the CCEL table for the log", { log: "l" }, { l: utf8("CCEL\x38\0\0\0") }, /tables\/data\/CCEL/],
    [
      "a tcbInfo that went through jq",
      { collateral: ["c"] },
      { c: '{"tcbInfo": {"id": "TDX"}, "signature": "00"}' },
      /not through jq/,
    ],
    ["a web page for collateral", { collateral: ["c"] }, { c: "<!DOCTYPE html><html></html>" }, /HTML page/],
    ["half a PCCS", { collateral: ["pccs/0"] }, {}, /qe\/identity/],
    [
      "the failed run of nvattest",
      { devices: ["d"] },
      { d: '{"evidences":[],"result_code":7,"result_message":"no GPU"}' },
      /failed with 7, no GPU/,
    ],
    ["no device", { devices: ["d"] }, { d: "[]" }, /lists no device/],
    [
      "a CMW collection",
      { devices: ["d"] },
      { d: '{"__cmwc_t":"tag:nvidia.com,2026:x"}' },
      /CMW collection.*nvattest collect-evidence/,
    ],
    [
      "a chip of another year",
      { devices: ["d"] },
      { d: '[{"arch":"FEYNMAN","certificate":"","evidence":"EeAB"}]' },
      /"FEYNMAN" is not known/,
    ],
    [
      "a report in hex",
      { devices: ["d"] },
      {
        d: JSON.stringify([
          { arch: "HOPPER", certificate: "", evidence: encodeBase64(utf8("11e001ff".repeat(8))) },
        ]),
      },
      /hex text/,
    ],
    ["a responder that refused", { revocation: ["r"] }, { r: makeOcspError(6) }, /r: .*"unauthorized"/],
    [
      "a note for an OCSP answer",
      { revocation: ["r"] },
      { r: "see wiki" },
      /r: .*text that begins "see wiki"/,
    ],
  ];

  it.each(broken)("%s", async (_, change, files, words) => {
    write(files);
    const { exitCode, warnings } = await assemble(change);
    expect(warnings).toMatch(words);
    expect(exitCode).toBe(2);
  });

  it("GPUs without the guest's word on their mode", async () => {
    const { exitCode, warnings } = await runCli([
      ...["evidence", "assemble", "--quote", at("quote.bin"), "--collateral", at("collateral.json")],
      ...["--devices", at("gpus.json"), "--nonce", NONCE, "-o", at("evidence.json")],
    ]);
    expect(exitCode).toBe(2);
    expect(warnings).toContain("--cc-mode");
  });
});

describeReal("real quotes, logs and collateral", () => {
  const real = (name: string) => realDataPath(`evidence/tdx/${name}`);

  it.each([
    ["cos-113-v4-ccel-outofdate", "ccel.bin"],
    ["dstack-v4-event-log", "event-log.json"],
    ["dcap-qvl-v4-uptodate", null],
    ["go-tdx-guest-v5-uptodate", null],
  ])("%s", async (name, log) => {
    const run = await runCli([
      ...["evidence", "assemble", "--quote", `${real(name)}/quote.bin`],
      ...["--collateral", `${real(name)}/collateral.json`],
      ...(log === null ? [] : ["--event-log", `${real(name)}/${log}`]),
      ...["--nonce", NONCE, "-o", at("real.json")],
    ]);
    expect(run.warnings).toBe("");
    const { tdx } = parseEvidence(new Uint8Array(readFileSync(at("real.json"))));
    const quote = realData(`evidence/tdx/${name}/quote.bin`);
    expect(tdx.quote).toEqual(quote.subarray(0, tdx.quote.length));
  });
});
