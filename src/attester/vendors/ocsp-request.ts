// Asks a responder about one certificate (RFC 6960 §4.1), with a CertID by SHA-384 as NVIDIA's responder knows it. Without a nonce: the answer
// is stapled for others, and lives a day.
import { sha384 } from "../../protocol/cryptography/hash.ts";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import type { Certificate } from "../../verifier/x509/certificate.ts";
import { derBitString, derSequence, readDer } from "../../verifier/x509/der.ts";
import { derElement } from "../der-element.ts";

/** AlgorithmIdentifier of SHA-384, without parameters. */
const SHA_384 = decodeHex("300b0609608648016503040202");
const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const SEQUENCE = 0x30;

/** DER of the request. */
export function ocspRequest(certificate: Certificate, issuer: Certificate): Uint8Array {
  const [, bits] = derSequence(readDer(issuer.spki));
  const key = bits === undefined ? new Uint8Array() : derBitString(bits);
  const certId = derElement(
    SEQUENCE,
    SHA_384,
    derElement(OCTET_STRING, sha384(issuer.subject)),
    derElement(OCTET_STRING, sha384(key)),
    derElement(INTEGER, decodeHex(certificate.serial)),
  );
  // OCSPRequest { tbsRequest { requestList { Request { reqCert } } } }
  return [1, 2, 3, 4].reduce((content) => derElement(SEQUENCE, content), certId);
}
