// Path validation (RFC 5280 §6.1), the part that vendors' short fixed chains need: names, CA and path length, key usage, signatures, windows.

import {
  importPublicKey,
  type SignatureAlgorithm,
  verifySignature,
} from "../../protocol/cryptography/signature.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { VerificationError } from "../../protocol/errors.ts";
import type { Certificate } from "./certificate.ts";
import { rawEcdsaSignature } from "./der.ts";

const ALGORITHM: Readonly<Record<string, { key: SignatureAlgorithm; size: number }>> = {
  "1.2.840.10045.4.3.2": { key: "ecdsa-p256-sha256", size: 32 },
  "1.2.840.10045.4.3.3": { key: "ecdsa-p384-sha384", size: 48 },
};

/** Extensions that may be critical because somebody here looks at them. */
const UNDERSTOOD = new Set(["2.5.29.15", "2.5.29.19", "2.5.29.37", "2.23.133.5.4.1", "2.23.133.5.4.1.1"]);

/** Something that a certificate's key signed: a certificate, CRL or OCSP response. */
export interface Signed {
  readonly tbs: Uint8Array;
  readonly algorithm: string;
  readonly signature: Uint8Array;
}

/** Whether `signed` verifies under the key of `signer`: ECDSA P-256 with SHA-256 or P-384 with SHA-384. */
export async function isSignedBy(signed: Signed, signer: Certificate): Promise<boolean> {
  const algorithm = ALGORITHM[signed.algorithm];
  if (algorithm === undefined) return false;
  const key = await importPublicKey(signer.spki);
  if (key.algorithm !== algorithm.key) return false;
  return verifySignature(key, signed.tbs, rawEcdsaSignature(signed.signature, algorithm.size));
}

/**
 * Checks that `issuer` is a CA that may issue and did issue `certificate`.
 * @param depth CA certificates between the issuer and the leaf, for its path length.
 * @throws VerificationError with code "certificate-path".
 */
export async function verifyIssued(
  certificate: Certificate,
  issuer: Certificate,
  depth: number,
): Promise<void> {
  const refuse = (what: string) =>
    new VerificationError("certificate-path", `"${certificate.subject}": ${what} "${issuer.subject}"`);
  if (!equalBytes(certificate.issuerDer, issuer.subjectDer)) throw refuse("was not issued by");
  if (!issuer.ca || issuer.pathLength < depth) throw refuse("its path is longer than allowed by the issuer");
  if (!issuer.keyUsage.includes("keyCertSign")) throw refuse("no certificates may be signed by the issuer");
  if (certificate.criticalExtensions.some((id) => !UNDERSTOOD.has(id)))
    throw refuse("has an unknown critical extension, issued by");
  if (!(await isSignedBy(certificate, issuer))) throw refuse("its signature does not verify under");
}

/** Checks that each certificate of `path`, leaf first, was issued by the next. @throws VerificationError */
export async function verifyPath(path: readonly Certificate[]): Promise<void> {
  await Promise.all(
    path.map((certificate, i) => {
      const issuer = path[i + 1];
      return issuer && verifyIssued(certificate, issuer, i);
    }),
  );
}

/** The first certificate whose validity does not include `now`. */
export function outsideWindow(path: readonly Certificate[], now: Date): Certificate | undefined {
  return path.find((c) => !(c.notBefore <= now && now <= c.notAfter));
}
