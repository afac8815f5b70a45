// Reads what an RA-TLS certificate says (RFC 5280 §4.1): its key exactly as sent, validity, common name, extensions.
// Its signature means nothing here, and may be of any kind: the quote vouches for the key.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MalformedError } from "../../protocol/errors.ts";
import {
  type CertificateFields,
  readCertificateFields,
  readExtensionList,
} from "../x509/certificate-fields.ts";
import { derSequence } from "../x509/der.ts";
import { readFrame } from "../x509/signed-der.ts";

const FORMAT = "RA-TLS certificate";
/** OpenSSL refuses a certificate list above 100 KiB by default; nothing above this arrives over TLS. */
const MAX_CERTIFICATE_BYTES = 1024 * 1024;

export interface RaTlsCertificate
  extends Pick<CertificateFields, "spki" | "notBefore" | "notAfter" | "commonName"> {
  /** Extension values by hex of the encoded OID: whoever made the certificate may have used arcs of any size. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
}

/**
 * Parses a v3 certificate of at most 1 MiB.
 * @throws MalformedError on BER, bytes left over anywhere, or an extension that appears twice.
 */
export function parseRaTlsCertificate(bytes: Uint8Array): RaTlsCertificate {
  if (bytes.length > MAX_CERTIFICATE_BYTES) throw new MalformedError(FORMAT, "longer than 1 MiB");
  const [signed] = readFrame(bytes, FORMAT);
  const fields = readCertificateFields(derSequence(signed), FORMAT);
  const { spki, notBefore, notAfter, commonName } = fields;
  const extensions = readExtensionList(fields.extensions, FORMAT);
  return {
    spki,
    notBefore,
    notAfter,
    commonName,
    extensions: new Map(extensions.map(({ identifier, value }) => [encodeHex(identifier.content), value])),
  };
}
