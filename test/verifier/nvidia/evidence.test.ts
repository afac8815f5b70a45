// Real reports, chains and RIMs: every case gives the outcome of its expected.json, at its time and at no other.
import { readdirSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { afterAll, expect, it } from "vitest";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { type RimResult, verifyRim } from "../../../src/publisher/rim/verify-rim.ts";
import { parseEvidence } from "../../../src/verifier/evidence.ts";
import { deviceIdOf } from "../../../src/verifier/nvidia/certificate-chain.ts";
import { compareGoldenTables, type StatedTable } from "../../../src/verifier/nvidia/compare-golden-tables.ts";
import { COMPOSITE_DEVICE_ID, DICE_TCB_INFO, readFwid } from "../../../src/verifier/nvidia/fwid.ts";
import { parseGpuReport } from "../../../src/verifier/nvidia/report.ts";
import { rimIdsOf } from "../../../src/verifier/nvidia/rim-id.ts";
import { type GpuResult, verifyGpuReport } from "../../../src/verifier/nvidia/verify-report.ts";
import { describeName } from "../../../src/verifier/x509/name.ts";
import { parsePemCertificates } from "../../../src/verifier/x509/pem.ts";
import { describeReal, haveRealData, realData, realDataPath, realJson } from "../../support/real-data.ts";
import { failed, flip } from "./synthetic-gpu.ts";

interface ExpectedRim {
  file: string;
  kind: string;
  rimId: string | null;
  sha256: string;
  tagId: string;
  colloquialVersion: string;
  product: string;
  resources: number;
  activeIndices: number[];
  alternatives: Record<string, number>;
  certificateChain: { subject: string; notBefore: string; notAfter: string }[];
  skippedIndices?: number[];
  mismatchedIndices?: number[];
  match?: string;
  reject: string | null;
}

interface Expected {
  requestNonce: string;
  responderNonce?: string;
  driverVersion: string;
  vbiosVersion: string;
  fwid: string | null;
  signatureValid: boolean;
  rimMatch: string | null;
  asOf: string;
  reject: string | null;
  alsoReject: string[];
  reportLength?: number;
  nvdec0Status: string;
  project: string;
  projectSku: string;
  chipSku: string;
  opaqueIds: number[];
  certificateChain: { length: number; leaf: string; fwidOid: string; fwidInLeaf: string; notBefore: string };
  blocks: Record<string, string>;
  rims?: ExpectedRim[];
}

const FOLDER = "evidence/nvidia";
const cases = haveRealData ? readdirSync(realDataPath(FOLDER)).sort() : [];
const expectedOf = (name: string) => realJson<Expected>(`${FOLDER}/${name}/expected.json`);
const withReport = cases.filter((name) => expectedOf(name).reportLength !== undefined);
const withRims = cases.filter((name) => (expectedOf(name).rims ?? []).length > 0);
const file = (name: string, path: string) => realData(`${FOLDER}/${name}/${path}`);
const evidenceOf = (name: string) => ({
  report: file(name, "report.bin"),
  chain: decodeUtf8(file(name, "cert-chain.pem")),
});

/** The reasons of expected.json and the checks that are theirs. */
const REASON: Record<string, string> = {
  "report-signature-invalid": "gpu.report.signature",
  "fwid-mismatch": "gpu.fwid",
  "certificate-chain-broken": "gpu.chain",
  "rim-signature-invalid": "rim.signature",
  "rim-chain-untrusted": "rim.chain.root",
};

const table: string[][] = [["case", "expected", "got", "ms"]];
afterAll(() => {
  const widths = [0, 1, 2, 3].map((i) => Math.max(...table.map((line) => (line[i] ?? "").length)));
  if (haveRealData)
    console.log(
      table.map((line) => line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")).join("\n"),
    );
});

async function timed<T>(run: () => Promise<T>): Promise<[T, string]> {
  const start = performance.now();
  const value = await run();
  return [value, (performance.now() - start).toFixed(1)];
}

const verdict = ({ accepted, checks }: Pick<GpuResult, "accepted" | "checks">) =>
  accepted ? "accepted" : `rejected: ${failed(checks).join(", ")}`;

describeReal("real GPU reports", () => {
  it.each(withReport)("%s: as expected, at its time", async (name) => {
    const expected = expectedOf(name);
    const nonce = Uint8Array.from(Buffer.from(expected.requestNonce, "hex"));
    const [result, ms] = await timed(() =>
      verifyGpuReport(evidenceOf(name), { now: new Date(expected.asOf), nonce }),
    );
    const reasons = [expected.reject, ...expected.alsoReject].flatMap((reason) =>
      reason ? [REASON[reason]] : [],
    );
    table.push([name, expected.reject ?? "accepted", verdict(result), ms]);
    expect(failed(result.checks).sort()).toEqual(reasons.sort());
    expect(result.accepted).toBe(expected.reject === null);
  });

  it.each(withReport)("%s: fields of the report and its leaf", (name) => {
    const expected = expectedOf(name);
    const { report: bytes, chain } = evidenceOf(name);
    const report = parseGpuReport(bytes);
    const nonZero = [...report.blocks].filter(([, block]) => block.some((byte) => byte !== 0));
    expect(Object.fromEntries(nonZero.map(([n, block]) => [n, encodeHex(block)]))).toEqual(expected.blocks);
    expect([...report.opaque.keys()].sort((a, b) => a - b)).toEqual(expected.opaqueIds);
    expect(encodeHex(report.requestNonce)).toBe(expected.requestNonce);
    expect(encodeHex(report.responderNonce)).toBe(expected.responderNonce);
    expect(report.fwid === null ? null : encodeHex(report.fwid)).toBe(expected.fwid);
    expect(bytes.length).toBe(expected.reportLength);
    const { driverVersion, vbiosVersion, project, projectSku, chipSku } = expected;
    expect(report).toMatchObject({ driverVersion, vbiosVersion, project, projectSku, chipSku });
    expect(report.nvdec0).toBe(expected.nvdec0Status === "55" ? "off" : "on");
    const certificates = parsePemCertificates(chain, 5, 1);
    const leaf = certificates[0]!;
    expect(certificates.length).toBe(expected.certificateChain.length);
    expect(describeName(leaf.subject)).toBe(expected.certificateChain.leaf);
    expect(encodeHex(readFwid(leaf))).toBe(expected.certificateChain.fwidInLeaf);
    expect([COMPOSITE_DEVICE_ID, DICE_TCB_INFO].filter((oid) => leaf.extensions.has(oid))).toEqual([
      expected.certificateChain.fwidOid,
    ]);
  });

  it.each(withReport)(
    "%s: refused before its certificates were valid, and for another nonce",
    async (name) => {
      const { certificateChain, asOf } = expectedOf(name);
      const early = new Date(Date.parse(certificateChain.notBefore) - 1000);
      const outside = await verifyGpuReport(evidenceOf(name), { now: early, nonce: null });
      expect(outside.accepted).toBe(false);
      if (outside.chain !== null) expect(failed(outside.checks)).toContain("gpu.chain.window");
      const reused = await verifyGpuReport(evidenceOf(name), {
        now: new Date(asOf),
        nonce: new Uint8Array(32),
      });
      expect(failed(reused.checks)).toContain("gpu.nonce");
    },
  );

  it("two GPUs have two device ids, and one GPU has one in two sessions", async () => {
    const ids = await Promise.all(
      ["hopper-535.86.09-vbios", "negative-report-signature", "hopper-545.00-match", "blackwell-575.32"].map(
        async (name) => {
          const { chain } = await verifyGpuReport(evidenceOf(name), {
            now: new Date(expectedOf(name).asOf),
            nonce: null,
          });
          return deviceIdOf(chain!);
        },
      ),
    );
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
  });

  it("one bit flipped anywhere in a report is refused", async () => {
    const evidence = evidenceOf("hopper-545.00-match");
    const options = { now: new Date(expectedOf("hopper-545.00-match").asOf), nonce: null };
    for (let at = 0; at < evidence.report.length; at += 3) {
      const { accepted } = await verifyGpuReport({ ...evidence, report: flip(evidence.report, at) }, options);
      expect(accepted, `byte ${at}`).toBe(false);
    }
  });
});

describeReal("real RIMs", () => {
  it.each(withRims)("%s: as expected, at its time", async (name) => {
    const expected = expectedOf(name);
    const together: StatedTable[] = [];
    for (const rim of expected.rims ?? []) {
      const [result, ms] = await timed(() =>
        verifyRim(file(name, rim.file), { now: new Date(expected.asOf) }),
      );
      const compared = checkRim(name, rim, result);
      table.push([
        `${name}/${rim.file}`,
        rim.reject ?? rim.match ?? "accepted",
        compared ?? verdict(result),
        ms,
      ]);
      if (result.rim && rim.reject === null) together.push({ table: result.rim.table, entry: null });
    }
    if (expected.rimMatch === null) return;
    const { matched, compared } = compareGoldenTables(parseGpuReport(file(name, "report.bin")), together);
    table.push([`${name}: all RIMs`, expected.rimMatch, `${matched}/${compared}`, ""]);
    expect(`${matched}/${compared}`).toBe(expected.rimMatch);
  });

  it.each(withRims)("%s: refused outside the signer's validity", async (name) => {
    for (const { file: path, certificateChain, reject } of expectedOf(name).rims ?? []) {
      const [signer] = certificateChain;
      const times = [Date.parse(signer!.notBefore) - 1000, Date.parse(signer!.notAfter) + 1000];
      for (const time of times) {
        const result = await verifyRim(file(name, path), { now: new Date(time) });
        expect(result.accepted).toBe(false);
        if (reject !== "rim-chain-untrusted") expect(failed(result.checks)).toContain("rim.chain.window");
      }
    }
  });

  it("three validly signed RIMs of one id have three tables", async () => {
    const files = [
      "hopper-535.86.09-vbios/rim-vbios.xml",
      "hopper-535.86.09-vbios/rim-vbios-other-values.xml",
      "hopper-545.00-match/rim-vbios.xml",
    ];
    const results = await Promise.all(
      files.map((path) =>
        verifyRim(realData(`${FOLDER}/${path}`), { now: new Date("2024-06-01T00:00:00Z") }),
      ),
    );
    expect(new Set(results.map(({ rim }) => rim?.tagId)).size).toBe(1);
    expect(new Set(results.map(({ rim }) => rim?.tableDigest)).size).toBe(3);
    expect(new Set(results.map(({ rim }) => rim?.fileDigest)).size).toBe(3);
  });

  it("cut at any hundredth byte, or with a bit flipped outside the dropped root, a RIM is refused", async () => {
    const name = "hopper-545.00-match";
    const xml = file(name, "rim-driver.xml");
    const now = new Date(expectedOf(name).asOf);
    const root = decodeUtf8(xml).lastIndexOf("<ds:X509Certificate>");
    for (let at = 0; at < root; at += 97) {
      expect((await verifyRim(xml.subarray(0, at), { now })).accepted, `cut at ${at}`).toBe(false);
      expect((await verifyRim(flip(xml, at), { now })).accepted, `byte ${at}`).toBe(false);
    }
  });
});

describeReal("claims of NVIDIA's own verifier", () => {
  it("are never evidence: unsigned, and of no form that is read here", async () => {
    const name = "claims-h100-580.159.03";
    const { reject, asOf } = expectedOf(name);
    const claims = file(name, "claims.json");
    const evidence = { report: claims, chain: decodeUtf8(claims) };
    const [result, ms] = await timed(() => verifyGpuReport(evidence, { now: new Date(asOf), nonce: null }));
    table.push([name, reject ?? "", verdict(result), ms]);
    expect(failed(result.checks)).toEqual(["gpu.report.format", "gpu.chain.format"]);
    expect(() => parseEvidence(claims)).toThrow(MalformedError);
  });
});

/** Holds a RIM against its expectation. @returns how it compares with the case's report, where there is one. */
function checkRim(name: string, expected: ExpectedRim, { accepted, checks, rim }: RimResult): string | null {
  const wanted = expected.reject === null ? undefined : REASON[expected.reject];
  expect(accepted).toBe(wanted === undefined);
  if (wanted !== undefined) expect(failed(checks)).toEqual([wanted]);
  if (rim === null) return null;
  const { kind, tagId, colloquialVersion, product, resources } = expected;
  expect(rim).toMatchObject({
    kind,
    tagId,
    colloquialVersion,
    product,
    resources,
    fileDigest: expected.sha256,
  });
  expect(rim.table.map(({ index }) => index)).toEqual(expected.activeIndices);
  const counts = rim.table.map(
    (row) => [row.index, "alternatives" in row ? row.alternatives.length : 0] as const,
  );
  expect(Object.fromEntries(counts.filter(([, count]) => count > 1))).toEqual(expected.alternatives);
  const signers = rim.signers.map(({ subject, notBefore, notAfter }) => ({
    subject,
    notBefore: `${notBefore.toISOString().slice(0, 19)}Z`,
    notAfter: `${notAfter.toISOString().slice(0, 19)}Z`,
  }));
  expect(signers).toEqual(expected.certificateChain);
  if (expected.match === undefined) return null;
  const report = parseGpuReport(file(name, "report.bin"));
  const ids = rimIdsOf(report, product);
  expect(rim.kind === "driver" ? ids.driver : ids.vbios).toBe(expected.rimId);
  const { matched, compared, indices } = compareGoldenTables(report, [{ table: rim.table, entry: null }]);
  const of = (outcome: string) => indices.filter((row) => row.outcome === outcome).map(({ index }) => index);
  expect(of("skipped")).toEqual(expected.skippedIndices);
  expect(of("mismatch")).toEqual(expected.mismatchedIndices);
  expect(`${matched}/${compared}`).toBe(expected.match);
  return `${matched}/${compared}`;
}
