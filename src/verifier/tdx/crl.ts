// Certificate revocation lists (RFC 5280 §5): issuer, signature, and the serial numbers on them. Whatever is wrong with a list refuses
// it, because a verifier that swallows a bad list accepts revoked platforms.
import "reflect-metadata";
import { KeyUsageFlags, KeyUsagesExtension, X509Crl } from "@peculiar/x509";
import { verifySignature } from "../../protocol/cryptography/signature.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import {
  asMalformed,
  type Certificate,
  canonicalSerial,
  p256KeyOf,
  requireKnownExtensions,
} from "./certificates.ts";
import { readSignedDer } from "./signed-der.ts";

const FORMAT = "CRL";

/** A list whose issuer and signature were verified. Its window is not compared with any clock yet. */
export interface RevocationList {
  readonly issuer: Certificate;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly revokedSerials: ReadonlySet<string>;
}

/**
 * Reads a DER CRL and verifies that `issuer` signed it.
 * @throws MalformedError, also for a list with critical extensions (partial, indirect or delta lists) or without nextUpdate.
 * @throws VerificationError when it is another issuer's or the signature does not hold.
 */
export async function verifyCrl(der: Uint8Array, issuer: Certificate): Promise<RevocationList> {
  const { crl, signed, ...list } = parseCrl(der);
  if (crl.issuer !== issuer.x509.subject) {
    throw new VerificationError("crl-issuer", `the CRL names another issuer than "${issuer.commonName}"`);
  }
  const usage = issuer.x509.getExtension(KeyUsagesExtension)?.usages ?? 0;
  if (!(usage & KeyUsageFlags.cRLSign)) {
    throw new VerificationError("crl-usage", `"${issuer.commonName}" may not sign CRLs`);
  }
  if (!(await verifySignature(await p256KeyOf(issuer), signed.signedBytes, signed.signature))) {
    throw new VerificationError("crl-signature", `the CRL's signature is not by "${issuer.commonName}"`);
  }
  return { issuer, ...list };
}

/** @throws VerificationError when the list's issuer is not the certificate's, or the certificate is on it. */
export function requireNotRevoked(certificate: Certificate, list: RevocationList): void {
  if (certificate.x509.issuer !== list.issuer.x509.subject) {
    throw new VerificationError("crl-issuer", `the CRL is not by the issuer of "${certificate.commonName}"`);
  }
  if (list.revokedSerials.has(certificate.serial)) {
    throw new VerificationError(
      "revoked",
      `"${certificate.commonName}", serial ${certificate.serial}, is revoked`,
    );
  }
}

function parseCrl(der: Uint8Array) {
  if (der.length === 0)
    throw new MalformedError(FORMAT, "the list is absent; fetch it with the other collateral");
  const signed = readSignedDer(der, FORMAT);
  try {
    const crl = new X509Crl(Uint8Array.from(der));
    requireKnownExtensions(crl.extensions, [], FORMAT);
    for (const entry of crl.entries) requireKnownExtensions(entry.extensions, [], FORMAT);
    const { thisUpdate, nextUpdate } = crl;
    if (nextUpdate === undefined) throw new MalformedError(FORMAT, "nextUpdate is missing");
    const revokedSerials = new Set(crl.entries.map((entry) => canonicalSerial(entry.serialNumber)));
    return { crl, signed, thisUpdate, nextUpdate, revokedSerials };
  } catch (error) {
    throw asMalformed(error, FORMAT);
  }
}
