// Reads X.509 certificates (RFC 5280 §4) as typed values: what path validation looks at, parsed once from strict DER.
import { importPublicKey, type PublicKey, verifySignature } from "../../protocol/cryptography/signature.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type CertificateFields, readCertificateFields, readExtensions } from "./certificate-fields.ts";
import * as der from "./der.ts";
import type { SignatureMemo } from "./signature-memo.ts";
import { readSignedDer, requireAlgorithm, type SignedDer } from "./signed-der.ts";

const FORMAT = "certificate";
const MAX_CERTIFICATE_BYTES = 8 * 1024;
const KEY_USAGE = "2.5.29.15";
export const BASIC_CONSTRAINTS = "2.5.29.19";

export interface KeyUsage {
  readonly digitalSignature: boolean;
  readonly keyCertSign: boolean;
  readonly crlSign: boolean;
}

export interface Certificate
  extends SignedDer,
    Omit<CertificateFields, "algorithm" | "commonName" | "extensions"> {
  readonly der: Uint8Array;
  /** Empty where the subject has none or several. */
  readonly commonName: string;
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
  const { algorithm, commonName, extensions: list, ...read } = readCertificateFields(fields, FORMAT);
  requireAlgorithm(algorithm, signed, FORMAT);
  const extensions = readExtensions(list, [KEY_USAGE, BASIC_CONSTRAINTS, ...understood], FORMAT);
  return {
    ...signed,
    ...read,
    der: bytes,
    commonName: commonName ?? "",
    ...constraintsOf(extensions.get(BASIC_CONSTRAINTS)),
    keyUsage: keyUsageOf(extensions.get(KEY_USAGE)),
    extensions,
  };
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

/** The certificate's key. @throws MalformedError for a key that is not P-256. */
export async function p256KeyOf({ spki, commonName }: Certificate): Promise<PublicKey> {
  const key = await importPublicKey(spki);
  if (key.algorithm === "ecdsa-p256-sha256") return key;
  throw new MalformedError(FORMAT, `the key of "${commonName}" is not P-256`);
}

/**
 * Whether the key of `signer` signed the document, with the algorithm of its own curve.
 * @param memo what was found before, of the same appraisal.
 */
export function isSignedBy(signed: SignedDer, signer: Certificate, memo?: SignatureMemo): Promise<boolean> {
  const verify = async () => {
    const key = await importPublicKey(signer.spki);
    return key.algorithm === signed.algorithm && verifySignature(key, signed.signedBytes, signed.signature);
  };
  return memo === undefined ? verify() : memo.once(signed, signer.spki, verify);
}

/** Whether two certificates are for the same authority: one name, one key. */
export function sameAuthority(a: Certificate, b: Certificate): boolean {
  return equalBytes(a.subject, b.subject) && equalBytes(a.spki, b.spki);
}
