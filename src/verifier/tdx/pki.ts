// The rules of Intel's three-level SGX PKI (Intel SGX PCK Certificate and CRL Profile Specification §1.3): who may issue what, under which
// name. Validity windows are compared with the clock in one place, validity.ts, not here.
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { type Certificate, isSignedBy, parsePemCertificates } from "../x509/certificate.ts";

/** Leaf first, root last. */
export type CertificateChain<Length extends 2 | 3> = Length extends 2
  ? readonly [Certificate, Certificate]
  : readonly [Certificate, Certificate, Certificate];

/** @throws MalformedError unless the text holds exactly `length` certificates. */
export function parsePemChain<Length extends 2 | 3>(text: string, length: Length): CertificateChain<Length> {
  return parsePemCertificates(text, length) as unknown as CertificateChain<Length>;
}

/**
 * Verifies that `issuer` issued `certificate`, and that it is what its role asks for: a CA that may sign certificates, or a
 * signer that is no CA.
 * @throws VerificationError
 */
export async function requireIssued(
  certificate: Certificate,
  issuer: Certificate,
  role: "ca" | "signer",
): Promise<void> {
  const { commonName, ca, keyUsage } = certificate;
  if (!equalBytes(certificate.issuer, issuer.subject)) {
    throw new VerificationError("issuer", `"${commonName}" names another issuer than "${issuer.commonName}"`);
  }
  if (!issuer.ca || !issuer.keyUsage.keyCertSign || issuer.pathLength < (role === "ca" ? 1 : 0)) {
    throw new VerificationError("ca", `"${issuer.commonName}" may not issue "${commonName}"`);
  }
  if (ca !== (role === "ca") || !(role === "ca" ? keyUsage.keyCertSign : keyUsage.digitalSignature)) {
    throw new VerificationError(
      "usage",
      `"${commonName}" may not be used as ${role === "ca" ? "a CA" : "a signer"}`,
    );
  }
  if (!(await isSignedBy(certificate, issuer))) {
    throw new VerificationError(
      "signature",
      `the signature of "${commonName}" is not by "${issuer.commonName}"`,
    );
  }
}

export function requireCommonName({ commonName }: Certificate, ...allowed: string[]): void {
  if (!allowed.includes(commonName)) {
    throw new VerificationError(
      "name",
      `the certificate is for "${commonName}", expected ${allowed.join(" or ")}`,
    );
  }
}
