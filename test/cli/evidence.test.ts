// touchstone evidence on made-up machines: what each command prints, and that hostile files are answered with "no", never with a stack.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { type Machine, makeRim, makeRimAuthority, tamper } from "../../src/testing/index.ts";
import { gpuRequestNonce } from "../../src/verifier/ra-tls/own-binding.ts";
import { machineOf } from "../support/appraisal-world.ts";
import { NOW } from "../support/clock.ts";
import { runCli } from "../support/run-cli.ts";

let folder: string;
let good: Machine;
const path = (name: string) => join(folder, name);
const put = (name: string, content: string | Uint8Array) => {
  writeFileSync(path(name), content);
  return path(name);
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-evidence-"));
  good = await machineOf();
  put("intel.der", good.roots.intel);
  put("nvidia.der", good.roots.nvidia);
});
afterAll(() => rmSync(folder, { recursive: true }));

const AS_OF = ["--as-of", NOW.toISOString()];

function tdx({ evidence }: Machine, ...more: string[]) {
  const { quote, collateral, eventLog } = evidence.tdx;
  const log = eventLog === undefined ? [] : ["--event-log", put("log", decodeBase64(eventLog.data))];
  const files = [
    "--quote",
    put("quote", decodeBase64(quote)),
    "--collateral",
    put("collateral", JSON.stringify(collateral)),
  ];
  return runCli(["evidence", "tdx", ...files, ...log, "--intel-root", path("intel.der"), ...AS_OF, ...more]);
}

function nvidia({ evidence }: Machine, ...more: string[]) {
  const { report, chain } = evidence.gpus[0]!;
  const files = ["--report", put("report", decodeBase64(report)), "--chain", put("chain", chain)];
  return runCli(["evidence", "nvidia", ...files, "--nvidia-root", path("nvidia.der"), ...AS_OF, ...more]);
}

const failedOf = (judged: { checks: { id: string; outcome: string }[] }) =>
  judged.checks.filter(({ outcome }) => outcome === "fail").map(({ id }) => id);

interface Judged {
  accepted: boolean;
  reason: string | null;
  checks: { id: string; outcome: string }[];
}

describe("touchstone evidence tdx", () => {
  test("a good quote: exit 0 and exactly the members that the interface promises", async () => {
    const run = await tdx(good, "--json");
    expect(run.exitCode).toBe(0);
    const judged = run.json<Judged & { body: Record<string, string> }>();
    expect(Object.keys(judged)).toEqual([
      "accepted",
      "tcbStatus",
      "reason",
      "warnings",
      "notCompared",
      "body",
      "extended",
      "checks",
    ]);
    expect(judged).toMatchObject({ accepted: true, tcbStatus: "UpToDate", reason: null });
    expect(judged.body.mrtd).toBe(encodeHex(good.body.mrTd));
    expect(judged.checks.at(-1)).toMatchObject({
      id: "tdx.event-log",
      detail: "replays to rtmr0, rtmr1, rtmr2",
    });
  });

  test.each([
    ["debug-td", "tdx.policy.debug", "UpToDate"],
    ["tcb-out-of-date", "tdx.policy.tcb-status", "OutOfDate"],
    ["quote-edited", "tdx.quote.signature", "UpToDate"],
    ["crl-garbage", "tdx.crl.root", null],
    ["service-td", "tdx.policy.service-td", "UpToDate"],
  ] as const)("%s: exit 1 by %s", async (name, id, tcbStatus) => {
    const run = await tdx(await tamper(good, name), "--json");
    expect(run.exitCode).toBe(1);
    const judged = run.json<Judged>();
    expect(judged).toMatchObject({ accepted: false, tcbStatus, reason: expect.stringMatching(`^${id}: `) });
    expect(failedOf(judged)).toEqual([id]);
  });

  test("an event log of another boot: exit 1, and which register it misses", async () => {
    const other = await machineOf({ events: [] });
    const { eventLog } = good.evidence.tdx;
    const mixed = {
      ...other,
      evidence: { ...other.evidence, tdx: { ...other.evidence.tdx, eventLog: eventLog! } },
    };
    const judged = (await tdx(mixed, "--json")).json<Judged>();
    expect(judged.reason).toBe("tdx.event-log: does not replay to the quoted rtmr0, rtmr1, rtmr2");
  });

  test.each([["quote"], ["collateral"], ["event-log"]])(
    "a %s of garbage: exit 1, said by a check",
    async (which) => {
      await tdx(good);
      const garbage = put("garbage", new Uint8Array(200).fill(0xfe));
      const file = (name: string, own: string) => [`--${name}`, name === which ? garbage : path(own)];
      const files = [
        ...file("quote", "quote"),
        ...file("collateral", "collateral"),
        ...file("event-log", "log"),
      ];
      const run = await runCli([
        "evidence",
        "tdx",
        ...files,
        "--intel-root",
        path("intel.der"),
        ...AS_OF,
        "--json",
      ]);
      expect(run.exitCode).toBe(1);
      expect(failedOf(run.json<Judged>())).toEqual([
        which === "event-log" ? "tdx.event-log" : `tdx.${which}.format`,
      ]);
    },
  );

  test.each([
    ["sept-ve-disable-off", /^SEPT_VE_DISABLE is off/],
    ["td-migratable", /^MIGRATABLE is on/],
  ] as const)("%s: accepted as genuine, with a warning", async (name, warning) => {
    const weak = await tamper(good, name);
    const { accepted, warnings } = (await tdx(weak, "--json")).json<Judged & { warnings: string[] }>();
    expect(accepted).toBe(true);
    expect(warnings).toEqual([
      expect.stringMatching(warning),
      expect.stringMatching(/^MRSERVICETD is not shown/),
    ]);
    const { output } = await tdx(weak);
    expect(output).toMatch(/^ACCEPTED as genuine; not compared: MRTD, RTMR0 to RTMR3, /);
    expect(output).toContain(`\nwarnings\n  ${warnings[0]}\n`);
  });

  test("for people: the answer, the fields, what failed", async () => {
    const run = await tdx(await tamper(good, "debug-td"));
    expect(run.output).toContain("REJECTED\n\n  TCB status      UpToDate\n");
    expect(run.output).toContain(
      "tdx.policy.debug: the host can read the memory of a debug TD\n    expected  TD_ATTRIBUTES bits 0 to 7 zero\n",
    );
  });
});

describe("touchstone evidence nvidia", () => {
  const rims = async (change: { version?: string } = {}) => {
    const validity = { notBefore: new Date(NOW.getTime() - 1e9), notAfter: new Date(NOW.getTime() + 1e9) };
    const authority = await makeRimAuthority(validity);
    put("rim.der", authority.root.der);
    const { driverVersion, vbiosVersion, goldenTables } = good.gpus[0]!;
    const driver = await makeRim(
      { product: "GH100", version: change.version ?? driverVersion, table: goldenTables.driver },
      authority,
    );
    const vbios = await makeRim(
      { product: "GH100", version: vbiosVersion, table: goldenTables.vbios },
      authority,
    );
    return [
      "--rim",
      put("driver.xml", driver),
      "--rim",
      put("vbios.xml", vbios),
      "--rim-root",
      path("rim.der"),
    ];
  };

  test("a good report with its RIMs: exit 0 and exactly the members that the interface promises", async () => {
    const nonce = encodeHex(gpuRequestNonce(good.channel.spki, good.nonce));
    const run = await nvidia(good, ...(await rims()), "--nonce", nonce, "--json");
    const judged = run.json<Judged & { rimMatch: { matched: number; compared: number } }>();
    expect(judged.reason).toBeNull();
    expect(run.exitCode).toBe(0);
    expect(Object.keys(judged)).toEqual([
      "accepted",
      "reason",
      "warnings",
      "notCompared",
      "driverVersion",
      "vbiosVersion",
      "fwid",
      "mode",
      "rimMatch",
      "checks",
    ]);
    expect(judged).toMatchObject({
      driverVersion: "580.95.05",
      vbiosVersion: "96.00.CF.00.01",
      fwid: encodeHex(good.gpus[0]!.identity.fwid!),
    });
    expect(judged.rimMatch.matched).toBe(judged.rimMatch.compared);
    expect(judged.rimMatch.compared).toBeGreaterThan(0);
  });

  test("without RIMs nothing is compared, and the verdict line says so", async () => {
    expect((await nvidia(good, "--json")).json()).toMatchObject({
      accepted: true,
      rimMatch: null,
      mode: "single",
      notCompared: [
        "the driver's and the VBIOS's reference values (give --rim)",
        "the nonce (give --nonce)",
        "revocation (`appraise` asks)",
      ],
      warnings: [],
    });
    expect((await nvidia(good)).output).toMatch(
      /^ACCEPTED as genuine; not compared: the driver's and the VBIOS's reference values \(give --rim\), /,
    );
  });

  test("with one RIM the line names what the other would have compared", async () => {
    const [flag, driver, , , ...root] = await rims();
    const { output } = await nvidia(good, flag!, driver!, ...root);
    expect(output).toMatch(/^ACCEPTED as genuine; not compared: the VBIOS's reference values/);
  });

  test.each([
    ["gpu-ppcie", "ppcie", /^the GPU is in PPCIE/],
    ["gpu-multi-pass-through", "mpt", /^the GPU is in multi-GPU pass-through/],
    ["gpu-mode-not-stated", "not-stated", /^the driver does not state/],
  ] as const)("%s: accepted as genuine, with the mode and one warning", async (name, mode, warning) => {
    const bad = await tamper(good, name);
    const judged = (await nvidia(bad, "--json")).json();
    expect(judged).toMatchObject({ accepted: true, mode, warnings: [expect.stringMatching(warning)] });
    expect((await nvidia(bad)).output).toMatch(
      new RegExp(`  mode  +${mode}\\n[\\s\\S]*\\nwarnings\\n  the `),
    );
  });

  test("a GPU that measured something else: exit 1 by the measurements", async () => {
    const run = await nvidia(await tamper(good, "gpu-firmware-changed"), ...(await rims()), "--json");
    expect(run.exitCode).toBe(1);
    expect(failedOf(run.json<Judged>())).toEqual(["gpu.measurements"]);
  });

  test("a good RIM of another driver is no RIM for this report", async () => {
    const judged = (await nvidia(good, ...(await rims({ version: "570.10.01" })), "--json")).json<Judged>();
    expect(judged).toMatchObject({ accepted: false, rimMatch: null });
    expect(failedOf(judged)).toEqual(["gpu.rim"]);
  });

  test("the same RIM twice states every block twice, which is an error", async () => {
    const [flag, driver, , vbios, ...root] = await rims();
    const run = await nvidia(good, flag!, driver!, flag!, vbios!, flag!, driver!, ...root, "--json");
    expect(failedOf(run.json<Judged>())).toEqual(["gpu.measurements"]);
  });

  test("a RIM under another root: exit 1 by the RIM, and nothing is compared", async () => {
    const [flag, driver] = await rims();
    const judged = (await nvidia(good, flag!, driver!, "--json")).json<Judged>();
    expect(failedOf(judged)).toEqual(["rim.chain.root"]);
    expect(judged).toMatchObject({ rimMatch: null });
  });

  test("a report for another nonce, and garbage: exit 1", async () => {
    const other = await nvidia(good, "--nonce", "00".repeat(32), "--json");
    expect(failedOf(other.json<Judged>())).toEqual(["gpu.nonce"]);
    const garbage = put("garbage", new Uint8Array(100).fill(7));
    const run = await runCli([
      "evidence",
      "nvidia",
      "--report",
      garbage,
      "--chain",
      garbage,
      ...AS_OF,
      "--json",
    ]);
    expect(run.exitCode).toBe(1);
    expect(failedOf(run.json<Judged>())).toEqual(["gpu.report.format", "gpu.chain.format"]);
  });

  test("a report without its chain, or nothing at all: exit 2", async () => {
    for (const args of [["--report", path("report")], ["--chain", path("chain")], []]) {
      const run = await runCli(["evidence", "nvidia", ...args, ...AS_OF]);
      expect(run.exitCode).toBe(2);
      expect(run.warnings).toContain("--report and --chain go together");
    }
  });
});
