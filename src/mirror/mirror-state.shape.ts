// Reads what mirror-state.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { positive, sha256 } from "../protocol/entry/fields.shape.ts";
import { PRINTABLE } from "../protocol/entry/fields.ts";
import { type EnvelopeJson, envelopeJson } from "../protocol/envelope/dsse.shape.ts";
import { list, object, oneOf } from "../protocol/shape/containers.ts";
import { atLeast, atMost, matching, string } from "../protocol/shape/scalars.ts";

export type MirrorState = {
  format: "touchstone-mirror/v1";
  pin: {
    origin: string;
    version: number;
    /** SHA-256, lower-case hex */
    digest: string;
  };
  trustRoot: EnvelopeJson;
  missing: string[];
};

export const mirrorState = object<MirrorState>({
  format: oneOf("touchstone-mirror/v1"),
  pin: object({
    origin: string(atMost(255), matching(PRINTABLE), atLeast(1)),
    version: positive,
    digest: sha256,
  }),
  trustRoot: envelopeJson,
  missing: list(sha256),
});
