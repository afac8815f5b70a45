// OCSP responses (RFC 6960 §4.2) as statements about certificates. Only what a responder that the issuer authorised signed, and what is fresh, counts.
import * as asn1 from "@peculiar/asn1-ocsp";
import { AsnConvert } from "@peculiar/asn1-schema";
import { sha256, sha384, sha512 } from "../../protocol/cryptography/hash.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { type Certificate, finite, parseCertificate, readAsn1 } from "./certificate.ts";
import { isSignedBy, outsideWindow, type Signed, verifyIssued } from "./certificate-path.ts";

const FORMAT = "OCSP response";
const MAX_RESPONSE_BYTES = 16 * 1024;
const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
const HASH: Readonly<Record<string, typeof sha256>> = {
  "2.16.840.1.101.3.4.2.1": sha256,
  "2.16.840.1.101.3.4.2.2": sha384,
  "2.16.840.1.101.3.4.2.3": sha512,
};

export type CertificateStatus = "good" | "revoked" | "unknown";

interface Statement {
  readonly hash: string;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  readonly serial: string;
  readonly status: CertificateStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | null;
}

export interface OcspResponse extends Signed {
  readonly statements: readonly Statement[];
  /** Certificates that came along, for a delegated signer. */
  readonly certificates: readonly Certificate[];
}

/**
 * Parses an OCSPResponse in DER, at most 16 KiB.
 * @throws MalformedError also when the responder answered with an error instead of a basic response.
 */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  if (der.length > MAX_RESPONSE_BYTES)
    throw new MalformedError(FORMAT, `longer than ${MAX_RESPONSE_BYTES} bytes`);
  return readAsn1(der, asn1.OCSPResponse, FORMAT, ({ responseStatus, responseBytes }) => {
    if (responseStatus !== asn1.OCSPResponseStatus.successful || responseBytes === undefined) {
      throw new MalformedError(FORMAT, `the responder answered with error ${responseStatus}`);
    }
    if (responseBytes.responseType !== asn1.id_pkix_ocsp_basic)
      throw new MalformedError(FORMAT, "not a basic response");
    return readAsn1(new Uint8Array(responseBytes.response.buffer), asn1.BasicOCSPResponse, FORMAT, readBasic);
  });
}

function readBasic({
  tbsResponseData,
  tbsResponseDataRaw: raw,
  signatureAlgorithm,
  signature,
  certs = [],
}: asn1.BasicOCSPResponse): OcspResponse {
  if (raw === undefined) throw new MalformedError(FORMAT, "no response data");
  return {
    tbs: new Uint8Array(raw),
    algorithm: signatureAlgorithm.algorithm,
    signature: new Uint8Array(signature),
    statements: tbsResponseData.responses.map(readStatement),
    certificates: certs.map((c) => parseCertificate(new Uint8Array(AsnConvert.serialize(c)))),
  };
}

function readStatement({ certID, certStatus, thisUpdate, nextUpdate }: asn1.SingleResponse): Statement {
  return {
    hash: certID.hashAlgorithm.algorithm,
    issuerNameHash: new Uint8Array(certID.issuerNameHash.buffer),
    issuerKeyHash: new Uint8Array(certID.issuerKeyHash.buffer),
    serial: encodeHex(new Uint8Array(certID.serialNumber)),
    status: certStatus.revoked ? "revoked" : certStatus.good === null ? "good" : "unknown",
    thisUpdate: finite(thisUpdate),
    nextUpdate: nextUpdate ? finite(nextUpdate) : null,
  };
}

/**
 * What a response says about one certificate; null when it is about others.
 * @throws VerificationError "ocsp" when the response speaks of the certificate but is not signed by its issuer or a signer that the issuer
 * authorised (RFC 6960 §4.2.2.2), or `now` is outside thisUpdate to nextUpdate, or nextUpdate is absent.
 */
export async function ocspStatus(
  response: OcspResponse,
  certificate: Certificate,
  issuer: Certificate,
  now: Date,
): Promise<CertificateStatus | null> {
  const about = response.statements.filter((statement) => concerns(statement, certificate, issuer));
  if (about.length === 0) return null;
  await verifyResponder(response, issuer, now);
  for (const { thisUpdate, nextUpdate } of about) {
    if (nextUpdate === null || !(thisUpdate <= now && now <= nextUpdate)) {
      const window = `${thisUpdate.toISOString()} to ${nextUpdate?.toISOString() ?? "no stated time"}`;
      throw new VerificationError("ocsp", `the answer for "${certificate.subject}" is valid from ${window}`);
    }
  }
  return about.find(({ status }) => status !== "good")?.status ?? "good";
}

function concerns(statement: Statement, certificate: Certificate, issuer: Certificate): boolean {
  const hash = HASH[statement.hash];
  return (
    hash !== undefined &&
    statement.serial === certificate.serial &&
    equalBytes(statement.issuerNameHash, hash(issuer.subjectDer)) &&
    equalBytes(statement.issuerKeyHash, hash(publicKeyBits(issuer.spki)))
  );
}

/** Content of the BIT STRING of a P-256 or P-384 SPKI without its count of unused bits: the uncompressed point (RFC 6960 §4.1.1). */
function publicKeyBits(spki: Uint8Array): Uint8Array {
  const pointLength = spki.length > 100 ? 97 : 65;
  return spki.subarray(spki.length - pointLength);
}

async function verifyResponder(response: OcspResponse, issuer: Certificate, now: Date): Promise<void> {
  if (await isSignedBy(response, issuer)) return;
  for (const signer of response.certificates) {
    if (!signer.extendedKeyUsage.includes(OCSP_SIGNING) || !(await isSignedBy(response, signer))) continue;
    await verifyIssued(signer, issuer, 0);
    if (outsideWindow([signer], now) === undefined) return;
  }
  throw new VerificationError("ocsp", `not signed by "${issuer.subject}" or a valid OCSP signer of its own`);
}
