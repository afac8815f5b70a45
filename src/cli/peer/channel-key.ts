// Reads the key of the channel that the verifier talks over, from a file: a public key, or the peer's certificate, which holds it.
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import type { Channel } from "../../verifier/appraisal/channel-binding.ts";
import { parseRaTlsCertificate } from "../../verifier/ra-tls/ra-tls-certificate.ts";
import { derBitString, derSequence, readDer } from "../../verifier/x509/der.ts";

const MAX_HPKE_KEY_BYTES = 256;
const SEQUENCE = 0x30;

/**
 * Reads a TLS channel's key: SubjectPublicKeyInfo as PEM, bare base64 or DER; or an X.509 certificate as PEM or DER, which binding
 * formats other than touchstone-binding/v1 need.
 * @throws MalformedError
 */
export function readTlsChannel(bytes: Uint8Array): Channel {
  const { label, der } = unarmour(bytes);
  if (label === "CERTIFICATE" || (label === null && fieldsOf(der) === 3)) return channelOfCertificate(der);
  requireSpki(der);
  return { type: "tls-spki", key: der };
}

export function channelOfCertificate(certificate: Uint8Array): Channel {
  return { type: "tls-spki", key: parseRaTlsCertificate(certificate).spki, certificate };
}

/** A raw HPKE public key (RFC 9180) in hex, as the page that uses it holds it. */
export function readHpkeChannel(hex: string): Channel {
  const key = decodeHex(hex);
  if (key.length === 0 || key.length > MAX_HPKE_KEY_BYTES)
    throw new MalformedError("HPKE key", `expected 1 to ${MAX_HPKE_KEY_BYTES} bytes, got ${key.length}`);
  return { type: "hpke", key };
}

function unarmour(bytes: Uint8Array): { label: string | null; der: Uint8Array } {
  if (bytes[0] === SEQUENCE) return { label: null, der: bytes };
  const text = decodeUtf8(bytes).trim();
  const pem = /^-----BEGIN (PUBLIC KEY|CERTIFICATE)-----\s([A-Za-z0-9+/=\s]*)-----END \1-----$/.exec(text);
  return { label: pem?.[1] ?? null, der: decodeBase64((pem?.[2] ?? text).replace(/\s/g, "")) };
}

/** A certificate is a sequence of three, a SubjectPublicKeyInfo one of two (RFC 5280 §4.1). */
function fieldsOf(der: Uint8Array): number {
  return derSequence(readDer(der)).length;
}

function requireSpki(der: Uint8Array): void {
  const [algorithm, key, ...rest] = derSequence(readDer(der));
  if (algorithm === undefined || key === undefined || rest.length > 0)
    throw new MalformedError("channel key", "neither a SubjectPublicKeyInfo nor a certificate");
  derSequence(algorithm);
  derBitString(key);
}
