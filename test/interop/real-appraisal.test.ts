// Appraisal of real evidence under the vendors' own roots: a quote of a real TD and a report of a real H100, which were never one machine.
// Everything that each of them can show passes; what binds them to each other and to a channel must fail, and nothing else.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { sha256 } from "../../src/protocol/cryptography/hash.ts";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { decodeHex, encodeHex } from "../../src/protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../src/protocol/encoding/text.ts";
import { verifyRim } from "../../src/publisher/rim/verify-rim.ts";
import { defaultBody, type TdBody } from "../../src/testing/index.ts";
import type { Verdict } from "../../src/verifier/appraisal/verdict.ts";
import { formatTrustFile } from "../../src/verifier/bundle/trust-pin.ts";
import type { EvidenceDocument } from "../../src/verifier/evidence.ts";
import { parseTdxQuote } from "../../src/verifier/tdx/quote.ts";
import { failedIds, type KnownMachine, makeWorld } from "../support/appraisal-world.ts";
import { describeReal, realData, realJson } from "../support/real-data.ts";
import { runCli } from "../support/run-cli.ts";

const TD = "evidence/tdx/dstack-v4-event-log";
const GPU = "evidence/nvidia/hopper-545.00-match";
const AS_OF = new Date("2026-03-01T00:00:00Z");

async function tableOf(file: string) {
  const { rim } = await verifyRim(realData(`${GPU}/${file}`), { now: new Date("2024-06-01T00:00:00Z") });
  if (rim === null) throw new Error(`${file} is not good`);
  return rim.table;
}

async function knownMachine(): Promise<KnownMachine> {
  const { mrtd, ...quoted } = parseTdxQuote(realData(`${TD}/quote.bin`)).body;
  const fields = Object.entries({ ...quoted, mrTd: mrtd }).flatMap(([name, value]) =>
    value === null ? [] : [[name, decodeHex(value)]],
  );
  const goldenTables = { driver: await tableOf("rim-driver.xml"), vbios: await tableOf("rim-vbios.xml") };
  const gpu = {
    driverVersion: "545.00",
    vbiosVersion: "96.00.5E.00.01",
    goldenTables,
    identity: { fwid: null },
  };
  return {
    body: { ...defaultBody(), ...(Object.fromEntries(fields) as Partial<TdBody>) },
    gpus: [gpu],
    vendors: { nvidia: { architecture: "hopper" } },
  };
}

function evidence(): EvidenceDocument {
  const report = realData(`${GPU}/report.bin`);
  const eventLog = { format: "dstack", data: encodeBase64(realData(`${TD}/event-log.json`)) } as const;
  return {
    version: 1,
    tdx: {
      quote: encodeBase64(realData(`${TD}/quote.bin`)),
      collateral: realJson(`${TD}/collateral.json`),
      eventLog,
    },
    gpus: [
      {
        report: encodeBase64(report),
        chain: decodeUtf8(realData(`${GPU}/cert-chain.pem`)),
        ocsp: [],
        crls: [],
      },
    ],
    switches: [],
    nonce: "00".repeat(32),
    claims: {
      ccMode: "on",
      devtools: false,
      mode: "single",
      reports: [encodeHex(sha256(report))],
      switches: [],
    },
  };
}

describeReal("touchstone appraise on a real quote and a real GPU report", () => {
  const folder = mkdtempSync(join(tmpdir(), "touchstone-real-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const put = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  it("passes what each of them shows, and rejects what was never bound", async () => {
    const machine = await knownMachine();
    const rtmr3 = { mode: "exact", value: encodeHex(machine.body.rtmr3) } as const;
    const tdx = { rtmr3, minTcbEvaluationDataNumber: 18 };
    const world = await makeWorld(machine, { tdx, gpu: { revocation: "not-required" } }, AS_OF);
    const args = [
      ...[
        "appraise",
        "--now",
        AS_OF.toISOString(),
        "--nonce",
        "00".repeat(32),
        "--hpke-key",
        "00".repeat(32),
      ],
      ...["--bundle", put("bundle.json", world.bundle), "--policy", "production"],
      ...["--trust", put("trust-root.json", formatTrustFile(world.log.envelopes[0]!))],
      ...["--evidence", put("evidence.json", JSON.stringify(evidence()))],
    ];
    const run = await runCli([...args, "--json"]);
    expect(run.exitCode).toBe(1);
    const verdict = run.json<Verdict>();
    expect(failedIds(verdict)).toEqual([
      "gpu.nonce",
      "gpu.mode",
      "gpu.fwid.allowed",
      "binding.channel",
      "binding.report-data",
    ]);
    const passed = verdict.checks.filter(({ outcome }) => outcome === "pass").map(({ id }) => id);
    expect(passed).toEqual(
      expect.arrayContaining(["tdx.quote.signature", "tuple.mrtd", "tuple.rtmr3", "gpu.measurements"]),
    );
    console.log((await runCli(args)).output);
  });
});
