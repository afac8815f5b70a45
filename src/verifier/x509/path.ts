// Validates certification paths (RFC 5280 §6.1), as much as short and fixed chains need: names, CA and path length, key usage, signatures.
// Whether something is revoked is asked in crl.ts, whether it is valid now in validity.ts.
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { type Certificate, isSignedBy } from "./certificate.ts";
import type { SignatureMemo } from "./signature-memo.ts";
import type { X509Code } from "./x509-code.ts";

/**
 * Verifies that `issuer` is a CA that may issue `certificate`, and that it did.
 * @param depth CA certificates between the issuer and the leaf, for its path length.
 * @throws VerificationError "issuer" | "ca" | "signature".
 */
export async function requireIssued(
  certificate: Certificate,
  issuer: Certificate,
  depth: number,
  memo?: SignatureMemo,
): Promise<void> {
  const [subject, authority] = [`"${certificate.commonName}"`, `"${issuer.commonName}"`];
  if (!equalBytes(certificate.issuer, issuer.subject)) {
    throw new VerificationError<X509Code>("issuer", `${subject} names another issuer than ${authority}`);
  }
  if (!issuer.ca || !issuer.keyUsage.keyCertSign || issuer.pathLength < depth) {
    throw new VerificationError<X509Code>("ca", `${authority} may not issue ${subject}`);
  }
  if (!(await isSignedBy(certificate, issuer, memo))) {
    throw new VerificationError<X509Code>("signature", `the signature of ${subject} is not by ${authority}`);
  }
}

/**
 * Verifies that a certificate is fit for what it is used as: a CA that may sign certificates, or a signer that is no CA.
 * @throws VerificationError "usage".
 */
export function requireRole({ commonName, ca, keyUsage }: Certificate, role: "ca" | "signer"): void {
  if (role === "ca" ? ca && keyUsage.keyCertSign : !ca && keyUsage.digitalSignature) return;
  const wanted = role === "ca" ? "a CA" : "a signer";
  throw new VerificationError<X509Code>("usage", `"${commonName}" may not be used as ${wanted}`);
}

/**
 * Verifies a path, leaf first: the leaf is a signer, and each certificate was issued by the next.
 * @throws VerificationError "usage" | "issuer" | "ca" | "signature".
 */
export async function requirePath(
  path: readonly [Certificate, ...Certificate[]],
  memo?: SignatureMemo,
): Promise<void> {
  requireRole(path[0], "signer");
  const issuers = path.slice(1);
  await Promise.all(issuers.map((issuer, i) => requireIssued(path[i] ?? issuer, issuer, i, memo)));
}
