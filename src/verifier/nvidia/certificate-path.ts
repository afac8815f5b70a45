// Path validation (RFC 5280 §6.1), the part that NVIDIA's short fixed chains need: names, CA and path length, key usage, signatures, windows.
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { type Certificate, isSignedBy } from "../x509/certificate.ts";

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
    new VerificationError("certificate-path", `"${certificate.commonName}": ${what} "${issuer.commonName}"`);
  if (!equalBytes(certificate.issuer, issuer.subject)) throw refuse("was not issued by");
  if (!issuer.ca || issuer.pathLength < depth) throw refuse("its path is longer than allowed by the issuer");
  if (!issuer.keyUsage.keyCertSign) throw refuse("no certificates may be signed by the issuer");
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

/** Checks that every certificate of `path` is valid at `now`. @throws VerificationError with code "certificate-window". */
export function verifyWindows(path: readonly Certificate[], now: Date): void {
  const outside = path.find((c) => !(c.notBefore <= now && now <= c.notAfter));
  if (outside === undefined) return;
  const window = `${outside.notBefore.toISOString()} to ${outside.notAfter.toISOString()}`;
  throw new VerificationError("certificate-window", `"${outside.commonName}" is valid from ${window}`);
}
