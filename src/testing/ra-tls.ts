// Self-signed RA-TLS certificates: a channel key with evidence in an extension.
import "reflect-metadata";
import { Extension } from "@peculiar/x509";
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { type Certified, certify, type KeyPair, type Validity } from "./authority.ts";
import { octetString } from "./der.ts";
import { u32 } from "./little-endian.ts";
import { encodeEvidence, type Machine } from "./machine.ts";

/** id-pe-cmw (draft-ietf-rats-msg-wrap): where `touchstone-ra-tls/v1` puts evidence.json. */
const CONCEPTUAL_MESSAGE_WRAPPER = "1.3.6.1.5.5.7.1.35";
const EVIDENCE_MEDIA_TYPE = "application/vnd.touchstone.evidence.v1+json";

export interface RaTlsFields extends Validity {
  readonly commonName: string;
  /** Extension values by dotted OID; an OID may be there twice. */
  readonly extensions: ReadonlyArray<readonly [oid: string, value: Uint8Array]>;
}

/** A self-signed certificate of `key` with any extensions. */
export function makeRaTlsCertificate(key: KeyPair, fields: RaTlsFields): Promise<Certified> {
  const { commonName, extensions, notBefore, notAfter } = fields;
  return certify(
    {
      notBefore,
      notAfter,
      subject: `CN=${commonName}`,
      curve: key.curve,
      ca: false,
      extensions: extensions.map(([oid, value]) => new Extension(oid, false, Uint8Array.from(value))),
    },
    key,
  );
}

/** The certificate that a machine would show to TLS clients, valid for a day before and after the time it was made for. */
export function makeEvidenceCertificate(machine: Machine): Promise<Certified> {
  const at = machine.options.at.getTime();
  return makeRaTlsCertificate(machine.channel, {
    commonName: "synthetic.invalid",
    notBefore: new Date(at - 86_400_000),
    notAfter: new Date(at + 86_400_000),
    extensions: [[CONCEPTUAL_MESSAGE_WRAPPER, wrapEvidence(encodeEvidence(machine.evidence))]],
  });
}

/** OCTET STRING of the CBOR array [media type, bytes]. The bytes' length takes 2 bytes, or 4 above 64 KiB. */
export function wrapEvidence(evidence: Uint8Array): Uint8Array {
  const type = utf8(EVIDENCE_MEDIA_TYPE);
  const length =
    evidence.length < 0x10000
      ? Uint8Array.of(0x59, evidence.length >>> 8, evidence.length & 255)
      : Uint8Array.of(0x5a, ...u32(evidence.length).reverse());
  return octetString(concatBytes(Uint8Array.of(0x82, 0x78, type.length), type, length, evidence));
}
