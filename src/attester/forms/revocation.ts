// Reads what says whether a device's certificates are revoked, OCSP answers and CRLs, and finds what is about which device: each device is
// shown with its own answers, of which a verifier takes eight.
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { likeness, recognise } from "../../protocol/encoding/recognise.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { parseOcspResponse } from "../../verifier/nvidia/ocsp.ts";
import type { Certificate } from "../../verifier/x509/certificate.ts";
import { derTime } from "../../verifier/x509/der.ts";
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
export interface RevocationPiece {
  readonly what: keyof Revocation;
  readonly der: Uint8Array;
  /** Of an answer the serial numbers that it speaks of, hex; of a list the DER of its issuer's name, hex. */
  readonly about: readonly string[];
  /** When it was said, milliseconds. */
  readonly at: number;
}

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

/** The newest of all pieces about each certificate of a device. */
export function revocationFor({ chain }: CollectedDevice, pieces: readonly RevocationPiece[]): Revocation {
  const certificates = certificatesOf(chain);
  const newest = (what: RevocationPiece["what"], subjects: readonly string[]) => {
    const found = subjects.flatMap((subject) => newestAbout(subject, what, pieces) ?? []);
    return [...new Set(found)].map(({ der }) => der);
  };
  return {
    ocsp: newest(
      "ocsp",
      certificates.map(({ serial }) => serial),
    ),
    crls: newest(
      "crls",
      certificates.map(({ issuer }) => encodeHex(issuer)),
    ),
  };
}

function newestAbout(
  subject: string,
  wanted: RevocationPiece["what"],
  pieces: readonly RevocationPiece[],
): RevocationPiece | undefined {
  const found = pieces.filter(({ what, about }) => what === wanted && about.includes(subject));
  return found.toSorted((a, b) => b.at - a.at)[0];
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
  if (!isOcsp(der)) return readList(der);
  const answer = parseOcspResponse(der);
  if ("error" in answer)
    throw new MalformedError(
      "OCSP answer",
      `the responder answered "${answer.error}", which says nothing: ask again`,
    );
  const { statements } = answer;
  const at = Math.max(...statements.map(({ thisUpdate }) => thisUpdate.getTime()));
  return { what: "ocsp", der, about: statements.map(({ serial }) => serial), at };
}

function readList(der: Uint8Array): RevocationPiece {
  const [, , issuer, thisUpdate] = readSignedDer(der, "CRL").fields;
  if (issuer === undefined || thisUpdate === undefined) throw new MalformedError("CRL", "a field is missing");
  return { what: "crls", der, about: [encodeHex(issuer.raw)], at: derTime(thisUpdate).getTime() };
}

/** OCSPResponse begins with its status, an ENUMERATED, after a header of 2 to 5 bytes (RFC 6960 §4.2.1). */
function isOcsp(der: Uint8Array): boolean {
  const length = der[1] ?? 0;
  const at = length < 0x80 ? 2 : 2 + (length & 0x7f);
  return (
    der[0] === 0x30 && der[at] === ENUMERATED && (der[at + 3] === undefined || der[at + 3] === EXPLICIT_0)
  );
}
