// Reads what dsse.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { sha256 } from "../entry/fields.shape.ts";
import { list, object, oneOf } from "../shape/containers.ts";
import { atLeast, atMost, string } from "../shape/scalars.ts";

export type EnvelopeJson = {
  payload: string;
  payloadType: "application/vnd.in-toto+json";
  signatures: {
    /** Hex SHA-256 of the key's SPKI DER */
    keyid: string;
    sig: string;
  }[];
};

export const envelopeJson = object<EnvelopeJson>({
  payload: string(atMost(65535)),
  payloadType: oneOf("application/vnd.in-toto+json"),
  signatures: list(
    object({
      keyid: sha256,
      sig: string(atMost(128)),
    }),
    atLeast(1),
    atMost(32),
  ),
});
