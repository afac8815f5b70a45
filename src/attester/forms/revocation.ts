// Reads what says whether a device's certificates are revoked, OCSP answers and CRLs, and finds what is about which device: each device is
// shown with its own answers, of which a verifier takes eight.
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { likeness, recognise } from "../../protocol/encoding/recognise.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { parseOcspResponse } from "../../verifier/nvidia/ocsp.ts";
import type { Certificate } from "../../verifier/x509/certificate.ts";
import { parsePemCertificates } from "../../verifier/x509/pem.ts";
import { readSignedDer } from "../../verifier/x509/signed-der.ts";
import type { Revocation } from "../evidence-document.ts";
import type { CollectedDevice } from "./device-evidence.ts";
import { unwrapText } from "./encoded.ts";
import type { SavedAnswer } from "./saved-answer.ts";

const FORMAT = "revocation";
const MAX_CHAIN = 5;
const EXPLICIT_0 = 0xa0;
const ENUMERATED = 0x0a;

/** One answer or list, and what it is about. */
export type RevocationPiece =
  | { readonly what: "ocsp"; readonly der: Uint8Array; readonly serials: readonly string[] }
  | {
      readonly what: "crl";
      readonly der: Uint8Array;
      /** DER of the issuer's name, hex. */
      readonly issuer: string;
    };

/** @throws MalformedError, naming file or URL, for an answer that answers nothing and for anything else. */
export function readRevocation({ name, body }: SavedAnswer): RevocationPiece {
  try {
    return readPiece(derOf(body));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new MalformedError(
      FORMAT,
      `${name}: ${error.message}${likeness(body, "der", "pem", "hex", "base64")}`,
    );
  }
}

/** What of all pieces is about a device. */
export function revocationFor({ chain }: CollectedDevice, pieces: readonly RevocationPiece[]): Revocation {
  const certificates = certificatesOf(chain);
  const serials = new Set(certificates.map(({ serial }) => serial));
  const issuers = new Set(certificates.map(({ issuer }) => encodeHex(issuer)));
  const about = pieces.filter((piece) =>
    piece.what === "crl" ? issuers.has(piece.issuer) : piece.serials.some((serial) => serials.has(serial)),
  );
  const of = (what: RevocationPiece["what"]) =>
    about.filter((piece) => piece.what === what).map(({ der }) => der);
  return { ocsp: of("ocsp"), crls: of("crl") };
}

/** None where the chain cannot be read: whoever appraises it says why. */
export function certificatesOf(chain: string): Certificate[] {
  try {
    return parsePemCertificates(chain, MAX_CHAIN, 1);
  } catch (error) {
    if (error instanceof MalformedError) return [];
    throw error;
  }
}

function derOf(body: Uint8Array): Uint8Array {
  if (recognise(body)?.kind !== "pem") return unwrapText(body);
  const list = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]*)-----END X509 CRL-----/.exec(
    decodeUtf8(body),
  )?.[1];
  if (list === undefined) throw new MalformedError(FORMAT, "PEM of something else than a CRL");
  return decodeBase64(list.replace(/\s/g, ""));
}

function readPiece(der: Uint8Array): RevocationPiece {
  if (!isOcsp(der)) {
    const issuer = readSignedDer(der, "CRL").fields[2];
    if (issuer === undefined) throw new MalformedError("CRL", "a field is missing");
    return { what: "crl", der, issuer: encodeHex(issuer.raw) };
  }
  const answer = parseOcspResponse(der);
  if ("error" in answer)
    throw new MalformedError(
      "OCSP answer",
      `the responder answered "${answer.error}", which says nothing: ask again`,
    );
  return { what: "ocsp", der, serials: answer.statements.map(({ serial }) => serial) };
}

/** OCSPResponse begins with its status, an ENUMERATED, after a header of 2 to 5 bytes (RFC 6960 §4.2.1). */
function isOcsp(der: Uint8Array): boolean {
  const length = der[1] ?? 0;
  const at = length < 0x80 ? 2 : 2 + (length & 0x7f);
  return (
    der[0] === 0x30 && der[at] === ENUMERATED && (der[at + 3] === undefined || der[at + 3] === EXPLICIT_0)
  );
}
