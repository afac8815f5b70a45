// Reads certificates in PEM (RFC 7468), strictly: whole blocks in order, and nothing between them but white space.
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";

const BLOCK =
  /\s*-----BEGIN CERTIFICATE-----\r?\n((?:[A-Za-z0-9+/=]{1,76}\r?\n){1,200})-----END CERTIFICATE-----/y;

/**
 * The certificates of a PEM text, in its order; around them white space, at the end at most one NUL.
 * @throws MalformedError unless there are `least` to `most` of them.
 */
export function parsePemCertificates(text: string, most: number, least = most): Certificate[] {
  const certificates: Certificate[] = [];
  // No pattern for this: one that may begin at any space takes the square of the time for text of spaces.
  const end = (text.endsWith("\0") ? text.slice(0, -1) : text).trimEnd().length;
  for (BLOCK.lastIndex = 0; BLOCK.lastIndex < end; ) {
    const at = BLOCK.lastIndex;
    const body = BLOCK.exec(text)?.[1];
    if (body === undefined) throw new MalformedError("PEM", "expected a CERTIFICATE block", at);
    if (certificates.length === most) throw new MalformedError("PEM", `more than ${most} certificates`, at);
    certificates.push(parseCertificate(decodeBase64(body.replace(/[\r\n]/g, ""))));
  }
  if (certificates.length < least) {
    throw new MalformedError("PEM", `${certificates.length} certificates, expected ${least}`);
  }
  return certificates;
}
