// Makes OCSP responses (RFC 6960 §4.2) as NVIDIA's responder gives them: SHA-384 CertID, a delegated signer's certificate inside.
import "reflect-metadata";
import { Extension, X509Certificate } from "@peculiar/x509";
import { sha384 } from "../protocol/cryptography/hash.ts";
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { decodeHex } from "../protocol/encoding/hex.ts";
import { type Certified, certify, signWith, type Validity } from "./authority.ts";
import {
  bitString,
  context,
  contextPrimitive,
  encodeInteger,
  enumerated,
  generalizedTime,
  octetString,
  oid,
  sequence,
} from "./der.ts";

/**
 * @example
 * ```ts
 * import type { OcspFields } from "touchstone/testing";
 * const stale = (fields: OcspFields): OcspFields => ({ ...fields, nextUpdate: new Date(0) });
 * ```
 */
export interface OcspFields {
  /** CA that issued the certificate in question. */
  readonly issuer: Certified;
  readonly certificate: Certified;
  /** The CA itself, or a responder it has certified. */
  readonly signer: Certified;
  readonly status: "good" | "revoked" | "unknown";
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Changes what is signed before it is, for fields that nothing else sets. */
  readonly edit?: (responseData: Uint8Array) => Uint8Array;
}

/**
 * A responder that `issuer` lets answer for it: id-kp-OCSPSigning (RFC 6960 §4.2.2.2).
 * @example
 * ```ts
 * import { makeOcspSigner, makeVendors } from "touchstone/testing";
 * const { nvidia } = await makeVendors(new Date());
 * const signer = await makeOcspSigner(nvidia.identity, { notBefore: new Date("2026-01-01"), notAfter: new Date("2030-01-01") });
 * ```
 */
export function makeOcspSigner(issuer: Certified, validity: Validity, delegated = true): Promise<Certified> {
  const ocspSigning = sequence(oid("1.3.6.1.5.5.7.3.9"));
  return certify({
    ...validity,
    subject: "CN=NVIDIA OCSP Responder, O=NVIDIA Corporation",
    curve: "P-384",
    ca: false,
    issuer,
    extensions: delegated ? [new Extension("2.5.29.37", false, Uint8Array.from(ocspSigning))] : [],
  });
}

/**
 * What a responder answers that does not answer, DER: an error such as 6, "unauthorized" (RFC 6960 §4.2.1).
 * @example
 * ```ts
 * import { makeOcspError } from "touchstone/testing";
 * const unauthorized = makeOcspError(6);
 * ```
 */
export function makeOcspError(code: number): Uint8Array {
  return sequence(enumerated(code));
}

/**
 * A successful OCSP response, DER.
 * @example
 * ```ts
 * import { makeOcspResponse, type OcspFields } from "touchstone/testing";
 * const revoked = (fields: OcspFields): Promise<Uint8Array> => makeOcspResponse({ ...fields, status: "revoked" });
 * ```
 */
export async function makeOcspResponse(fields: OcspFields): Promise<Uint8Array> {
  const made = sequence(
    context(1, subjectName(fields.signer)),
    generalizedTime(fields.thisUpdate),
    sequence(singleResponse(fields)),
  );
  const responseData = fields.edit?.(made) ?? made;
  const basic = sequence(
    responseData,
    sequence(oid("1.2.840.10045.4.3.3")),
    bitString(ecdsaDer(await signWith(fields.signer, responseData))),
    context(0, sequence(fields.signer.der)),
  );
  const bytes = sequence(oid("1.3.6.1.5.5.7.48.1.1"), octetString(basic));
  return sequence(enumerated(0), context(0, bytes));
}

function singleResponse({ issuer, certificate, status, thisUpdate, nextUpdate }: OcspFields): Uint8Array {
  const certId = sequence(
    sequence(oid("2.16.840.1.101.3.4.2.2")),
    octetString(sha384(subjectName(issuer))),
    octetString(sha384(concatBytes(Uint8Array.of(4), issuer.point))),
    encodeInteger(decodeHex(certificate.serial)),
  );
  const certStatus = {
    good: contextPrimitive(0, new Uint8Array()),
    revoked: context(1, generalizedTime(thisUpdate)),
    unknown: contextPrimitive(2, new Uint8Array()),
  }[status];
  return sequence(certId, certStatus, generalizedTime(thisUpdate), context(0, generalizedTime(nextUpdate)));
}

function subjectName(certified: Certified): Uint8Array {
  return new Uint8Array(new X509Certificate(Uint8Array.from(certified.der)).subjectName.toArrayBuffer());
}

/** Raw r‖s → the SEQUENCE of two integers that X.509 carries. */
function ecdsaDer(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  return sequence(encodeInteger(signature.subarray(0, half)), encodeInteger(signature.subarray(half)));
}
