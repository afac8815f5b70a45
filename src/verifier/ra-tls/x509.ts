// What an RA-TLS certificate says, read from strict DER (RFC 5280 §4.1): its key exactly as sent, validity, common name, extensions.
// Its signature means nothing here: the quote vouches for the key.
import { ByteReader } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { type DerElement, elements, onlyElement, readElement } from "../nvidia/der.ts";

const FORMAT = "certificate";
/** OpenSSL refuses a certificate list above 100 KiB by default; nothing above this arrives over TLS. */
export const MAX_CERTIFICATE_BYTES = 1024 * 1024;
const MAX_EXTENSIONS = 64;

const TAG = {
  boolean: 0x01,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
  extensions: 0xa3,
} as const;
const COMMON_NAME = "550403";

export interface RaTlsCertificate {
  /** DER of the SubjectPublicKeyInfo, byte for byte. */
  readonly spki: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The only commonName of the subject; null when there is none or several. */
  readonly commonName: string | null;
  /** Extension values (content of extnValue) by hex of the encoded OID. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
}

/**
 * Parses a DER certificate of at most 1 MiB.
 * @throws MalformedError on BER, bytes left over anywhere, or an extension that appears twice.
 */
export function parseRaTlsCertificate(der: Uint8Array): RaTlsCertificate {
  if (der.length > MAX_CERTIFICATE_BYTES) {
    throw new MalformedError(FORMAT, `longer than ${MAX_CERTIFICATE_BYTES} bytes`);
  }
  const parts = elements(onlyElement(der, TAG.sequence, FORMAT), FORMAT);
  const [tbs, algorithm, signature] = parts;
  if (parts.length !== 3 || algorithm?.tag !== TAG.sequence || signature?.tag !== 0x03) {
    throw new MalformedError(FORMAT, "expected TBSCertificate, algorithm and signature");
  }
  return parseTbs(contentOf(tbs, TAG.sequence, "TBSCertificate"));
}

function parseTbs(content: Uint8Array): RaTlsCertificate {
  const reader = new ByteReader(content, FORMAT);
  const next = (tag: number, what: string) => contentOf(readElement(reader), tag, what);
  next(TAG.version, "version 3");
  next(0x02, "serial number");
  next(TAG.sequence, "signature algorithm");
  next(TAG.sequence, "issuer");
  const validity = elements(next(TAG.sequence, "validity"), FORMAT);
  const subject = next(TAG.sequence, "subject");
  const spkiStart = reader.offset;
  next(TAG.sequence, "public key");
  const spki = content.subarray(spkiStart, reader.offset);
  const extensions = onlyElement(next(TAG.extensions, "extensions"), TAG.sequence, FORMAT);
  if (reader.remaining > 0) throw new MalformedError(FORMAT, "bytes after the extensions");
  if (validity.length !== 2) throw new MalformedError(FORMAT, "validity is not two times");
  return {
    spki,
    notBefore: parseTime(validity[0]),
    notAfter: parseTime(validity[1]),
    commonName: commonName(subject),
    extensions: parseExtensions(extensions),
  };
}

function parseExtensions(content: Uint8Array): Map<string, Uint8Array> {
  const extensions = new Map<string, Uint8Array>();
  for (const item of elements(content, FORMAT)) {
    const fields = elements(contentOf(item, TAG.sequence, "extension"), FORMAT);
    const value = fields.pop();
    const [id, critical, ...rest] = fields;
    const name = encodeHex(contentOf(id, TAG.objectIdentifier, "extension id"));
    if (rest.length > 0 || (critical !== undefined && critical.tag !== TAG.boolean)) {
      throw new MalformedError(FORMAT, "an extension has unknown fields");
    }
    if (extensions.has(name)) throw new MalformedError(FORMAT, `extension ${name} appears twice`);
    if (extensions.size === MAX_EXTENSIONS) throw new MalformedError(FORMAT, "too many extensions");
    extensions.set(name, contentOf(value, TAG.octetString, "extension value"));
  }
  return extensions;
}

function commonName(subject: Uint8Array): string | null {
  const attributes = elements(subject, FORMAT)
    .flatMap((set) => elements(contentOf(set, TAG.set, "relative name"), FORMAT))
    .map((attribute) => elements(contentOf(attribute, TAG.sequence, "name attribute"), FORMAT));
  const names = attributes.filter(
    ([type]) => encodeHex(contentOf(type, TAG.objectIdentifier, "name type")) === COMMON_NAME,
  );
  const value = names[0]?.[1];
  if (names.length !== 1 || value === undefined) return null;
  return [TAG.utf8String, TAG.printableString].some((tag) => tag === value.tag)
    ? decodeUtf8(value.content)
    : null;
}

const TIME = /^(\d{2})?(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;

/** UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 restricts them. */
function parseTime(element: DerElement | undefined): Date {
  const [, century, year, month, day, hour, minute, second] =
    TIME.exec(String.fromCharCode(...(element?.content.subarray(0, 16) ?? []))) ?? [];
  const utc = element?.tag === TAG.utcTime && century === undefined;
  if (!utc && !(element?.tag === TAG.generalizedTime && century !== undefined)) {
    throw new MalformedError(FORMAT, "a time is not of its form");
  }
  const fullYear = century === undefined ? `${Number(year) < 50 ? "20" : "19"}${year}` : `${century}${year}`;
  const date = new Date(`${fullYear}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(date.getTime())) throw new MalformedError(FORMAT, "a time does not exist");
  return date;
}

function contentOf(element: DerElement | undefined, tag: number, what: string): Uint8Array {
  if (element?.tag === tag) return element.content;
  throw new MalformedError(FORMAT, `expected ${what}`);
}
