// Makes keys, certificates and CRLs of made-up vendors. Their roots are fresh keys: production trust roots can never accept them.
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  X509CrlGenerator,
} from "@peculiar/x509";
import { encodeBase64 } from "../protocol/encoding/base64.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import { encodeInteger } from "./der.ts";

export type Curve = "P-256" | "P-384";
const HASH = { "P-256": "SHA-256", "P-384": "SHA-384" } as const;

/**
 * @example
 * ```ts
 * import type { KeyPair } from "touchstone/testing";
 * const publicKey = ({ spki }: KeyPair): Uint8Array => spki;
 * ```
 */
export interface KeyPair {
  readonly curve: Curve;
  readonly keys: CryptoKeyPair;
  /** DER of the SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** The uncompressed point without its leading 04: 64 bytes (P-256) or 96 (P-384). */
  readonly point: Uint8Array;
}

/**
 * A certificate with the private key that belongs to it.
 * @example
 * ```ts
 * import type { Certified } from "touchstone/testing";
 * const issuerOf = ({ subject }: Certified): string => subject;
 * ```
 */
export interface Certified extends KeyPair {
  readonly der: Uint8Array;
  readonly pem: string;
  readonly subject: string;
  /** Serial number, hex. */
  readonly serial: string;
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface CertificateFields extends Validity {
  readonly subject: string;
  readonly curve: Curve;
  /** CA certificates may sign certificates and CRLs; others sign data. */
  readonly ca: boolean;
  /** Absent for a self-signed root. */
  readonly issuer?: Certified;
  /** Leaves basicConstraints out. */
  readonly unconstrained?: boolean;
  readonly extensions?: readonly Extension[];
  /** Hex; random when absent. */
  readonly serial?: string;
}

/**
 * @example
 * ```ts
 * import { makeKeyPair } from "touchstone/testing";
 * const channel = await makeKeyPair("P-256");
 * ```
 */
export async function makeKeyPair(curve: Curve): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: curve }, true, [
    "sign",
    "verify",
  ]);
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey));
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey));
  return { curve, keys, spki, point: raw.subarray(1) };
}

/**
 * The private key as PKCS#8 PEM, for a TLS server.
 * @example
 * ```ts
 * import { makeKeyPair, privateKeyPem } from "touchstone/testing";
 * const pem = await privateKeyPem(await makeKeyPair("P-256"));
 * ```
 */
export async function privateKeyPem({ keys }: KeyPair): Promise<string> {
  const pkcs8 = encodeBase64(new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey)));
  return `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/(.{64})(?=.)/g, "$1\n")}\n-----END PRIVATE KEY-----\n`;
}

/** ECDSA with the hash of the curve's size; raw r‖s. */
export async function signWith(key: KeyPair, message: Uint8Array): Promise<Uint8Array> {
  const algorithm = { name: "ECDSA", hash: HASH[key.curve] };
  return new Uint8Array(await crypto.subtle.sign(algorithm, key.keys.privateKey, Uint8Array.from(message)));
}

/** Makes a key and the certificate for it; `key` certifies an existing one instead. */
export async function certify(fields: CertificateFields, key?: KeyPair): Promise<Certified> {
  const subjectKey = key ?? (await makeKeyPair(fields.curve));
  const signer = fields.issuer ?? subjectKey;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: fields.serial ?? randomSerial(),
    subject: fields.subject,
    issuer: fields.issuer?.subject ?? fields.subject,
    notBefore: fields.notBefore,
    notAfter: fields.notAfter,
    publicKey: subjectKey.keys.publicKey,
    signingKey: signer.keys.privateKey,
    signingAlgorithm: { name: "ECDSA", hash: HASH[signer.curve] },
    extensions: [
      ...(fields.unconstrained ? [] : [new BasicConstraintsExtension(fields.ca, undefined, true)]),
      new KeyUsagesExtension(
        fields.ca ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign : KeyUsageFlags.digitalSignature,
        true,
      ),
      await SubjectKeyIdentifierExtension.create(subjectKey.keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(signer.keys.publicKey),
      ...(fields.extensions ?? []),
    ],
  });
  return {
    ...subjectKey,
    der: new Uint8Array(certificate.rawData),
    pem: `${certificate.toString("pem")}\n`,
    subject: fields.subject,
    serial: certificate.serialNumber,
  };
}

/** 16 random bytes whose first is neither zero nor negative, so that every reader sees the same number. */
function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return encodeHex(bytes);
}

export interface CrlFields {
  readonly issuer: Certified;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Serial numbers, hex. */
  readonly revoked?: readonly string[];
  /** Extensions of RFC 5280 §§5.2.1 and 5.2.3 that are left out. */
  readonly without?: ReadonlyArray<"authority-key-identifier" | "crl-number">;
}

/**
 * A v2 CRL (RFC 5280 §5) as DER.
 * @example
 * ```ts
 * import { makeCrl, makeVendors } from "touchstone/testing";
 * const { intel } = await makeVendors(new Date());
 * const crl = await makeCrl({ issuer: intel.root, thisUpdate: new Date(), nextUpdate: new Date(Date.now() + 86_400_000), revoked: [] });
 * ```
 */
export async function makeCrl({
  issuer,
  thisUpdate,
  nextUpdate,
  revoked = [],
  without = [],
}: CrlFields): Promise<Uint8Array> {
  const crl = await X509CrlGenerator.create({
    issuer: issuer.subject,
    thisUpdate,
    nextUpdate,
    entries: revoked.map((serialNumber) => ({ serialNumber, revocationDate: thisUpdate })),
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: { name: "ECDSA", hash: HASH[issuer.curve] },
    extensions: [
      ...(without.includes("authority-key-identifier")
        ? []
        : [await AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey)]),
      ...(without.includes("crl-number")
        ? []
        : [new Extension("2.5.29.20", false, Uint8Array.from(encodeInteger(1)))]),
    ],
  });
  return new Uint8Array(crl.rawData);
}
