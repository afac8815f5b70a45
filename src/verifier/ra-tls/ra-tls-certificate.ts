// What an RA-TLS certificate says, read from strict DER (RFC 5280 §4.1): its key exactly as sent, validity, common name, extensions.
// Its signature means nothing here, and may be of any kind: the quote vouches for the key.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import * as der from "../x509/der.ts";

const FORMAT = "RA-TLS certificate";
/** OpenSSL refuses a certificate list above 100 KiB by default; nothing above this arrives over TLS. */
const MAX_CERTIFICATE_BYTES = 1024 * 1024;
const COMMON_NAME = "0603550403";

export interface RaTlsCertificate {
  /** DER of the SubjectPublicKeyInfo, byte for byte. */
  readonly spki: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The only commonName of the subject; null when there is none or several. */
  readonly commonName: string | null;
  /** Extension values by hex of the encoded OID: whoever made the certificate may have used arcs of any size. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
}

/**
 * Parses a v3 certificate of at most 1 MiB.
 * @throws MalformedError on BER, bytes left over anywhere, or an extension that appears twice.
 */
export function parseRaTlsCertificate(bytes: Uint8Array): RaTlsCertificate {
  if (bytes.length > MAX_CERTIFICATE_BYTES) throw new MalformedError(FORMAT, "longer than 1 MiB");
  const [signed, , , ...after] = der.derSequence(der.readDer(bytes));
  if (signed === undefined || after.length > 0) throw new MalformedError(FORMAT, "not three fields");
  const [, , , , validity, subject, spki, extensions, ...rest] = der.derSequence(signed);
  if (!validity || !subject || !spki || !extensions || rest.length > 0) {
    throw new MalformedError(FORMAT, "a field is missing or not expected");
  }
  const [notBefore, notAfter, ...times] = der.derSequence(validity).map(der.derTime);
  if (!notBefore || !notAfter || times.length > 0) {
    throw new MalformedError(FORMAT, "the validity is not a pair of times");
  }
  return {
    spki: spki.raw,
    notBefore,
    notAfter,
    commonName: commonNameOf(subject),
    extensions: extensionsOf(der.derExplicit(extensions, 3)),
  };
}

function extensionsOf(list: der.DerElement): Map<string, Uint8Array> {
  const extensions = new Map<string, Uint8Array>();
  for (const extension of der.derSequence(list)) {
    const fields = der.derSequence(extension);
    const [identifier, value] = [fields[0], fields.at(-1)];
    if (!identifier || !value || fields.length < 2 || fields.length > 3) {
      throw new MalformedError(FORMAT, "an extension has other fields than identifier, critical and value");
    }
    const oid = encodeHex(identifier.content);
    if (extensions.has(oid)) throw new MalformedError(FORMAT, `extension ${oid} appears twice`);
    extensions.set(oid, der.derOctets(value));
  }
  return extensions;
}

function commonNameOf(name: der.DerElement): string | null {
  const attributes = der.derSequence(name).flatMap(der.derSet).map(der.derSequence);
  const names = attributes.flatMap(([type, value]) =>
    type && value && encodeHex(type.raw) === COMMON_NAME ? [decodeUtf8(value.content)] : [],
  );
  return names.length === 1 ? (names[0] ?? null) : null;
}
