// Reads the chains of Intel's three-level SGX PKI (Intel SGX PCK Certificate and CRL Profile Specification §1.3), whose certificates
// are told apart by name.
import { VerificationError } from "../../protocol/errors.ts";
import type { Certificate } from "../x509/certificate.ts";
import { parsePemCertificates } from "../x509/pem.ts";
import type { TdxCode } from "./tdx-code.ts";

/** Leaf first, root last. */
export type CertificateChain<Length extends 2 | 3> = Length extends 2
  ? readonly [Certificate, Certificate]
  : readonly [Certificate, Certificate, Certificate];

/** @throws MalformedError unless the text holds exactly `length` certificates. */
export function parsePemChain<Length extends 2 | 3>(text: string, length: Length): CertificateChain<Length> {
  return parsePemCertificates(text, length) as unknown as CertificateChain<Length>;
}

/** @throws VerificationError "name". */
export function requireCommonName({ commonName }: Certificate, ...allowed: string[]): void {
  if (!allowed.includes(commonName)) {
    throw new VerificationError<TdxCode>(
      "name",
      `the certificate is for "${commonName}", expected ${allowed.join(" or ")}`,
    );
  }
}
