// Verifies the report and the certificate chain of one GPU or switch: a fixed list of checks, in NVIDIA's order (attestation-sdk,
// verify.cpp), failing closed where theirs does not.
import { importPublicKey, verifySignature } from "../../protocol/cryptography/signature.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { type Check, CheckList } from "../check-list.ts";
import type { DeviceEvidence } from "../evidence.ts";
import { type Findings, once, type VerifiedCache } from "../verified-cache.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";
import { charactersOutside, parsePemCertificates } from "../x509/pem.ts";
import type { SignatureMemo } from "../x509/signature-memo.ts";
import { commonWindow, requireValid, type Window, windowOfCertificate } from "../x509/validity.ts";
import {
  type Architecture,
  architectureOf,
  type DeviceChain,
  deviceIdOf,
  verifyDeviceChain,
  verifyUnderRoot,
} from "./certificate-chain.ts";
import { type DeviceStep, deviceChecks } from "./device-checks.ts";
import { NVIDIA_DEVICE_ROOT } from "./device-root.ts";
import { readFwid } from "./fwid.ts";
import type { NvidiaCode } from "./nvidia-code.ts";
import type { SpdmReport } from "./spdm-report.ts";

/** A chain of another length than five is refused as such; one without end is not read. */
const MAX_CERTIFICATES = 8;

/** What a report of either kind states. */
export interface DeviceReport extends SpdmReport {
  /** Digest of the firmware that holds the attestation key, 48 bytes; null where the device does not send it. */
  readonly fwid: Uint8Array | null;
  /** Opaque types that this version does not know. */
  readonly unknownTypes: readonly number[];
}

/** What tells GPUs and switches apart. */
export interface DeviceKind<Prefix extends string, Report extends DeviceReport, A extends Architecture> {
  /** What the ids of its checks begin with. */
  readonly prefix: Prefix;
  /** What people call one. */
  readonly word: string;
  readonly architectures: readonly A[];
  readonly parse: (bytes: Uint8Array) => Report;
  /** Why this device may leave out its FWID. @throws VerificationError "gpu-fwid" where it may not. */
  readonly whyNoFwid: (report: Report) => string;
}

export interface DeviceOptions {
  readonly now: Date;
  /** The nonce that the request must carry, 32 bytes. Null asks nothing about freshness, and there is no check of the nonce. */
  readonly nonce: Uint8Array | null;
  /** DER of the root to trust instead of NVIDIA's pinned one, for tests. */
  readonly root?: Uint8Array;
  /** What earlier calls verified. */
  readonly verified?: VerifiedCache;
  /** Signatures that this appraisal verified. */
  readonly signatures?: SignatureMemo;
}

/** What one device's evidence shows. Nothing in it may be believed unless `accepted`. */
export interface DeviceResult<Report extends DeviceReport, A extends Architecture> {
  readonly accepted: boolean;
  readonly checks: readonly Check[];
  readonly report: Report | null;
  readonly chain: DeviceChain | null;
  /** The time in which the chain's certificates and the root are valid together. */
  readonly chainValid: Window | null;
  /** Chip as the certificates name it, such as "GH100". */
  readonly chip: string | null;
  readonly architecture: A | null;
  /** Names the device: hex SHA-256 of the key that is burnt into it. */
  readonly deviceId: string | null;
}

/**
 * Verifies a report of one device under the pinned NVIDIA root at a stated time. Never throws on hostile evidence: what is wrong is a failed
 * check. Golden tables, revocation and what a policy wants are checked elsewhere.
 */
export async function verifyDevice<
  Prefix extends string,
  Report extends DeviceReport,
  A extends Architecture,
>(
  kind: DeviceKind<Prefix, Report, A>,
  evidence: Pick<DeviceEvidence, "report" | "chain">,
  { now, nonce, root = NVIDIA_DEVICE_ROOT, verified, signatures }: DeviceOptions,
): Promise<DeviceResult<Report, A>> {
  const id = (step: DeviceStep) => `${kind.prefix}.${step}`;
  const list = new CheckList(
    deviceChecks(kind.prefix).filter((one) => one !== id("nonce") || nonce !== null) as string[],
  );
  const report = await list.attempt(
    id("report.format"),
    () => kind.parse(evidence.report),
    (read) => ({ detail: notRead(read) }),
  );
  const known = await verified?.findingsOf("GPU chain", root, evidence.chain);
  const certificates = await list.attempt(
    id("chain.format"),
    () => once(known, "format", () => parsePemCertificates(evidence.chain, MAX_CERTIFICATES, 1)),
    () => ({ detail: leftOut(charactersOutside(evidence.chain), "characters outside the certificates") }),
  );
  const chain =
    certificates &&
    (await list.attempt(id("chain"), () =>
      once(known, "chain", () => verifyDeviceChain(certificates, signatures)),
    ));
  const chainValid =
    chain && (await checkChain(list, id, chain, parseCertificate(root), { now, known, signatures }));
  const found =
    chain &&
    (await list.attempt(
      id("architecture"),
      () => architectureOf(chain, kind.architectures),
      ({ chip, architecture }) => ({ actual: architecture, detail: chip }),
    ));
  const leaf = certificates?.[0];
  if (report && leaf) {
    await list.attempt(
      id("fwid"),
      () => matchFwid(report, readFwid(leaf), kind.whyNoFwid),
      (detail) => ({ detail }),
    );
    await list.attempt(id("report.signature"), () => requireSigned(report, leaf));
  }
  if (report && nonce !== null) list.equal(id("nonce"), encodeHex(nonce), encodeHex(report.requestNonce));
  return {
    accepted: list.accepted,
    checks: list.checks,
    report: report ?? null,
    chain: chain ?? null,
    chainValid: chainValid ?? null,
    chip: found?.chip ?? null,
    architecture: found?.architecture ?? null,
    deviceId: chain ? deviceIdOf(chain) : null,
  };
}

/** What of a report nobody reads: what was cut off, which nothing signs; and what is signed, and not known. */
function notRead({ trailingBytes, unknownTypes }: DeviceReport): string {
  const unknown = leftOut(unknownTypes.length, `opaque types that are not known: ${unknownTypes.join(", ")}`);
  return [leftOut(trailingBytes, "zero bytes after the signature"), unknown]
    .filter((part) => part !== "")
    .join("; ");
}

function leftOut(count: number, what: string): string {
  return count === 0 ? "" : `${count} ${what}`;
}

async function checkChain(
  list: CheckList,
  id: (step: DeviceStep) => string,
  chain: DeviceChain,
  root: Certificate,
  {
    now,
    known,
    signatures,
  }: { now: Date; known: Findings | undefined; signatures: SignatureMemo | undefined },
): Promise<Window> {
  await list.attempt(id("chain.root"), () =>
    once(known, "root", () => verifyUnderRoot(chain, root, signatures)),
  );
  const windows = [...Object.values(chain), root].map(windowOfCertificate);
  await list.attempt(id("chain.window"), () => requireValid(windows, now));
  return commonWindow(windows);
}

/** Whether the leaf signed it. The leaf's own standing is checked by the chain. */
async function requireSigned(report: DeviceReport, leaf: Certificate): Promise<void> {
  const key = await importPublicKey(leaf.spki);
  if (key.algorithm === "ecdsa-p384-sha384" && (await verifySignature(key, report.signed, report.signature)))
    return;
  throw new VerificationError<NvidiaCode>(
    "gpu-signature",
    "the report is not signed by the leaf's P-384 key",
  );
}

function matchFwid<Report extends DeviceReport>(
  report: Report,
  certified: Uint8Array,
  whyNoFwid: (report: Report) => string,
): string {
  if (report.fwid === null) return `${whyNoFwid(report)}; the certificate states ${encodeHex(certified)}`;
  if (equalBytes(report.fwid, certified)) return "the report's equals the certificate's";
  throw new VerificationError<NvidiaCode>(
    "gpu-fwid",
    `report ${encodeHex(report.fwid)}, certificate ${encodeHex(certified)}`,
  );
}

/**
 * The checks of several devices as one list: each passes only if it passed for every device, and otherwise tells of the first one where it
 * did not. With no device at all nothing was evaluated.
 */
export function mergeDeviceChecks<Prefix extends string>(
  { prefix, word }: Pick<DeviceKind<Prefix, never, never>, "prefix" | "word">,
  results: ReadonlyArray<{ readonly checks: readonly Check[] }>,
): Check[] {
  return deviceChecks(prefix).map((id) => {
    const found = results.map(({ checks }, at) => ({ at, check: checks.find((check) => check.id === id) }));
    const worst =
      found.find(({ check }) => check?.outcome === "fail") ??
      found.find(({ check }) => check?.outcome !== "pass") ??
      found[0];
    if (worst?.check === undefined) return notEvaluated(id);
    if (results.length === 1 || worst.check.outcome === "pass") return worst.check;
    return { ...worst.check, detail: `${word} ${worst.at}: ${worst.check.detail}` };
  });
}

function notEvaluated(id: string): Check {
  return { id, outcome: "not-evaluated", expected: null, actual: null, entry: null, detail: "" };
}
