// Tells apart what Intel's PCS and a PCCS answer, by content and not by the name of a file: TCB Info, QE identity, CRLs in any encoding, and
// issuer chains, which come in headers (Intel SGX and TDX PCS API v4).
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { likeness, recognise } from "../../protocol/encoding/recognise.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import type { Json } from "../../protocol/envelope/canonical-json.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { derTime } from "../../verifier/x509/der.ts";
import { commonNameOf } from "../../verifier/x509/name.ts";
import { parsePemCertificates } from "../../verifier/x509/pem.ts";
import { readSignedDer } from "../../verifier/x509/signed-der.ts";
import { isJson, unwrapText } from "./encoded.ts";
import type { SavedAnswer } from "./saved-answer.ts";

/** The member of an answer's JSON that is signed. */
export type SignedName = "tcbInfo" | "enclaveIdentity";

interface Piece<What extends string> {
  readonly what: What;
  /** Tells those of one kind apart. */
  readonly about: string;
  /** Says which is the newest, milliseconds. */
  readonly at: number;
}

/** `about` is the document's id, "TDX" or "TD_QE", and of TCB Info the FMSPC in lower-case hex. */
interface SignedPiece<What extends SignedName> extends Piece<What> {
  /** The signed JSON object, byte for byte. */
  readonly text: string;
  readonly signature: string;
}

/** `about` is the common name of the issuer. */
interface CrlPiece extends Piece<"crl"> {
  readonly der: Uint8Array;
}

/** `about` is the common name of the first certificate. */
interface ChainPiece extends Piece<"chain"> {
  readonly pem: string;
}

export type CollateralPiece = SignedPiece<"tcbInfo"> | SignedPiece<"enclaveIdentity"> | CrlPiece | ChainPiece;

const FORMAT = "TDX collateral";
const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_CHAIN = 4;
const CHAIN_HEADERS = [
  "tcb-info-issuer-chain",
  "sgx-tcb-info-issuer-chain",
  "sgx-enclave-identity-issuer-chain",
  "sgx-pck-crl-issuer-chain",
];

/** @throws MalformedError, naming file or URL, where the answer is none of these. */
export function piecesOf(answer: SavedAnswer): CollateralPiece[] {
  try {
    const chains = CHAIN_HEADERS.flatMap((name) => {
      const value = answer.headers.get(name);
      return value === undefined ? [] : [readChain(decodeURIComponent(value))];
    });
    return answer.body.length === 0 && chains.length > 0 ? chains : [...chains, readBody(answer.body)];
  } catch (error) {
    if (!(error instanceof MalformedError || error instanceof URIError)) throw error;
    throw new MalformedError(FORMAT, `${answer.name}: ${error.message}`);
  }
}

function readBody(body: Uint8Array): CollateralPiece {
  if (isJson(body)) return readSigned(body);
  if (recognise(body)?.kind === "pem") return readPem(decodeUtf8(body));
  const der = unwrapText(body);
  if (recognise(der)?.kind !== "der")
    throw new MalformedError(FORMAT, `no answer of a PCCS${likeness(body)}`);
  return readCrl(der);
}

function readPem(text: string): CollateralPiece {
  const list = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]*)-----END X509 CRL-----/.exec(text)?.[1];
  return list === undefined ? readChain(text) : readCrl(decodeBase64(list.replace(/\s/g, "")));
}

function readChain(pem: string): CollateralPiece {
  const [leaf] = parsePemCertificates(pem, MAX_CHAIN, 1);
  return { what: "chain", pem, about: leaf?.commonName ?? "", at: 0 };
}

/** Issuer and date; whether the list holds is for the verifier to say. */
function readCrl(der: Uint8Array): CollateralPiece {
  const [, , issuer, thisUpdate] = readSignedDer(der, "CRL").fields;
  if (issuer === undefined || thisUpdate === undefined) throw new MalformedError("CRL", "a field is missing");
  return { what: "crl", der, about: commonNameOf(issuer) ?? "", at: derTime(thisUpdate).getTime() };
}

function readSigned(body: Uint8Array): CollateralPiece {
  const text = decodeUtf8(body);
  const value = parseJson(body, MAX_ANSWER_BYTES);
  const what = (["tcbInfo", "enclaveIdentity"] as const).find((name) => memberOf(value, name) !== undefined);
  if (what === undefined) throw new MalformedError(FORMAT, `no answer of a PCCS${likeness(body)}`);
  const document = memberOf(value, what);
  return {
    what,
    text: cutSigned(text, what),
    signature: textOf(memberOf(value, "signature")),
    about: `${textOf(memberOf(document, "id"))} ${textOf(memberOf(document, "fmspc")).toLowerCase()}`.trim(),
    at: Date.parse(textOf(memberOf(document, "issueDate"))),
  };
}

/** The signature is over the text as it came: `{"tcbInfo":` and `,"signature":"…"}` are cut off, and nothing is written anew. */
function cutSigned(text: string, what: SignedName): string {
  const begin = `{"${what}":`;
  const [end] = /,"signature":"[0-9A-Fa-f]*"\}\s*$/.exec(text) ?? [];
  if (text.startsWith(begin) && end !== undefined) return text.slice(begin.length, text.length - end.length);
  throw new MalformedError(
    FORMAT,
    `the signed ${what} was written anew, with other spaces or order: save the answer as it came, not through jq`,
  );
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value[name] : undefined;
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
