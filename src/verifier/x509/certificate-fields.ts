// Reads the fields of an X.509 certificate (RFC 5280 §4.1.2) from strict DER, whoever signed it and with whatever algorithm.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MalformedError } from "../../protocol/errors.ts";
import * as der from "./der.ts";
import { commonNameOf } from "./name.ts";

const VERSION_3 = "a003020102";

export interface CertificateFields {
  /** DER content of the INTEGER, hex: equal numbers are equal bytes. */
  readonly serial: string;
  /** AlgorithmIdentifier of the signature. */
  readonly algorithm: der.DerElement;
  /** DER of the names, for comparing. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** The only commonName of the subject; null when there is none or several. */
  readonly commonName: string | null;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** DER of the SubjectPublicKeyInfo, byte for byte. */
  readonly spki: Uint8Array;
  /** The SEQUENCE of extensions. */
  readonly extensions: der.DerElement;
}

export interface Extension {
  readonly identifier: der.DerElement;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** Reads a TBSCertificate of version 3 with extensions and without unique identifiers. @throws MalformedError */
export function readCertificateFields(signed: readonly der.DerElement[], format: string): CertificateFields {
  const [version, serial, algorithm, issuer, validity, subject, spki, extensions, ...rest] = signed;
  if (
    !version ||
    !serial ||
    !algorithm ||
    !issuer ||
    !validity ||
    !subject ||
    !spki ||
    !extensions ||
    rest.length > 0
  ) {
    throw new MalformedError(format, "a field is missing or not expected");
  }
  if (encodeHex(version.raw) !== VERSION_3) throw new MalformedError(format, "not of version 3");
  return {
    serial: serialOf(serial),
    algorithm,
    issuer: issuer.raw,
    subject: subject.raw,
    commonName: commonNameOf(subject),
    ...validityOf(validity, format),
    spki: spki.raw,
    extensions: der.derExplicit(extensions, 3),
  };
}

/** The extensions of a certificate, CRL or OCSP response. @throws MalformedError for one that appears twice. */
export function readExtensionList(list: der.DerElement, format: string): Extension[] {
  const extensions = der.derSequence(list).map((extension) => readExtension(extension, format));
  const seen = new Set<string>();
  for (const { identifier } of extensions) {
    const oid = encodeHex(identifier.raw);
    if (seen.has(oid)) throw new MalformedError(format, `extension ${oid} appears twice`);
    seen.add(oid);
  }
  return extensions;
}

function readExtension(extension: der.DerElement, format: string): Extension {
  const [identifier, ...rest] = der.derSequence(extension);
  const [value, flag] = rest.reverse();
  if (identifier === undefined || value === undefined || rest.length > 2) {
    throw new MalformedError(format, "an extension has other fields than identifier, critical and value");
  }
  return {
    identifier,
    critical: flag !== undefined && der.derBoolean(flag),
    value: der.derOctets(value),
  };
}

/** Extensions by dotted OID. @throws MalformedError for one that appears twice, or is critical and not in `known`. */
export function readExtensions(
  list: der.DerElement,
  known: readonly string[],
  format: string,
): Map<string, Uint8Array> {
  const extensions = new Map<string, Uint8Array>();
  for (const { identifier, critical, value } of readExtensionList(list, format)) {
    const oid = der.derIdentifier(identifier);
    if (critical && !known.includes(oid)) {
      throw new MalformedError(format, `critical extension ${oid} is not known here`);
    }
    extensions.set(oid, value);
  }
  return extensions;
}

/** The content of a serial number's INTEGER, hex. */
export function serialOf(element: der.DerElement): string {
  return encodeHex(der.derInteger(element, 32));
}

function validityOf(element: der.DerElement, format: string): { notBefore: Date; notAfter: Date } {
  const [notBefore, notAfter, ...rest] = der.derSequence(element).map(der.derTime);
  if (notBefore && notAfter && rest.length === 0) return { notBefore, notAfter };
  throw new MalformedError(format, "the validity is not a pair of times");
}
