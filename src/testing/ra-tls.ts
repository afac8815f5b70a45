// Makes self-signed RA-TLS certificates: a channel key with evidence in an extension.
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

/**
 * @example
 * ```ts
 * import type { RaTlsFields } from "touchstone/testing";
 * const expired = (fields: RaTlsFields): RaTlsFields => ({ ...fields, notAfter: new Date(0) });
 * ```
 */
export interface RaTlsFields extends Validity {
  readonly commonName: string;
  /** Extension values by dotted OID; an OID may be there twice. */
  readonly extensions: ReadonlyArray<readonly [oid: string, value: Uint8Array]>;
}

/**
 * A self-signed certificate of `key` with any extensions.
 * @example
 * ```ts
 * import { makeKeyPair, makeRaTlsCertificate } from "touchstone/testing";
 * const key = await makeKeyPair("P-256");
 * const certificate = await makeRaTlsCertificate(key, {
 *   commonName: "gpu.example.com",
 *   extensions: [],
 *   notBefore: new Date("2026-01-01"),
 *   notAfter: new Date("2030-01-01"),
 * });
 * ```
 */
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

/**
 * The certificate that a machine would show to TLS clients, valid for a day before and after the time it was made for.
 * @example
 * ```ts
 * import { makeEvidenceCertificate, makeMachine } from "touchstone/testing";
 * const certificate = await makeEvidenceCertificate(await makeMachine({ at: new Date() }));
 * ```
 */
export function makeEvidenceCertificate(machine: Machine): Promise<Certified> {
  const at = machine.options.at.getTime();
  return makeRaTlsCertificate(machine.channel, {
    commonName: "synthetic.invalid",
    notBefore: new Date(at - 86_400_000),
    notAfter: new Date(at + 86_400_000),
    extensions: [[CONCEPTUAL_MESSAGE_WRAPPER, wrapEvidence(encodeEvidence(machine.evidence))]],
  });
}

/**
 * OCTET STRING of the CBOR array [media type, bytes]. The bytes' length takes 2 bytes, or 4 above 64 KiB.
 * @example
 * ```ts
 * import { encodeEvidence, makeMachine, wrapEvidence } from "touchstone/testing";
 * const { evidence } = await makeMachine({ at: new Date() });
 * const value = wrapEvidence(encodeEvidence(evidence)); // of a certificate's extension
 * ```
 */
export function wrapEvidence(evidence: Uint8Array): Uint8Array {
  const type = utf8(EVIDENCE_MEDIA_TYPE);
  const length =
    evidence.length < 0x10000
      ? Uint8Array.of(0x59, evidence.length >>> 8, evidence.length & 255)
      : Uint8Array.of(0x5a, ...u32(evidence.length).reverse());
  return octetString(concatBytes(Uint8Array.of(0x82, 0x78, type.length), type, length, evidence));
}
