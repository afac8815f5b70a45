// Reads what trust-pin.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { positive, sha256 } from "../../protocol/entry/fields.shape.ts";
import { PRINTABLE } from "../../protocol/entry/fields.ts";
import { type EnvelopeJson, envelopeJson } from "../../protocol/envelope/dsse.shape.ts";
import { object } from "../../protocol/shape/containers.ts";
import { atLeast, atMost, matching, string } from "../../protocol/shape/scalars.ts";

export type TrustFile = {
  origin: string;
  version: number;
  /** SHA-256, lower-case hex */
  digest: string;
  envelope: EnvelopeJson;
};

export const trustFile = object<TrustFile>({
  origin: string(atMost(255), matching(PRINTABLE), atLeast(1)),
  version: positive,
  digest: sha256,
  envelope: envelopeJson,
});
