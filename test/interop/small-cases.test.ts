// Small cases of CPU and GPU evidence, each in one thing as some real machine, driver or tool makes it: through the command, or the check,
// that judges it. The same properties are shown on made-up data beside the code; a test there has the case's name.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import type { Check } from "../../src/verifier/check-list.ts";
import { type EvidenceDocument, parseEvidence } from "../../src/verifier/evidence.ts";
import { requireGpuNotRevoked } from "../../src/verifier/nvidia/revocation.ts";
import { verifyGpuReport } from "../../src/verifier/nvidia/verify-report.ts";
import { parsePemCertificates, pemTextOf } from "../../src/verifier/x509/pem.ts";
import { describeReal, haveRealData, realDataPath, realJson } from "../support/real-data.ts";
import { runCli } from "../support/run-cli.ts";

const NOVEMBER = "2026-11-20T12:00:00Z";
const JULY = "2026-07-01T12:00:00Z";
const file = (name: string, path: string) => realDataPath(`evidence/cases/${name}/${path}`);

interface Judged {
  readonly accepted: boolean;
  readonly reason: string | null;
  readonly warnings: readonly string[];
  readonly checks: readonly Check[];
}

const table: string[][] = [];
afterAll(() => {
  if (haveRealData) console.table(table.map(([name, expected, got]) => ({ case: name, expected, got })));
});

async function judge(name: string, expected: string, args: readonly string[]): Promise<Judged> {
  const run = await runCli(["evidence", ...args, "--json"]);
  const judged = run.json<Judged>();
  table.push([name, expected, judged.accepted ? "ACCEPTED" : `REJECTED: ${judged.reason}`]);
  expect(run.exitCode).toBe(judged.accepted ? 0 : 1);
  return judged;
}

function tdx(name: string, asOf: string, eventLog?: string): string[] {
  const log = eventLog === undefined ? [] : ["--event-log", eventLog];
  const quote = ["--quote", file(name, "quote.bin"), "--collateral", file(name, "collateral.json")];
  return ["tdx", ...quote, ...log, "--as-of", asOf, "--intel-root", file(name, "intel-root.pem")];
}

function nvidia(name: string): string[] {
  const gpu = ["--report", file(name, "report.bin"), "--chain", file(name, "chain.pem")];
  const root = ["--nvidia-root", file(name, "nvidia-root.pem")];
  return ["nvidia", ...gpu, "--nonce", "09".repeat(32), "--as-of", NOVEMBER, ...root];
}

const detailOf = ({ checks }: Judged, id: string) => checks.find((check) => check.id === id)?.detail;

describeReal("small cases that are accepted", () => {
  it.each<[name: string, log: string | null, asOf: string, id: string, detail: string]>([
    ["ccel-one-mebibyte", "ccel.bin", NOVEMBER, "tdx.event-log", "replays to rtmr0, rtmr1, rtmr2"],
    [
      "dstack-log-stripped-digests",
      "event-log.json",
      NOVEMBER,
      "tdx.event-log",
      "replays to rtmr0, rtmr1, rtmr2, rtmr3",
    ],
    ["pck-chain-two-nuls", null, JULY, "tdx.pck.chain", "2 characters outside the certificates"],
    [
      "quote-v5-body-type-4",
      null,
      JULY,
      "tdx.quote.format",
      "version 5, TDX 1.5-extended body, 0 unsigned bytes after it",
    ],
  ])("%s", async (name, log, asOf, id, detail) => {
    const judged = await judge(name, "ACCEPTED", tdx(name, asOf, log === null ? undefined : file(name, log)));
    expect(judged.reason).toBeNull();
    expect(detailOf(judged, id)).toBe(detail);
  });

  it.each([
    ["td-attributes-migratable", JULY, /^MIGRATABLE is on/],
    ["tdx-sept-ve-disable-off", NOVEMBER, /^SEPT_VE_DISABLE is off/],
  ])("%s is warned of", async (name, asOf, warning) => {
    const { warnings } = await judge(name, "ACCEPTED, with a warning", tdx(name, asOf));
    expect(warnings).toContainEqual(expect.stringMatching(warning));
  });

  it("dstack-log-stripped-digests with one byte of a payload changed is not", async () => {
    const name = "dstack-log-stripped-digests";
    const log = readFileSync(file(name, "event-log.json"), "utf8");
    const changed = join(mkdtempSync(join(tmpdir(), "touchstone-cases-")), "event-log.json");
    writeFileSync(changed, log.replace('"event_payload":"aabb"', '"event_payload":"aabc"'));
    const judged = await judge(`${name}, changed`, "REJECTED", tdx(name, NOVEMBER, changed));
    expect(judged.reason).toBe("tdx.event-log: does not replay to the quoted rtmr3");
    rmSync(dirname(changed), { recursive: true });
  });

  it.each([
    ["gpu-chain-five-nuls", "gpu.chain.format", "5 characters outside the certificates"],
    ["gpu-report-one-trailing-nul", "gpu.report.format", "1 zero bytes after the signature"],
  ])("%s", async (name, id, detail) => {
    const judged = await judge(name, "ACCEPTED", nvidia(name));
    expect(judged.reason).toBeNull();
    expect(detailOf(judged, id)).toBe(detail);
  });

  it("ocsp-unauthorized-for-the-leaf", async () => {
    const name = "ocsp-unauthorized-for-the-leaf";
    // The case was written before evidence had switches.
    const written = realJson<EvidenceDocument>(`evidence/cases/${name}/evidence.json`);
    const claims = { ...written.claims, mode: "single", switches: [] };
    const { gpus } = parseEvidence(utf8(JSON.stringify({ ...written, switches: [], claims })));
    const [pinned] = parsePemCertificates(pemTextOf(readFileSync(file(name, "nvidia-root.pem"))), 1);
    const options = { now: new Date(NOVEMBER), root: pinned!.der };
    const { chain } = await verifyGpuReport(gpus[0]!, { ...options, nonce: null });
    const { found } = await requireGpuNotRevoked(chain!, gpus[0]!, { ...options, mode: "ocsp-stapled" });
    table.push([name, "gpu.revocation pass", found]);
    expect(found).toBe("3 certificates good by ocsp-stapled; 1 of 4 stapled answers settle nothing");
  });
});

describeReal("small cases that are refused", () => {
  it.each<[name: string, log: string | null, asOf: string, reason: string]>([
    [
      "event-log-without-rtmr2",
      "event-log.json",
      NOVEMBER,
      "tdx.event-log: leaves out every event of rtmr2, which the quote has",
    ],
    [
      "crl-without-aki-and-number",
      null,
      JULY,
      "tdx.crl.root: CRL: authority key identifier or CRL number is missing",
    ],
    ["pck-without-basic-constraints", null, JULY, "tdx.pck.chain: "],
    [
      "tcb-info-svn-as-float",
      null,
      JULY,
      "tdx.tcb-info.format: TCB Info: 0.0 is not written as a whole number",
    ],
    [
      "tdx-quote-as-hex-text",
      null,
      NOVEMBER,
      "tdx.quote.format: TDX quote: version 13360 is not supported, expected 4 or 5: it looks like hex text, decode it",
    ],
    [
      "collateral-snake-case",
      null,
      NOVEMBER,
      "tdx.collateral.format: TDX collateral: the names are in snake_case; write tcbInfo, tcbInfoSignature, ",
    ],
  ])("%s", async (name, log, asOf, reason) => {
    const judged = await judge(name, "REJECTED", tdx(name, asOf, log === null ? undefined : file(name, log)));
    expect(judged.accepted).toBe(false);
    expect(judged.reason?.slice(0, reason.length)).toBe(reason);
  });
});
