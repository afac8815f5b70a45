// Verifies one GPU's report and certificate chain: a fixed list of checks, in NVIDIA's order (attestation-sdk, verify.cpp), failing closed
// where theirs does not: a missing FWID passes only for drivers that never send one.

import { importPublicKey, verifySignature } from "../../protocol/cryptography/signature.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { type Check, type CheckDetail, CheckList } from "../check-list.ts";
import type { DeviceEvidence } from "../evidence.ts";
import { type Findings, once, type VerifiedCache } from "../verified-cache.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";
import { charactersOutside, parsePemCertificates } from "../x509/pem.ts";
import { commonWindow, requireValid, type Window, windowOfCertificate } from "../x509/validity.ts";
import {
  type Architecture,
  architectureOf,
  deviceIdOf,
  type GpuChain,
  verifyGpuChain,
  verifyUnderRoot,
} from "./certificate-chain.ts";
import { NVIDIA_DEVICE_ROOT } from "./device-root.ts";
import { readFwid } from "./fwid.ts";
import type { NvidiaCode } from "./nvidia-code.ts";
import { type GpuReport, parseGpuReport } from "./report.ts";

export const GPU_REPORT_CHECKS = [
  "gpu.report.format",
  "gpu.chain.format",
  "gpu.chain",
  "gpu.chain.root",
  "gpu.chain.window",
  "gpu.architecture",
  "gpu.fwid",
  "gpu.report.signature",
  "gpu.nonce",
] as const;
type GpuReportCheck = (typeof GPU_REPORT_CHECKS)[number];

/** A chain of another length than five is refused as such; one without end is not read. */
const MAX_CERTIFICATES = 8;

export interface GpuReportOptions {
  readonly now: Date;
  /** The nonce that the request must carry, 32 bytes. Null asks nothing about freshness, and there is no "gpu.nonce" check. */
  readonly nonce: Uint8Array | null;
  /** DER of the root to trust instead of NVIDIA's pinned one, for tests. */
  readonly root?: Uint8Array;
  /** What earlier calls verified. */
  readonly verified?: VerifiedCache;
}

/** What one GPU's evidence shows. Nothing in it may be believed unless `accepted`. */
export interface GpuResult {
  readonly accepted: boolean;
  readonly checks: readonly Check[];
  readonly report: GpuReport | null;
  readonly chain: GpuChain | null;
  /** The time in which the chain's certificates and the root are valid together. */
  readonly chainValid: Window | null;
  /** Chip as the certificates name it, such as "GH100". */
  readonly chip: string | null;
  readonly architecture: Architecture | null;
  /** Names the GPU: hex SHA-256 of its device key. */
  readonly deviceId: string | null;
}

/**
 * Verifies a report of one GPU under the pinned NVIDIA root at a stated time. Never throws on hostile evidence: what is wrong is a failed check.
 * Golden tables, revocation and what a policy wants are checked elsewhere.
 */
export async function verifyGpuReport(
  evidence: Pick<DeviceEvidence, "report" | "chain">,
  { now, nonce, root = NVIDIA_DEVICE_ROOT, verified }: GpuReportOptions,
): Promise<GpuResult> {
  const list = new CheckList<GpuReportCheck>(
    GPU_REPORT_CHECKS.filter((id) => id !== "gpu.nonce" || nonce !== null),
  );
  const report = await list.attempt(
    "gpu.report.format",
    () => parseGpuReport(evidence.report),
    ({ trailingBytes }) => leftOut(trailingBytes, "zero bytes after the signature"),
  );
  const known = await verified?.findingsOf("GPU chain", root, evidence.chain);
  const certificates = await list.attempt(
    "gpu.chain.format",
    () => once(known, "format", () => parsePemCertificates(evidence.chain, MAX_CERTIFICATES, 1)),
    () => leftOut(charactersOutside(evidence.chain), "characters outside the certificates"),
  );
  const chain =
    certificates &&
    (await list.attempt("gpu.chain", () => once(known, "chain", () => verifyGpuChain(certificates))));
  const found = chain && (await checkChain(list, chain, parseCertificate(root), now, known));
  const leaf = certificates?.[0];
  if (report && leaf) await checkReport(list, report, leaf);
  if (report && nonce !== null) {
    list.equal("gpu.nonce", encodeHex(nonce), encodeHex(report.requestNonce));
  }
  return {
    accepted: list.accepted,
    checks: list.checks,
    report: report ?? null,
    chain: chain ?? null,
    chainValid: found?.valid ?? null,
    chip: found?.chip ?? null,
    architecture: found?.architecture ?? null,
    deviceId: chain ? deviceIdOf(chain) : null,
  };
}

/** What was cut off. Nothing signs it and nothing is read from it. */
function leftOut(count: number, what: string): CheckDetail {
  return { detail: count === 0 ? "" : `${count} ${what}` };
}

async function checkChain(
  list: CheckList<GpuReportCheck>,
  chain: GpuChain,
  root: Certificate,
  now: Date,
  known: Findings | undefined,
) {
  await list.attempt("gpu.chain.root", () => once(known, "root", () => verifyUnderRoot(chain, root)));
  const windows = [...Object.values(chain), root].map(windowOfCertificate);
  await list.attempt("gpu.chain.window", () => requireValid(windows, now));
  const named = await list.attempt(
    "gpu.architecture",
    () => architectureOf(chain),
    ({ chip, architecture }) => ({ actual: architecture, detail: chip }),
  );
  return { ...named, valid: commonWindow(windows) };
}

/** What the leaf says about the report. Its own standing is checked by the chain. */
async function checkReport(
  list: CheckList<GpuReportCheck>,
  report: GpuReport,
  leaf: Certificate,
): Promise<void> {
  await list.attempt(
    "gpu.fwid",
    () => matchFwid(report, readFwid(leaf)),
    (detail) => ({ detail }),
  );
  await list.attempt("gpu.report.signature", async () => {
    const key = await importPublicKey(leaf.spki);
    if (
      key.algorithm === "ecdsa-p384-sha384" &&
      (await verifySignature(key, report.signed, report.signature))
    )
      return;
    throw new VerificationError<NvidiaCode>(
      "gpu-signature",
      "the report is not signed by the leaf's P-384 key",
    );
  });
}

/** The first driver branch that sends the FWID. */
const FIRST_DRIVER_WITH_FWID = 550;

function matchFwid(report: GpuReport, certified: Uint8Array): string {
  if (report.fwid === null) {
    if (Number.parseInt(report.driverVersion, 10) < FIRST_DRIVER_WITH_FWID) {
      return `driver ${report.driverVersion} does not send it; the certificate states ${encodeHex(certified)}`;
    }
    throw new VerificationError<NvidiaCode>(
      "gpu-fwid",
      "the report does not state it, though drivers since 550 do",
    );
  }
  if (equalBytes(report.fwid, certified)) return "the report's equals the certificate's";
  throw new VerificationError<NvidiaCode>(
    "gpu-fwid",
    `report ${encodeHex(report.fwid)}, certificate ${encodeHex(certified)}`,
  );
}

/**
 * The checks of several GPUs as one list: each passes only if it passed for every GPU, and otherwise tells of the first GPU where it did not.
 * With no GPU at all nothing was evaluated.
 */
export function mergeGpuChecks(results: readonly GpuResult[]): Check[] {
  return GPU_REPORT_CHECKS.map((id) => {
    const found = results.map(({ checks }, gpu) => ({ gpu, check: checks.find((check) => check.id === id) }));
    const worst =
      found.find(({ check }) => check?.outcome === "fail") ??
      found.find(({ check }) => check?.outcome !== "pass") ??
      found[0];
    if (worst?.check === undefined) return notEvaluated(id);
    if (results.length === 1 || worst.check.outcome === "pass") return worst.check;
    return { ...worst.check, detail: `GPU ${worst.gpu}: ${worst.check.detail}` };
  });
}

function notEvaluated(id: GpuReportCheck): Check {
  return { id, outcome: "not-evaluated", expected: null, actual: null, entry: null, detail: "" };
}
