// Reads what golden-table.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { either, list, object } from "../shape/containers.ts";
import { atLeast, atMost, boolean, from, matching, safeInteger, string, upTo } from "../shape/scalars.ts";
import { rule, type Shape } from "../shape/shape.ts";
import { integer, sha256, sha384, time } from "./fields.shape.ts";
import { PRINTABLE } from "./fields.ts";
import { hasActiveIndex, hasRisingIndices } from "./golden-table.ts";

export type GoldenTable = (
  | {
      /** Any one of them matches */
      alternatives: string[];
      index: number;
      /** Only active indices are compared */
      active: boolean;
    }
  | {
      /** Lowest security version number that the device may state */
      minSvn: number;
      index: number;
      /** Only active indices are compared */
      active: boolean;
    }
)[];

export const goldenTable: Shape<GoldenTable> = list(
  either(
    object({
      alternatives: list(sha384, atLeast(1), atMost(64)),
      index: safeInteger(from(0), upTo(63)),
      active: boolean(),
    }),
    object({
      minSvn: integer,
      index: safeInteger(from(4096), upTo(69631)),
      active: boolean(),
    }),
  ),
  atLeast(1),
  atMost(128),
  rule(hasRisingIndices, "indices must rise strictly"),
  rule(hasActiveIndex, "at least one index must be active"),
);

/** SHA-256 of the RFC 8785 form of the table */
export const tableDigest: Shape<string> = string(matching(/^[0-9a-f]{64}$/));

/** Certificate chain, signer first */
export type RimSigners = {
  subject: string;
  /** SHA-256, lower-case hex */
  sha256: string;
  /** RFC 3339, UTC, seconds */
  notBefore: string;
  /** RFC 3339, UTC, seconds */
  notAfter: string;
}[];

export const rimSigners: Shape<RimSigners> = list(
  object({
    subject: string(atMost(512), matching(PRINTABLE), atLeast(1)),
    sha256,
    notBefore: time,
    notAfter: time,
  }),
  atLeast(1),
  atMost(8),
);
