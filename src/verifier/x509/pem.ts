// Reads certificates in PEM (RFC 7468): whole blocks in order. Text around them (§2) and the NULs of a fixed buffer are counted and left out.
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { likeness } from "../../protocol/encoding/recognise.ts";
import { decodeUtf8, utf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";

const FORMAT = "PEM";
const BEGIN = "-----BEGIN CERTIFICATE-----";
const BLOCK =
  /-----BEGIN CERTIFICATE-----\r?\n((?:[A-Za-z0-9+/=]{1,76}\r?\n){1,200})-----END CERTIFICATE-----/y;

/**
 * The certificates of a PEM text, in its order.
 * @throws MalformedError unless there are `least` to `most` of them, and for a block of another kind or a broken one.
 */
export function parsePemCertificates(text: string, most: number, least = most): Certificate[] {
  const { bodies } = splitPem(text);
  if (bodies.length > most) throw new MalformedError(FORMAT, `more than ${most} certificates`);
  if (bodies.length < least) {
    const found = bodies.length === 0 ? likeness(utf8(text), "pem") : "";
    throw new MalformedError(FORMAT, `${bodies.length} certificates, expected ${least}${found}`);
  }
  return bodies.map((body) => parseCertificate(decodeBase64(body.replace(/[\r\n]/g, ""))));
}

/** How many characters of a PEM text are neither of a certificate's block nor white space. @throws MalformedError for a broken block. */
export function charactersOutside(text: string): number {
  return splitPem(text).outside;
}

/** A file's PEM as text. @throws MalformedError that says what the bytes look like when they are no text. */
export function pemTextOf(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    throw new MalformedError(FORMAT, `not UTF-8 text${likeness(bytes, "pem", "text")}`);
  }
}

/** No pattern finds the text between blocks: one that may begin anywhere takes the square of the time for text of spaces. */
function splitPem(text: string): { bodies: string[]; outside: number } {
  const bodies: string[] = [];
  let outside = 0;
  for (let at = 0; ; at = BLOCK.lastIndex) {
    const begin = text.indexOf(BEGIN, at);
    outside += countText(text.slice(at, begin < 0 ? undefined : begin), at, begin >= 0);
    if (begin < 0) return { bodies, outside };
    BLOCK.lastIndex = begin;
    const body = BLOCK.exec(text)?.[1];
    if (body === undefined) throw new MalformedError(FORMAT, "a CERTIFICATE block is broken", begin);
    bodies.push(body);
  }
}

/** Anything that another reader might take for a block is refused: text holds no row of five dashes, and a block begins its line. */
function countText(text: string, at: number, blockFollows: boolean): number {
  const dashes = text.indexOf("-----");
  if (dashes >= 0) throw new MalformedError(FORMAT, "expected a CERTIFICATE block", at + dashes);
  const kept = text.trimEnd();
  if (blockFollows && kept !== "" && !/[\r\n]/.test(text.slice(kept.length)))
    throw new MalformedError(FORMAT, "a CERTIFICATE block does not begin its line", at + text.length);
  return text.replace(/\s/g, "").length;
}
