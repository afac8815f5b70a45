// Verifies certificate revocation lists (RFC 5280 §5): issuer, signature, and the serial numbers on them. Whatever is wrong with a list refuses
// it, because a verifier that swallows a bad list accepts revoked platforms.
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { type Certificate, isSignedBy } from "./certificate.ts";
import { readExtensions, serialOf } from "./certificate-fields.ts";
import { type DerElement, derExplicit, derInteger, derSequence, derTime, readDer } from "./der.ts";
import { readSignedDer, requireAlgorithm, type SignedDer } from "./signed-der.ts";
import type { X509Code } from "./x509-code.ts";

const FORMAT = "CRL";
const VERSION_2 = "020101";
const EXTENSIONS = 0xa0;
const AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
const CRL_NUMBER = "2.5.29.20";
const MAX_NUMBER_BYTES = 20;
const SEQUENCE = 0x30;

interface ParsedList extends SignedDer {
  /** DER of the issuer's name. */
  readonly issuerName: Uint8Array;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** As `Certificate.serial`. */
  readonly revokedSerials: ReadonlySet<string>;
}

/** A list whose issuer and signature were verified. Its window is not compared with any clock yet. */
export interface RevocationList extends ParsedList {
  readonly issuer: Certificate;
}

/**
 * Reads a DER CRL and verifies that `issuer` signed it.
 * @throws MalformedError, also for a list with critical extensions (partial, indirect or delta lists), or without nextUpdate, authority
 * key identifier or CRL number.
 * @throws VerificationError "crl-issuer" when it is another issuer's; "crl-usage" | "crl-signature".
 */
export async function verifyCrl(der: Uint8Array, issuer: Certificate): Promise<RevocationList> {
  const list = parseCrl(der);
  if (!equalBytes(list.issuerName, issuer.subject)) {
    throw new VerificationError<X509Code>(
      "crl-issuer",
      `the CRL names another issuer than "${issuer.commonName}"`,
    );
  }
  if (!issuer.keyUsage.crlSign) {
    throw new VerificationError<X509Code>("crl-usage", `"${issuer.commonName}" may not sign CRLs`);
  }
  if (!(await isSignedBy(list, issuer))) {
    throw new VerificationError<X509Code>(
      "crl-signature",
      `the CRL's signature is not by "${issuer.commonName}"`,
    );
  }
  return { ...list, issuer };
}

/** @throws VerificationError "crl-issuer" when the list is not by the certificate's issuer; "revoked" when the certificate is on it. */
export function requireNotRevoked(certificate: Certificate, list: RevocationList): void {
  const { commonName, serial } = certificate;
  if (!equalBytes(certificate.issuer, list.issuer.subject)) {
    throw new VerificationError<X509Code>("crl-issuer", `the CRL is not by the issuer of "${commonName}"`);
  }
  if (list.revokedSerials.has(serial)) {
    throw new VerificationError<X509Code>("revoked", `"${commonName}", serial ${serial}, is revoked`);
  }
}

function parseCrl(der: Uint8Array): ParsedList {
  if (der.length === 0)
    throw new MalformedError(FORMAT, "the list is absent; fetch it with the other collateral");
  const { fields, ...signed } = readSignedDer(der, FORMAT);
  const [version, algorithm, issuer, thisUpdate, nextUpdate, ...optional] = fields;
  if (
    !version ||
    !algorithm ||
    !issuer ||
    !thisUpdate ||
    !nextUpdate ||
    encodeHex(version.raw) !== VERSION_2
  ) {
    throw new MalformedError(FORMAT, "not a v2 list with a next update");
  }
  requireAlgorithm(algorithm, signed, FORMAT);
  const revoked = optional[0]?.tag === SEQUENCE ? optional.shift() : undefined;
  const extensions = optional[0]?.tag === EXTENSIONS ? optional.shift() : undefined;
  if (optional.length > 0) throw new MalformedError(FORMAT, "a field is not expected");
  requireExtensions(extensions);
  return {
    ...signed,
    issuerName: issuer.raw,
    thisUpdate: derTime(thisUpdate),
    nextUpdate: derTime(nextUpdate),
    revokedSerials: new Set(revoked ? derSequence(revoked).map(revokedSerial) : []),
  };
}

/** What every conforming CA writes into a list (RFC 5280 §§5.2.1, 5.2.3). Which key signed is proven by the signature, not by the identifier. */
function requireExtensions(element: DerElement | undefined): void {
  const extensions = element && readExtensions(derExplicit(element, 0), [], FORMAT);
  const identifier = extensions?.get(AUTHORITY_KEY_IDENTIFIER);
  const number = extensions?.get(CRL_NUMBER);
  if (identifier === undefined || number === undefined)
    throw new MalformedError(FORMAT, "authority key identifier or CRL number is missing");
  derSequence(readDer(identifier));
  derInteger(readDer(number), MAX_NUMBER_BYTES);
}

function revokedSerial(entry: DerElement): string {
  const [serial, date, extensions, ...rest] = derSequence(entry);
  if (serial === undefined || date === undefined || rest.length > 0) {
    throw new MalformedError(FORMAT, "an entry is not a serial number with its date");
  }
  derTime(date);
  if (extensions) readExtensions(extensions, [], FORMAT);
  return serialOf(serial);
}
