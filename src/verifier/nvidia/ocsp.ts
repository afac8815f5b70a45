// Reads OCSP responses (RFC 6960 §4.2) as statements about certificates. Only what a responder that the issuer authorised signed, and what
// is fresh, counts.
import { sha256, sha384, sha512 } from "../../protocol/cryptography/hash.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { once, type VerifiedCache } from "../verified-cache.ts";
import { type Certificate, isSignedBy, parseCertificate } from "../x509/certificate.ts";
import { readExtensions, serialOf } from "../x509/certificate-fields.ts";
import {
  type DerElement,
  derBitString,
  derExplicit,
  derIdentifier,
  derOctets,
  derSequence,
  derTime,
  readDer,
} from "../x509/der.ts";
import { requireIssued } from "../x509/path.ts";
import type { SignatureMemo } from "../x509/signature-memo.ts";
import { readSignature, type SignedDer } from "../x509/signed-der.ts";
import {
  commonWindow,
  isValid,
  requireValid,
  type Window,
  windowOfAnswer,
  windowOfCertificate,
} from "../x509/validity.ts";
import type { NvidiaCode } from "./nvidia-code.ts";

const FORMAT = "OCSP response";
const MAX_RESPONSE_BYTES = 16 * 1024;
/** NVIDIA's responder sends one. */
const MAX_CERTIFICATES = 4;
/** OCSPResponseStatus (RFC 6960 §4.2.1). */
const ERRORS: Readonly<Record<number, string>> = {
  1: "malformedRequest",
  2: "internalError",
  3: "tryLater",
  5: "sigRequired",
  6: "unauthorized",
};
const BASIC = "1.3.6.1.5.5.7.48.1.1";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
const ENUMERATED = 0x0a;
const CONTEXT = 0xa0;
const HASH: Readonly<Record<string, typeof sha256>> = {
  "2.16.840.1.101.3.4.2.1": sha256,
  "2.16.840.1.101.3.4.2.2": sha384,
  "2.16.840.1.101.3.4.2.3": sha512,
};

export type CertificateStatus = "good" | "revoked" | "unknown";

/** What is said of one certificate; that it is good is said for a time. */
export type CertificateAnswer =
  | { readonly status: "good"; readonly valid: Window }
  | { readonly status: Exclude<CertificateStatus, "good"> };

interface Statement {
  readonly hash: string;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  readonly serial: string;
  readonly status: CertificateStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | null;
}

export interface OcspResponse extends SignedDer {
  readonly der: Uint8Array;
  readonly statements: readonly Statement[];
  /** Certificates that came along, for a delegated signer. */
  readonly certificates: readonly Certificate[];
}

/** A response without an answer, which says nothing about any certificate. Nobody signs it. */
export interface OcspError {
  /** Such as "unauthorized". */
  readonly error: string;
}

/** Parses an OCSPResponse in DER, at most 16 KiB. @throws MalformedError also for another than a basic response. */
export function parseOcspResponse(der: Uint8Array): OcspResponse | OcspError {
  if (der.length > MAX_RESPONSE_BYTES)
    throw new MalformedError(FORMAT, `longer than ${MAX_RESPONSE_BYTES} bytes`);
  const [status, bytes, ...rest] = derSequence(readDer(der));
  const [code = -1, ...more] = status?.tag === ENUMERATED ? status.content : [];
  const error = ERRORS[code];
  if (error !== undefined && bytes === undefined && more.length === 0) return { error };
  if (code !== 0 || more.length > 0 || bytes === undefined || rest.length > 0)
    throw new MalformedError(FORMAT, "neither an answer nor an error of RFC 6960");
  const [type, response] = derSequence(derExplicit(bytes, 0));
  if (type === undefined || response === undefined || derIdentifier(type) !== BASIC) {
    throw new MalformedError(FORMAT, "not a basic response");
  }
  return { der, ...readBasic(readDer(derOctets(response))) };
}

/** BasicOCSPResponse ::= SEQUENCE { tbsResponseData, signatureAlgorithm, signature, [0] certs OPTIONAL } */
function readBasic(basic: DerElement): Omit<OcspResponse, "der"> {
  const [data, algorithm, signature, certs, ...rest] = derSequence(basic);
  if (!data || !algorithm || !signature || rest.length > 0)
    throw new MalformedError(FORMAT, "a field is missing");
  const certificates = certs ? derSequence(derExplicit(certs, 0)) : [];
  // Each of them is tried as the signer, so many would buy an attacker many verifications.
  if (certificates.length > MAX_CERTIFICATES)
    throw new MalformedError(FORMAT, `more than ${MAX_CERTIFICATES} certificates`);
  return {
    ...readSignature(data, algorithm, signature, FORMAT),
    statements: readResponses(data).map(readStatement),
    certificates: certificates.map(({ raw }) => parseCertificate(raw, [EXTENDED_KEY_USAGE])),
  };
}

/** ResponseData ::= SEQUENCE { [0] version, responderID [1] or [2], producedAt, responses, [1] extensions OPTIONAL } */
function readResponses(data: DerElement): DerElement[] {
  const fields = derSequence(data);
  if (fields[0]?.tag === CONTEXT) fields.shift();
  const [responder, producedAt, responses, extensions, ...rest] = fields;
  if (!responder || !producedAt || !responses || rest.length > 0)
    throw new MalformedError(FORMAT, "a field is missing");
  derTime(producedAt);
  if (extensions) readExtensions(derExplicit(extensions, 1), [], FORMAT);
  return derSequence(responses);
}

/** SingleResponse ::= SEQUENCE { certID, certStatus, thisUpdate, [0] nextUpdate OPTIONAL, [1] extensions OPTIONAL } */
function readStatement(response: DerElement): Statement {
  const [id, status, thisUpdate, ...optional] = derSequence(response);
  const nextUpdate = optional[0]?.tag === CONTEXT ? optional.shift() : undefined;
  const [extensions, ...rest] = optional;
  const [hash, nameHash, keyHash, serial, ...more] = id === undefined ? [] : derSequence(id);
  if (!status || !thisUpdate || !hash || !nameHash || !keyHash || !serial || rest.length + more.length > 0) {
    throw new MalformedError(FORMAT, "an answer lacks a field or has one too many");
  }
  if (extensions) readExtensions(derExplicit(extensions, 1), [], FORMAT);
  const [algorithm] = derSequence(hash);
  return {
    hash: algorithm ? derIdentifier(algorithm) : "",
    issuerNameHash: derOctets(nameHash),
    issuerKeyHash: derOctets(keyHash),
    serial: serialOf(serial),
    status: statusOf(status),
    thisUpdate: derTime(thisUpdate),
    nextUpdate: nextUpdate ? derTime(derExplicit(nextUpdate, 0)) : null,
  };
}

/** CertStatus ::= CHOICE { good [0] NULL, revoked [1] RevokedInfo, unknown [2] NULL }, implicitly tagged. */
function statusOf({ tag, content }: DerElement): CertificateStatus {
  if (tag === 0x80 && content.length === 0) return "good";
  return tag === 0xa1 ? "revoked" : "unknown";
}

/**
 * What a response says about one certificate; null when it is about others. That it is revoked counts whenever it was said.
 * @param verified what earlier calls verified: who signed.
 * @throws VerificationError "ocsp" when the response speaks of the certificate but is not signed by its issuer or a signer that the issuer
 * authorised (RFC 6960 §4.2.2.2); PolicyError when it says good, and signer or answer is not valid at `now`, or nextUpdate is absent.
 */
export async function ocspStatus(
  response: OcspResponse,
  certificate: Certificate,
  issuer: Certificate,
  now: Date,
  memo?: SignatureMemo,
  verified?: VerifiedCache,
): Promise<CertificateAnswer | null> {
  const about = response.statements.filter((statement) => concerns(statement, certificate, issuer));
  if (about.length === 0) return null;
  const known = await verified?.findingsOf("OCSP response", response.der, issuer.der);
  const delegated = await once(known, "signer", () => delegatedSigner(response, issuer, memo));
  if (about.some(({ status }) => status === "revoked")) return { status: "revoked" };
  const good = about.filter(({ status }) => status === "good");
  const windows = good.map((statement) => windowOfAnswer(certificate.commonName, statement));
  const window = windows.find((answer) => isValid(answer, now)) ?? windows[0];
  if (window === undefined) return { status: "unknown" };
  const used = delegated === null ? [window] : [windowOfCertificate(delegated), window];
  requireValid(used, now);
  return { status: "good", valid: commonWindow(used) };
}

function concerns(statement: Statement, certificate: Certificate, issuer: Certificate): boolean {
  const hash = HASH[statement.hash];
  return (
    hash !== undefined &&
    statement.serial === certificate.serial &&
    equalBytes(statement.issuerNameHash, hash(issuer.subject)) &&
    equalBytes(statement.issuerKeyHash, hash(publicKeyBits(issuer.spki)))
  );
}

/** The content of the SPKI's BIT STRING without its count of unused bits (RFC 6960 §4.1.1). */
function publicKeyBits(spki: Uint8Array): Uint8Array {
  const [, bits] = derSequence(readDer(spki));
  if (bits === undefined) throw new MalformedError(FORMAT, "the issuer's key is cut");
  return derBitString(bits);
}

/** The issuer's own signer who signed; null where that was the issuer. */
async function delegatedSigner(
  response: OcspResponse,
  issuer: Certificate,
  memo: SignatureMemo | undefined,
): Promise<Certificate | null> {
  if (await isSignedBy(response, issuer, memo)) return null;
  for (const signer of response.certificates) {
    if (!mayAnswer(signer) || !(await isSignedBy(response, signer, memo))) continue;
    await requireIssued(signer, issuer, 0, memo);
    return signer;
  }
  throw new VerificationError<NvidiaCode>(
    "ocsp",
    `not signed by "${issuer.commonName}" or an OCSP signer of its own`,
  );
}

function mayAnswer({ extensions }: Certificate): boolean {
  const usages = extensions.get(EXTENDED_KEY_USAGE);
  return usages !== undefined && derSequence(readDer(usages)).map(derIdentifier).includes(OCSP_SIGNING);
}
