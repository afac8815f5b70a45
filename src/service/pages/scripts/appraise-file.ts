// Appraises a file that somebody has at hand: evidence of a whole machine, or a part of it. A file cannot show whom one talks to, so the
// checks that need the channel or a challenge are not made, and there is never a verdict "trusted".

import { encodeHex } from "../../../protocol/encoding/hex.ts";
import type { Profile } from "../../../protocol/entry/policy.ts";
import { type AppraiseOptions, appraiseEvidence } from "../../../verifier/appraisal/appraise.ts";
import { type Facts, judgeFacts } from "../../../verifier/appraisal/judge-machine.ts";
import type { VerifiedBundle } from "../../../verifier/bundle/verify-bundle.ts";
import { type Check, CheckList } from "../../../verifier/check-list.ts";
import { type GpuReport, parseGpuReport } from "../../../verifier/nvidia/report.ts";
import { readCertificateEvidence, tdxQuoteOf } from "../../../verifier/ra-tls/certificate-evidence.ts";
import { parseTdxQuote } from "../../../verifier/tdx/quote.ts";
import { parsePemCertificates } from "../../../verifier/x509/pem.ts";

export interface FileAppraisal {
  /** What the file was taken for. */
  readonly what: string;
  readonly profile: string | null;
  readonly checks: readonly Check[];
  /** What could not be checked with this file, and why. */
  readonly notShown: string;
}

type Options = Pick<AppraiseOptions, "now" | "roots">;

/** @throws MalformedError, PolicyError when it is none of the things that it could be. */
export async function appraiseFile(
  bundle: VerifiedBundle,
  bytes: Uint8Array,
  options: Options,
): Promise<FileAppraisal> {
  const text = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart();
  if (text.startsWith("{")) return appraiseDocument(bundle, bytes, "evidence of a machine", options);
  if (text.startsWith("-----BEGIN CERTIFICATE")) return appraiseCertificate(bundle, derOf(bytes), options);
  if (bytes[0] === 0x30) return appraiseCertificate(bundle, bytes, options);
  if (isQuote(bytes)) return appraiseQuote(bundle, bytes, "a TDX quote alone", options);
  return appraiseGpuReport(bundle, bytes);
}

function isQuote([version, high]: Uint8Array): boolean {
  return (version === 4 || version === 5) && high === 0;
}

function derOf(pem: Uint8Array): Uint8Array {
  const [first] = parsePemCertificates(new TextDecoder().decode(pem), 8, 1);
  if (first === undefined) throw new Error("no certificate is in the file");
  return first.der;
}

/** Ids of checks that compare with the verifier's own channel or challenge. */
const NEEDS_CHANNEL = /^(?:binding\.|(?:gpu|switch)\.nonce$)/;
const CHANNEL_NOT_SHOWN =
  "Not made: whether the evidence is of the machine that you talk to, and fresh. A file cannot show that; a verifier on the connection can.";

async function appraiseDocument(
  bundle: VerifiedBundle,
  bytes: Uint8Array,
  what: string,
  options: Options,
): Promise<FileAppraisal> {
  const channel = { type: "tls-spki", key: new Uint8Array() } as const;
  const { checks, profile } = await appraiseEvidence(bundle, bytes, { ...options, nonce: null, channel });
  return {
    what,
    profile,
    checks: leavingOut(checks, ({ id }) => NEEDS_CHANNEL.test(id)),
    notShown: CHANNEL_NOT_SHOWN,
  };
}

function appraiseCertificate(
  bundle: VerifiedBundle,
  der: Uint8Array,
  options: Options,
): Promise<FileAppraisal> {
  const found = readCertificateEvidence(der);
  const what = `a certificate with evidence, ${found.form}`;
  return found.form === "touchstone-ra-tls/v1"
    ? appraiseDocument(bundle, found.document, what, options)
    : appraiseQuote(bundle, tdxQuoteOf(found), what, options);
}

/** Without Intel's collateral nobody can tell whether a quote is genuine: what it says is compared, and that is said. */
async function appraiseQuote(
  bundle: VerifiedBundle,
  bytes: Uint8Array,
  what: string,
  options: Options,
): Promise<FileAppraisal> {
  const quote = parseTdxQuote(bytes);
  const tdx = { accepted: false, quote, tcb: null, collateralValid: null, checks: [] };
  const facts: Facts = { evidence: null, log: null, tdx, gpus: [], switches: [], checks: [] };
  const channel = { type: "tls-spki", key: new Uint8Array() } as const;
  const { checks, profile } = await judgeFacts(bundle, facts, { ...options, nonce: null, channel });
  return {
    what,
    profile,
    checks,
    notShown: `Not made: Intel's signatures and the state of the platform, which need the collateral of evidence.json; GPUs. ${CHANNEL_NOT_SHOWN}`,
  };
}

/** A report alone says what a GPU claims; its certificates, which make it believable, are not in it. */
function appraiseGpuReport(bundle: VerifiedBundle, bytes: Uint8Array): FileAppraisal {
  const report = parseGpuReport(bytes);
  const nearest = bundle.policy.profiles
    .map((profile) => ({ profile, checks: reportChecks(report, profile) }))
    .sort((a, b) => failures(a.checks) - failures(b.checks))[0];
  return {
    what: "a GPU report alone",
    profile: nearest?.profile.id ?? null,
    checks: nearest?.checks ?? [],
    notShown: `Not made: NVIDIA's signatures, certificates, golden measurements and revocation, which need the whole of evidence.json. ${CHANNEL_NOT_SHOWN}`,
  };
}

const REPORT_CHECKS = ["gpu.driver.allowed", "gpu.vbios.allowed", "gpu.fwid.allowed", "gpu.mode"] as const;

function reportChecks(report: GpuReport, { gpu }: Profile): Check[] {
  const list = new CheckList(REPORT_CHECKS);
  const oneOf = (id: (typeof REPORT_CHECKS)[number], allowed: readonly string[], found: string | null) => {
    const finding = { expected: allowed.join(", "), actual: found ?? "not stated" };
    if (found !== null && allowed.includes(found))
      list.pass(id, { ...finding, detail: "allowed by the policy" });
    else list.fail(id, { ...finding, detail: "not allowed by the policy" });
  };
  oneOf("gpu.driver.allowed", gpu.driverVersions, report.driverVersion);
  oneOf("gpu.vbios.allowed", gpu.vbiosVersions, report.vbiosVersion);
  oneOf("gpu.fwid.allowed", gpu.fwids, report.fwid && encodeHex(report.fwid));
  oneOf("gpu.mode", gpu.modeNotStated === "accept" ? [gpu.mode, "not-stated"] : [gpu.mode], report.mode);
  return list.checks;
}

const failures = (checks: readonly Check[]) => checks.filter(({ outcome }) => outcome === "fail").length;

function leavingOut(checks: readonly Check[], isLeftOut: (check: Check) => boolean): Check[] {
  return checks.map((check) =>
    isLeftOut(check)
      ? { ...check, outcome: "not-evaluated", detail: "needs the channel", expected: null, actual: null }
      : check,
  );
}
