// Makes the certificate that carries evidence.json to TLS clients: touchstone-ra-tls/v1 (docs/formats.md, "Evidence"). It is signed by its own
// key, since the quote vouches for it and nobody else has to.
import "reflect-metadata";
import { createPrivateKey, type KeyObject } from "node:crypto";
import {
  BasicConstraintsExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { encode } from "cborg";
import { MalformedError } from "../protocol/errors.ts";
import { EVIDENCE_MEDIA_TYPE } from "../verifier/ra-tls/cmw.ts";
import { derElement } from "./der-element.ts";

/** id-pe-cmw (draft-ietf-rats-msg-wrap §4.4). */
const WRAPPER = "1.3.6.1.5.5.7.1.35";
const OCTET_STRING = 0x04;
/** OpenSSL refuses a longer list of certificates unless it is told otherwise. */
const MAX_CERTIFICATE_BYTES = 100 * 1024;
const CURVES: Readonly<Record<string, { readonly namedCurve: string; readonly hash: string }>> = {
  prime256v1: { namedCurve: "P-256", hash: "SHA-256" },
  secp384r1: { namedCurve: "P-384", hash: "SHA-384" },
};

/** The key of a TLS server, and what makes a certificate of it. */
export interface ServerKey {
  /** DER. */
  readonly spki: Uint8Array;
  readonly keys: CryptoKeyPair;
  readonly hash: string;
}

export interface CertificateFields {
  /** Host name that clients ask for, which goes into subject and subjectAltName. */
  readonly name: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The bytes of evidence.json, bound to the same key. */
  readonly evidence: Uint8Array;
}

/** Reads a private key, PEM. @throws MalformedError for anything but ECDSA P-256 and P-384. */
export async function readServerKey(pem: Uint8Array): Promise<ServerKey> {
  const key = parseKey(pem);
  const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ""];
  if (curve === undefined) throw new MalformedError("TLS key", "expected ECDSA on P-256 or P-384");
  const { namedCurve, hash } = curve;
  const jwk = key.export({ format: "jwk" });
  const { d: _, ...publicJwk } = jwk;
  const algorithm = { name: "ECDSA", namedCurve };
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey("jwk", jwk, algorithm, false, ["sign"]),
    crypto.subtle.importKey("jwk", publicJwk, algorithm, true, ["verify"]),
  ]);
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
  return { spki, keys: { privateKey, publicKey }, hash };
}

function parseKey(pem: Uint8Array): KeyObject {
  try {
    return createPrivateKey(Buffer.from(pem));
  } catch {
    throw new MalformedError("TLS key", "no private key in PEM, or one that needs a password");
  }
}

/** The certificate, PEM. @throws RangeError where it is longer than TLS stacks take. */
export async function makeEvidenceCertificate(key: ServerKey, fields: CertificateFields): Promise<string> {
  const { name, notBefore, notAfter, evidence } = fields;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore,
    notAfter,
    keys: key.keys,
    signingAlgorithm: { name: "ECDSA", hash: key.hash },
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new SubjectAlternativeNameExtension([{ type: "dns", value: name }]),
      new Extension(WRAPPER, false, wrap(evidence).slice()),
    ],
  });
  const { byteLength } = certificate.rawData;
  if (byteLength > MAX_CERTIFICATE_BYTES)
    throw new RangeError(
      `the certificate has ${byteLength} bytes, and TLS stacks take ${MAX_CERTIFICATE_BYTES}: serve the evidence instead (touchstone attest serve)`,
    );
  return `${certificate.toString("pem")}\n`;
}

/** OCTET STRING of the CBOR array [media type, bytes]. */
function wrap(evidence: Uint8Array): Uint8Array {
  return derElement(OCTET_STRING, encode([EVIDENCE_MEDIA_TYPE, evidence]));
}
