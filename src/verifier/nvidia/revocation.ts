// Whether the certificates of a GPU's chain are revoked, as the policy wants it known: stapled OCSP answers, CRLs, or said out loud that it is not asked.
import type { GpuRequirements } from "../../protocol/entry/policy.ts";
import { VerificationError } from "../../protocol/errors.ts";
import type { GpuEvidence } from "../evidence.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";
import { type GpuChain, revocable } from "./certificate-chain.ts";
import { crlStatus } from "./crl-status.ts";
import { NVIDIA_DEVICE_ROOT } from "./device-root.ts";
import type { NvidiaCode } from "./nvidia-code.ts";
import { type CertificateStatus, ocspStatus, parseOcspResponse } from "./ocsp.ts";

export type RevocationMode = GpuRequirements["revocation"];

export interface RevocationOptions {
  readonly mode: RevocationMode;
  readonly now: Date;
  /** DER of the root to trust instead of NVIDIA's pinned one, for tests. */
  readonly root?: Uint8Array;
}

type StatusOf = (certificate: Certificate, issuer: Certificate) => Promise<CertificateStatus | null>;

/**
 * Checks that every certificate of a verified chain below the root, but the leaf, is stated to be good now. NVIDIA issues no CRL for the keys
 * inside the GPUs: with CRLs, the device certificate is held against its issuer's list only where one is stapled.
 * @returns what was found, in words.
 * @throws VerificationError "revocation", "ocsp" or "crl", or MalformedError.
 */
export async function requireGpuNotRevoked(
  chain: GpuChain,
  stapled: Pick<GpuEvidence, "ocsp" | "crls">,
  { mode, now, root = NVIDIA_DEVICE_ROOT }: RevocationOptions,
): Promise<string> {
  if (mode === "not-required") return "not checked: the policy says that revocation is not required";
  const ask = mode === "ocsp-stapled" ? askOcsp(stapled.ocsp, now) : askCrls(stapled.crls, now);
  let good = 0;
  for (const [certificate, issuer] of revocable(chain, parseCertificate(root))) {
    const answers = (await Promise.all(ask.map((of) => of(certificate, issuer)))).filter(
      (answer) => answer !== null,
    );
    if (mode === "crl" && certificate === chain.device && answers.length === 0) continue;
    const bad =
      answers.length === 0 ? `nothing stapled says that it is good` : answers.find((a) => a !== "good");
    if (bad !== undefined)
      throw new VerificationError<NvidiaCode>("revocation", `"${certificate.commonName}": ${bad}`);
    good++;
  }
  return `${good} certificates good by ${mode}`;
}

function askOcsp(responses: readonly Uint8Array[], now: Date): StatusOf[] {
  return responses
    .map(parseOcspResponse)
    .map((response) => (c, issuer) => ocspStatus(response, c, issuer, now));
}

function askCrls(lists: readonly Uint8Array[], now: Date): StatusOf[] {
  return lists.map((list) => (c, issuer) => crlStatus(list, c, issuer, now));
}
