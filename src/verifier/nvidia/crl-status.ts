// Reads what a stapled CRL (RFC 5280 §5) says about one certificate, at a stated time.
import { VerificationError } from "../../protocol/errors.ts";
import { once, type VerifiedCache } from "../verified-cache.ts";
import type { Certificate } from "../x509/certificate.ts";
import { type RevocationList, verifyCrl } from "../x509/crl.ts";
import { requireValid, windowOfCrl } from "../x509/validity.ts";
import type { CertificateAnswer } from "./ocsp.ts";

/**
 * What a CRL says about one certificate; null when it is another issuer's. That it is revoked counts whenever it was said.
 * @param verified what earlier calls verified: the list, with its signature.
 * @throws VerificationError when the issuer may not sign CRLs or did not sign this one; PolicyError when the certificate is not on it and
 * it is not valid at `now`; MalformedError when it is not a complete v2 list.
 */
export async function crlStatus(
  der: Uint8Array,
  certificate: Certificate,
  issuer: Certificate,
  now: Date,
  verified?: VerifiedCache,
): Promise<CertificateAnswer | null> {
  const known = await verified?.findingsOf("CRL", der, issuer.der);
  const list = await once(known, "list", () => listOf(der, issuer));
  if (list === null) return null;
  if (list.revokedSerials.has(certificate.serial)) return { status: "revoked" };
  const valid = windowOfCrl(list);
  requireValid([valid], now);
  return { status: "good", valid };
}

async function listOf(der: Uint8Array, issuer: Certificate): Promise<RevocationList | null> {
  try {
    return await verifyCrl(der, issuer);
  } catch (error) {
    if (error instanceof VerificationError && error.code === "crl-issuer") return null;
    throw error;
  }
}
