// Certificate chains to a pinned root (RFC 5280 §6.1, cut to what Intel's three-level SGX PKI uses: Intel SGX PCK Certificate and
// CRL Profile Specification §1.3). Validity windows are compared with the clock in one place, windows.ts, not here.
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate,
} from "@peculiar/x509";
import { importPublicKey, type PublicKey, verifySignature } from "../../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { readSignedDer, type SignedDer } from "./signed-der.ts";

const FORMAT = "certificate";
const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const MAX_CERTIFICATE_BYTES = 8 * 1024;
const PEM = /-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+?)\r?\n-----END CERTIFICATE-----/y;

export interface Certificate extends SignedDer {
  readonly der: Uint8Array;
  readonly x509: X509Certificate;
  readonly commonName: string;
  /** Lower-case hex without leading zeros. */
  readonly serial: string;
}

export type CertificateRole = "ca" | "signer";

/** Leaf first, root last. */
export type CertificateChain<Length extends 2 | 3> = Length extends 2
  ? readonly [Certificate, Certificate]
  : readonly [Certificate, Certificate, Certificate];

/**
 * The certificates of a PEM text (RFC 7468), in its order; between them white space, at the end at most one NUL.
 * @throws MalformedError unless there are exactly `length`.
 */
export function parsePemChain<Length extends 2 | 3>(text: string, length: Length): CertificateChain<Length> {
  const certificates: Certificate[] = [];
  let at = 0;
  const rest = text.replace(/\0$/, "");
  while (rest.slice(at).trim() !== "") {
    if (certificates.length === length)
      throw new MalformedError("PEM chain", `more than ${length} certificates`, at);
    PEM.lastIndex = at + rest.slice(at).search(/\S/);
    const match = PEM.exec(rest);
    if (match === null) throw new MalformedError("PEM chain", "not a CERTIFICATE block", at);
    certificates.push(parseCertificate(decodeBase64((match[1] ?? "").replace(/[\r\n]/g, ""))));
    at = PEM.lastIndex;
  }
  if (certificates.length < length) {
    throw new MalformedError("PEM chain", `${certificates.length} certificates, expected ${length}`);
  }
  return certificates as unknown as CertificateChain<Length>;
}

/**
 * Reads a DER certificate and refuses critical or repeated extensions that it would not look at.
 * @throws MalformedError
 */
export function parseCertificate(der: Uint8Array): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES) throw new MalformedError(FORMAT, "longer than 8 KiB");
  const signed = readSignedDer(der, FORMAT);
  try {
    const x509 = new X509Certificate(Uint8Array.from(der));
    requireKnownExtensions(x509.extensions, [BASIC_CONSTRAINTS, KEY_USAGE], FORMAT);
    const [commonName = ""] = x509.subjectName.getField("CN");
    return { ...signed, der, x509, commonName, serial: canonicalSerial(x509.serialNumber) };
  } catch (error) {
    throw asMalformed(error, FORMAT);
  }
}

/** An extension that is critical and not understood must refuse the document (RFC 5280 §4.2). */
export function requireKnownExtensions(
  extensions: ReadonlyArray<{ type: string; critical: boolean }>,
  known: readonly string[],
  format: string,
): void {
  const foreign = extensions.find(({ type, critical }) => critical && !known.includes(type));
  if (foreign) throw new MalformedError(format, `critical extension ${foreign.type} is not known here`);
  if (new Set(extensions.map(({ type }) => type)).size !== extensions.length) {
    throw new MalformedError(format, "an extension appears twice");
  }
}

/** Serial numbers differ between writers in leading zeros and case only. */
export function canonicalSerial(hex: string): string {
  return hex.toLowerCase().replace(/^0+(?=.)/, "");
}

/** Libraries throw what they like; a parser of ours throws MalformedError. */
export function asMalformed(error: unknown, format: string): MalformedError {
  if (error instanceof MalformedError) return error;
  return new MalformedError(format, error instanceof Error ? error.message : "not decodable");
}

/**
 * Verifies that `issuer` issued `certificate`, and that it is what its role asks for: a CA that may sign certificates,
 * or a signer that is no CA.
 * @throws VerificationError
 */
export async function requireIssued(
  certificate: Certificate,
  issuer: Certificate,
  role: CertificateRole,
): Promise<void> {
  const { x509, commonName } = certificate;
  if (x509.issuer !== issuer.x509.subject) {
    throw new VerificationError("issuer", `"${commonName}" names another issuer than "${issuer.commonName}"`);
  }
  requireAuthority(issuer, role === "ca" ? 1 : 0);
  requireRole(certificate, role);
  if (!(await verifySignature(await p256KeyOf(issuer), certificate.signedBytes, certificate.signature))) {
    throw new VerificationError(
      "signature",
      `the signature of "${commonName}" is not by "${issuer.commonName}"`,
    );
  }
}

/** The certificate's key, which must be P-256. */
export async function p256KeyOf(certificate: Certificate): Promise<PublicKey> {
  const key = await importPublicKey(new Uint8Array(certificate.x509.publicKey.rawData));
  if (key.algorithm !== "ecdsa-p256-sha256") {
    throw new VerificationError("key", `the key of "${certificate.commonName}" is not P-256`);
  }
  return key;
}

export function requireCommonName(certificate: Certificate, ...allowed: string[]): void {
  if (!allowed.includes(certificate.commonName)) {
    throw new VerificationError(
      "name",
      `the certificate is for "${certificate.commonName}", expected ${allowed.join(" or ")}`,
    );
  }
}

/** Whether two certificates are for the same authority: one name, one key. */
export function sameAuthority(a: Certificate, b: Certificate): boolean {
  const key = (certificate: Certificate) => new Uint8Array(certificate.x509.publicKey.rawData);
  return a.x509.subject === b.x509.subject && equalBytes(key(a), key(b));
}

/** @param below how many CA certificates may have to follow this one in the path. */
function requireAuthority(issuer: Certificate, below: number): void {
  const constraints = issuer.x509.getExtension(BasicConstraintsExtension);
  const usage = issuer.x509.getExtension(KeyUsagesExtension)?.usages ?? 0;
  if (!constraints?.ca || !(usage & KeyUsageFlags.keyCertSign)) {
    throw new VerificationError("ca", `"${issuer.commonName}" may not issue certificates`);
  }
  if (constraints.pathLength !== undefined && constraints.pathLength < below) {
    throw new VerificationError("path-length", `"${issuer.commonName}" may not issue to another CA`);
  }
}

function requireRole({ x509, commonName }: Certificate, role: CertificateRole): void {
  const isCa = x509.getExtension(BasicConstraintsExtension)?.ca ?? false;
  const usage = x509.getExtension(KeyUsagesExtension)?.usages ?? 0;
  const needed = role === "ca" ? KeyUsageFlags.keyCertSign : KeyUsageFlags.digitalSignature;
  if (isCa !== (role === "ca") || !(usage & needed)) {
    throw new VerificationError(
      "usage",
      `"${commonName}" may not be used as ${role === "ca" ? "a CA" : "a signer"}`,
    );
  }
}
