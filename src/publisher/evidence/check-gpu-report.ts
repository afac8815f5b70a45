// Judges one GPU's report alone, against RIM files instead of logged tables: `evidence nvidia` prints it.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { isTrusted, reasonOf } from "../../verifier/appraisal/verdict.ts";
import { type Check, CheckList } from "../../verifier/check-list.ts";
import { compareGoldenTables } from "../../verifier/nvidia/compare-golden-tables.ts";
import { describeComparison } from "../../verifier/nvidia/compare-with-logged.ts";
import type { GpuMode } from "../../verifier/nvidia/gpu-mode.ts";
import type { GpuReport } from "../../verifier/nvidia/report.ts";
import { verifyGpuReport } from "../../verifier/nvidia/verify-report.ts";
import { type Rim, type RimResult, verifyRim } from "../rim/verify-rim.ts";

export interface GpuInput {
  /** Report and PEM chain; null to judge the RIM files alone. */
  readonly gpu: { readonly report: Uint8Array; readonly chain: string } | null;
  /** RIM files, XML. */
  readonly rims: readonly Uint8Array[];
  /** The nonce that the report must answer, 32 bytes; null asks nothing about freshness. */
  readonly nonce: Uint8Array | null;
  readonly now: Date;
  /** DER of other roots than NVIDIA's, for tests. */
  readonly deviceRoot?: Uint8Array | undefined;
  readonly rimRoot?: Uint8Array | undefined;
}

export interface JudgedGpu {
  readonly accepted: boolean;
  readonly reason: string | null;
  /** What the report shows and no policy accepts, or cannot show: one sentence each. */
  readonly warnings: readonly string[];
  /** What was held against nothing, each with what would have it compared. */
  readonly notCompared: readonly string[];
  readonly driverVersion: string | null;
  readonly vbiosVersion: string | null;
  /** SHA-384, hex; null where the driver sends none. */
  readonly fwid: string | null;
  /** How the GPU is passed through; null where there is no report. */
  readonly mode: GpuMode | null;
  /** Active indices over all RIMs together; null where report or RIMs are missing or no good. */
  readonly rimMatch: { readonly matched: number; readonly compared: number } | null;
  readonly checks: readonly Check[];
}

/** Never throws on hostile bytes: what is wrong is a failed check. */
export async function judgeGpu({ gpu, rims, nonce, now, ...roots }: GpuInput): Promise<JudgedGpu> {
  const result =
    gpu && (await verifyGpuReport(gpu, { now, nonce, ...(roots.deviceRoot && { root: roots.deviceRoot }) }));
  const chip = result?.chip ?? undefined;
  const read = await Promise.all(
    rims.map((xml) =>
      verifyRim(xml, { now, ...(chip && { chip }), ...(roots.rimRoot && { root: roots.rimRoot }) }),
    ),
  );
  const report = result?.report ?? null;
  const compared = gpu && rims.length > 0 ? compare(report, read) : { checks: [], rimMatch: null };
  const checks = [...(result?.checks ?? []), ...mergeRimChecks(read), ...compared.checks];
  return {
    accepted: isTrusted(checks),
    reason: reasonOf(checks),
    warnings: report === null ? [] : warningsOf(report),
    notCompared: gpu === null ? [REVOCATION] : notCompared(read, compared.rimMatch, nonce),
    driverVersion: report?.driverVersion ?? null,
    vbiosVersion: report?.vbiosVersion ?? null,
    fwid: report?.fwid ? encodeHex(report.fwid) : null,
    mode: report?.mode ?? null,
    rimMatch: compared.rimMatch,
    checks,
  };
}

const REVOCATION = "revocation (`appraise` asks)";

/** Says what an accepted report was not held against, so that nobody takes a genuine GPU for a published one. */
function notCompared(
  read: readonly RimResult[],
  match: JudgedGpu["rimMatch"],
  nonce: Uint8Array | null,
): string[] {
  const covered = match === null ? [] : read.map(({ rim }) => rim?.kind);
  const tables = (["driver", "vbios"] as const).filter((kind) => !covered.includes(kind));
  const named = tables.map((kind) => (kind === "driver" ? "the driver's" : "the VBIOS's"));
  return [
    ...(named.length === 0 ? [] : [`${named.join(" and ")} reference values (give --rim)`]),
    ...(nonce === null ? ["the nonce (give --nonce)"] : []),
    REVOCATION,
  ];
}

function warningsOf({ mode, fwid, driverVersion }: GpuReport): string[] {
  return [
    ...(mode === "single" ? [] : [MODE_WARNINGS[mode]]),
    ...(fwid === null
      ? [`driver ${driverVersion} does not state the FWID: the GSP firmware is not shown`]
      : []),
  ];
}

const MODE_WARNINGS = {
  mpt: "the GPU is in multi-GPU pass-through (MPT), which no policy accepts",
  ppcie:
    "the GPU is in PPCIE: its NVSwitches carry plain text and are not attested here, and no policy accepts it",
  "not-stated": "the driver does not state the GPU's mode: it may be MPT or PPCIE",
} as const;

/** Compares the report with all RIMs together, if every one of them is good and of the report's versions. */
function compare(
  report: GpuReport | null,
  read: readonly RimResult[],
): { checks: Check[]; rimMatch: JudgedGpu["rimMatch"] } {
  const list = new CheckList(["gpu.rim", "gpu.measurements"]);
  const rims = read.flatMap(({ rim }) => rim ?? []);
  if (report === null || rims.length < read.length) return { checks: list.checks, rimMatch: null };
  const foreign = rims.find((rim) => rim.colloquialVersion !== versionOf(report, rim));
  if (foreign !== undefined) {
    const expected = versionOf(report, foreign);
    list.fail("gpu.rim", {
      expected,
      actual: foreign.colloquialVersion,
      detail: `a ${foreign.kind} RIM of another version`,
    });
    return { checks: list.checks, rimMatch: null };
  }
  list.pass("gpu.rim", { detail: rims.map((rim) => `${rim.kind} ${rim.colloquialVersion}`).join(", ") });
  const found = compareGoldenTables(
    report,
    rims.map(({ table }) => ({ table, entry: null })),
  );
  if (found.matches) list.pass("gpu.measurements", describeComparison(found));
  else list.fail("gpu.measurements", describeComparison(found));
  return { checks: list.checks, rimMatch: { matched: found.matched, compared: found.compared } };
}

function versionOf(report: GpuReport, { kind }: Rim): string {
  return kind === "driver" ? report.driverVersion : report.vbiosVersion;
}

/** The checks of several RIMs as one list: each passes only if it passed for every file, and tells of the first where it did not. */
function mergeRimChecks(results: readonly RimResult[]): Check[] {
  const [first, ...others] = results;
  if (first === undefined) return [];
  return first.checks.map((check, i) => {
    const all = [check, ...others.flatMap(({ checks }) => checks[i] ?? [])];
    const failed = all.findIndex(({ outcome }) => outcome === "fail");
    const worst = failed >= 0 ? failed : all.findIndex(({ outcome }) => outcome !== "pass");
    const found = all[worst];
    return found === undefined || others.length === 0
      ? check
      : { ...found, detail: `RIM ${worst}: ${found.detail}` };
  });
}
