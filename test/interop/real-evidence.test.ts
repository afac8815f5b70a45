// Every case of real evidence through the commands that a user would run, with the outcome of its expected.json.
import { existsSync, readdirSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import type { Check } from "../../src/verifier/check-list.ts";
import { describeReal, haveRealData, realDataPath, realJson } from "../support/real-data.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";

/** Our check for each reason that the cases give. */
const CHECK_OF_REASON: Record<string, string> = {
  "no-matching-tcb-level": "tdx.tcb.level",
  "tcb-out-of-date": "tdx.policy.tcb-status",
  "tdx-module-out-of-date": "tdx.policy.tcb-status",
  "debug-enabled": "tdx.policy.debug",
  "service-td-not-zero": "tdx.policy.service-td",
  "report-signature-invalid": "gpu.report.signature",
  "fwid-mismatch": "gpu.fwid",
  "certificate-chain-broken": "gpu.chain",
  "rim-signature-invalid": "rim.signature",
  "rim-chain-untrusted": "rim.chain.root",
  "claims-unsigned": "gpu.report.format",
  "rim-measurement-mismatch": "gpu.measurements",
};

interface Judged {
  accepted: boolean;
  reason: string | null;
  checks: Check[];
}

interface JudgedTdx extends Judged {
  tcbStatus: string | null;
  body: Record<string, string | null>;
}

interface JudgedGpu extends Judged {
  driverVersion: string | null;
  vbiosVersion: string | null;
  fwid: string | null;
  rimMatch: { matched: number; compared: number } | null;
}

interface Expected extends Record<string, unknown> {
  asOf: string;
  reject: string | null;
  alsoReject: string[];
}

const folder = (kind: string, name = "") => realDataPath(`evidence/${kind}/${name}`);
const casesOf = (kind: string) => (haveRealData ? readdirSync(folder(kind)).sort() : []);

const table: string[][] = [["case", "expected", "got", "ms"]];
afterAll(() => {
  if (!haveRealData) return;
  const widths = [0, 1, 2, 3].map((i) => Math.max(...table.map((line) => line[i]?.length ?? 0)));
  console.log(table.map((line) => line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")).join("\n"));
});

/** Runs the command, checks that exit code and answer agree, and takes the line of the table. */
async function judge<T extends Judged>(label: string, expected: string | null, args: string[]): Promise<T> {
  const start = performance.now();
  const run: CliRun = await runCli([...args, "--json"]);
  const ms = (performance.now() - start).toFixed(1);
  const judged = run.json<T>();
  const failed = failedOf(judged).join(", ");
  table.push([label, expected ?? "accepted", judged.accepted ? "accepted" : `rejected: ${failed}`, ms]);
  expect(run.exitCode).toBe(judged.accepted ? 0 : 1);
  expect(judged.reason === null).toBe(judged.accepted);
  return judged;
}

const failedOf = ({ checks }: Judged) =>
  checks.filter(({ outcome }) => outcome === "fail").map(({ id }) => id);
const reasonsOf = ({ reject, alsoReject }: Pick<Expected, "reject" | "alsoReject">) =>
  [reject, ...alsoReject].flatMap((reason) => (reason === null ? [] : [CHECK_OF_REASON[reason] ?? reason]));

interface ExpectedTdx extends Expected {
  result: string;
  eventLog: { file: string } | null;
  collateralValid: { from: string; until: string };
}

function tdxArguments(name: string, asOf: string): string[] {
  const { eventLog } = realJson<ExpectedTdx>(`evidence/tdx/${name}/expected.json`);
  const files = [
    "--quote",
    folder("tdx", `${name}/quote.bin`),
    "--collateral",
    folder("tdx", `${name}/collateral.json`),
  ];
  const log = eventLog === null ? [] : ["--event-log", folder("tdx", `${name}/${eventLog.file}`)];
  return ["evidence", "tdx", ...files, ...log, "--as-of", asOf];
}

describeReal("touchstone evidence tdx on real quotes", () => {
  it.each(casesOf("tdx"))("%s: as expected", async (name) => {
    const expected = realJson<ExpectedTdx>(`evidence/tdx/${name}/expected.json`);
    const judged = await judge<JudgedTdx>(name, expected.reject, tdxArguments(name, expected.asOf));
    const consequence = expected.result === "NoMatchingTcbLevel" ? ["tdx.policy.tcb-status"] : [];
    expect(new Set(failedOf(judged))).toEqual(new Set([...reasonsOf(expected), ...consequence]));
    expect(judged.tcbStatus).toBe(expected.result);
    for (const [field, value] of Object.entries(judged.body)) expect(value, field).toBe(expected[field]);
  });

  it.each(casesOf("tdx"))("%s: refused a second outside the window of its collateral", async (name) => {
    const { collateralValid } = realJson<ExpectedTdx>(`evidence/tdx/${name}/expected.json`);
    const times = {
      before: Date.parse(collateralValid.from) - 1000,
      after: Date.parse(collateralValid.until) + 1000,
    };
    for (const [when, time] of Object.entries(times)) {
      const args = tdxArguments(name, new Date(time).toISOString());
      const judged = await judge<JudgedTdx>(`${name}, ${when}`, "collateral not valid", args);
      expect(failedOf(judged)).toContain("tdx.collateral.window");
    }
  });
});

interface ExpectedGpu extends Expected {
  requestNonce: string | null;
  driverVersion: string | null;
  vbiosVersion: string | null;
  fwid: string | null;
  rimMatch: string | null;
  rims?: Array<{ file: string; reject: string | null; match?: string }>;
}

function gpuArguments(name: string, rims: readonly string[]): string[] {
  const { asOf, requestNonce } = realJson<ExpectedGpu>(`evidence/nvidia/${name}/expected.json`);
  const file = (path: string) => folder("nvidia", `${name}/${path}`);
  const claims = existsSync(file("claims.json"))
    ? ["--report", file("claims.json"), "--chain", file("claims.json")]
    : [];
  const report = existsSync(file("report.bin"))
    ? ["--report", file("report.bin"), "--chain", file("cert-chain.pem"), "--nonce", requestNonce ?? ""]
    : claims;
  return ["evidence", "nvidia", ...report, ...rims.flatMap((rim) => ["--rim", file(rim)]), "--as-of", asOf];
}

const rimsOf = (name: string) => realJson<ExpectedGpu>(`evidence/nvidia/${name}/expected.json`).rims ?? [];
const matchOf = ({ rimMatch }: JudgedGpu) =>
  rimMatch === null ? null : `${rimMatch.matched}/${rimMatch.compared}`;

describeReal("touchstone evidence nvidia on real reports and RIMs", () => {
  it.each(casesOf("nvidia"))("%s: as expected", async (name) => {
    const expected = realJson<ExpectedGpu>(`evidence/nvidia/${name}/expected.json`);
    const good = rimsOf(name).filter(({ file }) => !/other-values|bad-signature/.test(file));
    const judged = await judge<JudgedGpu>(
      name,
      expected.reject,
      gpuArguments(
        name,
        good.map(({ file }) => file),
      ),
    );
    for (const id of reasonsOf(expected)) expect(failedOf(judged)).toContain(id);
    expect(judged.accepted).toBe(expected.reject === null);
    expect(matchOf(judged)).toBe(expected.rimMatch);
    if (expected.reject === "claims-unsigned") return;
    const { driverVersion, vbiosVersion, fwid } = expected;
    expect(judged).toMatchObject({ driverVersion, vbiosVersion, fwid });
  });

  const badRims = casesOf("nvidia").flatMap((name) =>
    rimsOf(name).flatMap(({ file, reject, match }) =>
      /other-values|bad-signature/.test(file) ? [{ name, file, reject, match: match ?? null }] : [],
    ),
  );
  it.each(badRims)("$name with $file: refused", async ({ name, file, reject, match }) => {
    const judged = await judge<JudgedGpu>(
      `${name} with ${file}`,
      reject ?? match,
      gpuArguments(name, [file]),
    );
    expect(judged.accepted).toBe(false);
    if (match !== null) expect(matchOf(judged)).toBe(match);
    expect(failedOf(judged)).toEqual([CHECK_OF_REASON[reject ?? ""]]);
  });

  it("refuses a report that answers another nonce", async () => {
    const args = gpuArguments("hopper-545.00-match", []);
    args[args.indexOf("--nonce") + 1] = "00".repeat(32);
    const judged = await judge<JudgedGpu>("hopper-545.00-match, other nonce", "nonce differs", args);
    expect(failedOf(judged)).toEqual(["gpu.nonce"]);
  });
});
