// X.509 certificates (RFC 5280 §4) as typed values: what path validation looks at, read once from strict DER.
import {
  importPublicKey,
  type PublicKey,
  type SignatureAlgorithm,
  verifySignature,
} from "../../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import * as der from "./der.ts";

const FORMAT = "certificate";
const MAX_CERTIFICATE_BYTES = 8 * 1024;
const VERSION_3 = "a003020102";
const COMMON_NAME = "2.5.4.3";
const KEY_USAGE = "2.5.29.15";
const BASIC_CONSTRAINTS = "2.5.29.19";
/** AlgorithmIdentifiers of ecdsa-with-SHA256 and -SHA384 (RFC 5758 §3.2), without parameters; each is used with the curve of its size. */
const ALGORITHMS: Readonly<Record<string, { name: SignatureAlgorithm; size: number }>> = {
  "300a06082a8648ce3d040302": { name: "ecdsa-p256-sha256", size: 32 },
  "300a06082a8648ce3d040303": { name: "ecdsa-p384-sha384", size: 48 },
};

/** What certificates, CRLs and OCSP responses have in common: SEQUENCE { to be signed, algorithm, signature, … }. */
export interface SignedDer {
  /** The DER of what was signed. */
  readonly signedBytes: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  /** ECDSA r‖s, 64 bytes for P-256 and 96 for P-384. */
  readonly signature: Uint8Array;
}

export interface KeyUsage {
  readonly digitalSignature: boolean;
  readonly keyCertSign: boolean;
  readonly crlSign: boolean;
}

export interface Certificate extends SignedDer {
  readonly der: Uint8Array;
  /** DER content of the INTEGER, hex: equal numbers are equal bytes. */
  readonly serial: string;
  /** Empty where the subject has none or several. */
  readonly commonName: string;
  /** DER of the names, for comparing. */
  readonly subject: Uint8Array;
  readonly issuer: Uint8Array;
  /** DER of the SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly ca: boolean;
  /** How many CA certificates may follow; infinite where nothing is said. */
  readonly pathLength: number;
  readonly keyUsage: KeyUsage;
  /** Extension values by dotted OID. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
}

/**
 * Reads a v3 certificate of at most 8 KiB that is signed with ECDSA P-256 and SHA-256, or P-384 and SHA-384.
 * @param understood extensions that the caller looks at, beside those that are looked at here.
 * @throws MalformedError, also for a repeated extension, and for a critical one that nobody looks at (RFC 5280 §4.2).
 */
export function parseCertificate(bytes: Uint8Array, understood: readonly string[] = []): Certificate {
  if (bytes.length > MAX_CERTIFICATE_BYTES) throw new MalformedError(FORMAT, "longer than 8 KiB");
  const { fields, ...signed } = readSignedDer(bytes, FORMAT);
  const [version, serial, algorithm, issuer, validity, subject, spki, last, ...rest] = fields;
  if (
    !version ||
    !serial ||
    !algorithm ||
    !issuer ||
    !validity ||
    !subject ||
    !spki ||
    !last ||
    rest.length > 0
  ) {
    throw new MalformedError(FORMAT, "a field is missing or not expected");
  }
  if (encodeHex(version.raw) !== VERSION_3) throw new MalformedError(FORMAT, "not of version 3");
  requireAlgorithm(algorithm, signed, FORMAT);
  const known = [KEY_USAGE, BASIC_CONSTRAINTS, ...understood];
  const extensions = readExtensions(der.derExplicit(last, 3), known, FORMAT);
  return {
    ...signed,
    der: bytes,
    serial: serialOf(serial),
    commonName: commonNameOf(subject),
    subject: subject.raw,
    issuer: issuer.raw,
    spki: spki.raw,
    ...validityOf(validity),
    ...constraintsOf(extensions.get(BASIC_CONSTRAINTS)),
    keyUsage: keyUsageOf(extensions.get(KEY_USAGE)),
    extensions,
  };
}

/** The frame of a certificate or CRL, and the fields of what is signed. @throws MalformedError */
export function readSignedDer(bytes: Uint8Array, format: string): SignedDer & { fields: der.DerElement[] } {
  const [signed, algorithm, signature, ...rest] = der.derSequence(der.readDer(bytes));
  if (signed === undefined || algorithm === undefined || signature === undefined || rest.length > 0) {
    throw new MalformedError(format, "expected what is signed, the algorithm and the signature");
  }
  return { ...readSignature(signed, algorithm, signature, format), fields: der.derSequence(signed) };
}

/** The three parts of a signed structure. @throws MalformedError for any other algorithm than the two. */
export function readSignature(
  signed: der.DerElement,
  algorithm: der.DerElement,
  signature: der.DerElement,
  format: string,
): SignedDer {
  const form = ALGORITHMS[encodeHex(algorithm.raw)];
  if (form === undefined) throw new MalformedError(format, "not signed with ECDSA and SHA-256 or SHA-384");
  return {
    signedBytes: signed.raw,
    algorithm: form.name,
    signature: der.rawEcdsaSignature(der.derBitString(signature), form.size),
  };
}

/** The algorithm stands inside and outside of what is signed, and must be the one that is verified. */
export function requireAlgorithm(inside: der.DerElement, { algorithm }: SignedDer, format: string): void {
  if (ALGORITHMS[encodeHex(inside.raw)]?.name !== algorithm) {
    throw new MalformedError(format, "the signature algorithm differs inside and outside");
  }
}

/** Extensions by OID. @throws MalformedError for one that appears twice, or is critical and not in `known`. */
export function readExtensions(
  list: der.DerElement,
  known: readonly string[],
  format: string,
): Map<string, Uint8Array> {
  const extensions = new Map<string, Uint8Array>();
  for (const extension of der.derSequence(list)) {
    const [identifier, ...rest] = der.derSequence(extension);
    const [value, flag] = rest.reverse();
    if (identifier === undefined || value === undefined || rest.length > 2) {
      throw new MalformedError(format, "an extension has other fields than identifier, critical and value");
    }
    const oid = der.derIdentifier(identifier);
    if (extensions.has(oid)) throw new MalformedError(format, `extension ${oid} appears twice`);
    if (flag !== undefined && der.derBoolean(flag) && !known.includes(oid)) {
      throw new MalformedError(format, `critical extension ${oid} is not known here`);
    }
    extensions.set(oid, der.derOctets(value));
  }
  return extensions;
}

/** The content of a serial number's INTEGER, hex. */
export function serialOf(element: der.DerElement): string {
  return encodeHex(der.derInteger(element, 32));
}

function commonNameOf(name: der.DerElement): string {
  const attributes = der.derSequence(name).flatMap(der.derSet).map(der.derSequence);
  const names = attributes.flatMap(([type, value]) =>
    type && value && der.derIdentifier(type) === COMMON_NAME ? [decodeUtf8(value.content)] : [],
  );
  return names.length === 1 ? (names[0] ?? "") : "";
}

function validityOf(element: der.DerElement): { notBefore: Date; notAfter: Date } {
  const [notBefore, notAfter, ...rest] = der.derSequence(element).map(der.derTime);
  if (notBefore && notAfter && rest.length === 0) return { notBefore, notAfter };
  throw new MalformedError(FORMAT, "the validity is not a pair of times");
}

function constraintsOf(value: Uint8Array | undefined): { ca: boolean; pathLength: number } {
  const [flag, length, ...rest] = value === undefined ? [] : der.derSequence(der.readDer(value));
  if (rest.length > 0) throw new MalformedError(FORMAT, "basic constraints have too many fields");
  return {
    ca: flag !== undefined && der.derBoolean(flag),
    pathLength: length === undefined ? Number.POSITIVE_INFINITY : der.derUint16(length),
  };
}

/** Without the extension no usage is allowed here, though RFC 5280 allows all: every certificate in sight has it. */
function keyUsageOf(value: Uint8Array | undefined): KeyUsage {
  const bits = value === undefined ? 0 : der.derNamedBits(der.readDer(value));
  return {
    digitalSignature: (bits & 0x80) !== 0,
    keyCertSign: (bits & 0x04) !== 0,
    crlSign: (bits & 0x02) !== 0,
  };
}

const PEM =
  /\s*-----BEGIN CERTIFICATE-----\r?\n((?:[A-Za-z0-9+/=]{1,76}\r?\n){1,200})-----END CERTIFICATE-----/y;

/**
 * The certificates of a PEM text (RFC 7468), in its order; around them white space, at the end at most one NUL.
 * @throws MalformedError unless there are `least` to `most` of them.
 */
export function parsePemCertificates(text: string, most: number, least = most): Certificate[] {
  const certificates: Certificate[] = [];
  // No pattern for this: one that may begin at any space takes the square of the time for text of spaces.
  const end = (text.endsWith("\0") ? text.slice(0, -1) : text).trimEnd().length;
  for (PEM.lastIndex = 0; PEM.lastIndex < end; ) {
    const at = PEM.lastIndex;
    const body = PEM.exec(text)?.[1];
    if (body === undefined) throw new MalformedError("PEM", "expected a CERTIFICATE block", at);
    if (certificates.length === most) throw new MalformedError("PEM", `more than ${most} certificates`, at);
    certificates.push(parseCertificate(decodeBase64(body.replace(/[\r\n]/g, ""))));
  }
  if (certificates.length < least) {
    throw new MalformedError("PEM", `${certificates.length} certificates, expected ${least}`);
  }
  return certificates;
}

/** The certificate's key. @throws MalformedError for a key that is not P-256. */
export async function p256KeyOf({ spki, commonName }: Certificate): Promise<PublicKey> {
  const key = await importPublicKey(spki);
  if (key.algorithm === "ecdsa-p256-sha256") return key;
  throw new MalformedError(FORMAT, `the key of "${commonName}" is not P-256`);
}

/** Whether the key of `signer` signed the document, with the algorithm of its own curve. */
export async function isSignedBy(signed: SignedDer, signer: Certificate): Promise<boolean> {
  const key = await importPublicKey(signer.spki);
  return key.algorithm === signed.algorithm && verifySignature(key, signed.signedBytes, signed.signature);
}

/** Whether two certificates are for the same authority: one name, one key. */
export function sameAuthority(a: Certificate, b: Certificate): boolean {
  return equalBytes(a.subject, b.subject) && equalBytes(a.spki, b.spki);
}
