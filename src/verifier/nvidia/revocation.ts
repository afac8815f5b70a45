// Checks whether the certificates of a GPU's chain are revoked, as the policy wants it known: stapled OCSP answers, CRLs, or said out loud
// that it is not asked.
import type { GpuRequirements } from "../../protocol/entry/policy.ts";
import { PolicyError, VerificationError } from "../../protocol/errors.ts";
import type { Check } from "../check-list.ts";
import type { DeviceEvidence } from "../evidence.ts";
import type { VerifiedCache } from "../verified-cache.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";
import type { SignatureMemo } from "../x509/signature-memo.ts";
import type { Window } from "../x509/validity.ts";
import type { ValidityCode } from "../x509/x509-code.ts";
import { type DeviceChain, revocable } from "./certificate-chain.ts";
import { crlStatus } from "./crl-status.ts";
import { NVIDIA_DEVICE_ROOT } from "./device-root.ts";
import type { NvidiaCode } from "./nvidia-code.ts";
import { type CertificateAnswer, ocspStatus, parseOcspResponse } from "./ocsp.ts";

export type RevocationMode = GpuRequirements["revocation"];

export interface RevocationOptions {
  readonly mode: RevocationMode;
  readonly now: Date;
  /** DER of the root to trust instead of NVIDIA's pinned one, for tests. */
  readonly root?: Uint8Array;
  /** Signatures that this appraisal verified. */
  readonly signatures?: SignatureMemo;
  /** What earlier calls verified. */
  readonly verified?: VerifiedCache;
}

/** What the stapled answers say of one certificate, each on its own: null from one about others, an error from one that is stale. */
type Ask = (certificate: Certificate, issuer: Certificate) => Promise<readonly Answer[]>;
type Answer = CertificateAnswer | PolicyError<ValidityCode> | null;

export interface NotRevoked {
  /** What was found, in words. */
  readonly found: string;
  /** For each certificate that was asked about: the time in which an answer says that it is good. */
  readonly valid: readonly Window[];
}

/** What a policy's checks of all devices of one kind come to. */
export interface DevicePolicyResult {
  readonly checks: Check[];
  /** The times for which the answers speak that say that nothing is revoked; none where they were not asked for. */
  readonly notRevoked: readonly Window[];
}

/**
 * Checks that every certificate of a verified chain below the root, but the leaf, is stated to be good now. One answer that says revoked
 * refuses, whatever the others say. One that settles nothing (a responder's error, "unknown", stale, about others) is passed over and
 * counted; one that is forged or unreadable refuses. NVIDIA issues no CRL for the keys inside the devices: with CRLs, the device certificate is
 * held against its issuer's list only where one is stapled.
 * @throws VerificationError "revocation", "ocsp" or "crl"; PolicyError when the only answer is stale; MalformedError.
 */
export async function requireGpuNotRevoked(
  chain: DeviceChain,
  stapled: Pick<DeviceEvidence, "ocsp" | "crls">,
  { mode, root = NVIDIA_DEVICE_ROOT, ...how }: RevocationOptions,
): Promise<NotRevoked> {
  if (mode === "not-required")
    return { found: "not checked: the policy says that revocation is not required", valid: [] };
  const ask = mode === "ocsp-stapled" ? askOcsp(stapled.ocsp, how) : askCrls(stapled.crls, how);
  const settling = new Set<number>();
  const valid: Window[] = [];
  let asked = 0;
  for (const [certificate, issuer] of revocable(chain, parseCertificate(root))) {
    const answers = await ask(certificate, issuer);
    asked = answers.length;
    if (mode === "crl" && certificate === chain.device && answers.every((answer) => answer === null))
      continue;
    valid.push(requireGood(certificate, answers));
    for (const [i, answer] of answers.entries()) if (statusOf(answer) === "good") settling.add(i);
  }
  const idle = asked - settling.size;
  const rest = idle === 0 ? "" : `; ${idle} of ${asked} stapled answers settle nothing`;
  return { found: `${valid.length} certificates good by ${mode}${rest}`, valid };
}

/** @returns the time for which the answer speaks that lasts longest. */
function requireGood({ commonName }: Certificate, answers: readonly Answer[]): Window {
  const refuse = (detail: string) =>
    new VerificationError<NvidiaCode>("revocation", `"${commonName}": ${detail}`);
  const says = answers.map(statusOf);
  if (says.includes("revoked")) throw refuse("revoked");
  const good = answers.flatMap((answer) => (answer !== null && "valid" in answer ? [answer.valid] : []));
  const [longest] = good.sort((a, b) => b.until.getTime() - a.until.getTime());
  if (longest !== undefined) return longest;
  const stale = answers.find((answer) => answer instanceof PolicyError);
  if (stale !== undefined) throw stale;
  throw refuse(says.includes("unknown") ? "unknown" : "nothing stapled says that it is good");
}

function statusOf(answer: Answer): CertificateAnswer["status"] | null {
  return answer !== null && "status" in answer ? answer.status : null;
}

type Judging = Pick<RevocationOptions, "now" | "signatures" | "verified">;

function askOcsp(responses: readonly Uint8Array[], { now, signatures, verified }: Judging): Ask {
  const parsed = responses.map(parseOcspResponse);
  return (certificate, issuer) =>
    Promise.all(
      parsed.map((response) =>
        "error" in response
          ? null
          : unlessStale(ocspStatus(response, certificate, issuer, now, signatures, verified)),
      ),
    );
}

function askCrls(lists: readonly Uint8Array[], { now, verified }: Judging): Ask {
  return (certificate, issuer) =>
    Promise.all(lists.map((list) => unlessStale(crlStatus(list, certificate, issuer, now, verified))));
}

async function unlessStale(answer: Promise<CertificateAnswer | null>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
}
