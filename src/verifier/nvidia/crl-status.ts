// What a stapled CRL (RFC 5280 §5) says about one certificate, at a stated time.
import { VerificationError } from "../../protocol/errors.ts";
import type { Certificate } from "../x509/certificate.ts";
import { type RevocationList, verifyCrl } from "../x509/crl.ts";
import type { CertificateStatus } from "./ocsp.ts";

/**
 * What a CRL says about one certificate; null when it is another issuer's.
 * @throws VerificationError when the issuer may not sign CRLs or did not sign this one, or `now` is outside thisUpdate to nextUpdate;
 * MalformedError when it is not a complete v2 list.
 */
export async function crlStatus(
  der: Uint8Array,
  certificate: Certificate,
  issuer: Certificate,
  now: Date,
): Promise<CertificateStatus | null> {
  const list = await listOf(der, issuer);
  if (list === null) return null;
  const { thisUpdate, nextUpdate, revokedSerials } = list;
  if (!(thisUpdate <= now && now <= nextUpdate)) {
    const window = `${thisUpdate.toISOString()} to ${nextUpdate.toISOString()}`;
    throw new VerificationError("crl-window", `the CRL of "${issuer.commonName}" is valid from ${window}`);
  }
  return revokedSerials.has(certificate.serial) ? "revoked" : "good";
}

async function listOf(der: Uint8Array, issuer: Certificate): Promise<RevocationList | null> {
  try {
    return await verifyCrl(der, issuer);
  } catch (error) {
    if (error instanceof VerificationError && error.code === "crl-issuer") return null;
    throw error;
  }
}
