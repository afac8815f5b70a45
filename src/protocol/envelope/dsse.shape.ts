// Reads what dsse.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { sha256, spki, time } from "../entry/fields.shape.ts";
import { ruleId } from "../entry/identity-rule.shape.ts";
import { list, object, oneOf, optional } from "../shape/containers.ts";
import { atLeast, atMost, matching, string } from "../shape/scalars.ts";

/** Whose signature it is where the key stands in no trust root */
export type SignatureIdentity = {
  /** The provider's token, JWS compact serialization (RFC 7515) */
  jwt: string;
  /** Id of an identity rule of the trust root */
  rule: string;
  /** The key that signed, which exists for this one signature; base64 */
  spki: string;
};

export const signatureIdentity = object<SignatureIdentity>({
  jwt: string(atMost(8192), matching(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/)),
  rule: ruleId,
  spki,
});

export type EnvelopeJson = {
  payload: string;
  payloadType: "application/vnd.in-toto+json";
  /** When the log took an entry with an identity; only there */
  recordedAt?: string | undefined;
  signatures: {
    identity?: SignatureIdentity | undefined;
    /** Hex SHA-256 of the key's SPKI DER */
    keyid: string;
    sig: string;
  }[];
};

export const envelopeJson = object<EnvelopeJson>({
  payload: string(atMost(65535)),
  payloadType: oneOf("application/vnd.in-toto+json"),
  recordedAt: optional(time),
  signatures: list(
    object({
      identity: optional(signatureIdentity),
      keyid: sha256,
      sig: string(atMost(128)),
    }),
    atLeast(1),
    atMost(32),
  ),
});
