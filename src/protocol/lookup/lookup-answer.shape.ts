// Reads what lookup-answer.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import {
  hash,
  type LoggedEntryJson,
  loggedEntryJson,
  type Proof,
  proof,
} from "../bundle/policy-bundle.shape.ts";
import { integer, origin, positive, sha256 } from "../entry/fields.shape.ts";
import { PRINTABLE } from "../entry/fields.ts";
import { list, nullable, object, oneOf } from "../shape/containers.ts";
import { atLeast, atMost, matching, string } from "../shape/scalars.ts";

/** Answer to a lookup */
export type LookupAnswerJson = {
  format: "touchstone-lookup/v1";
  /** Origin line of the log's checkpoints (C2SP tlog-checkpoint) */
  origin: string;
  type: "measurement" | "digest" | "name" | "payload" | "signer";
  value: string;
  /** The entries that the term finds, ascending; of more than 1,000, the newest */
  indices: number[];
  /** Value hash of the entries before these; null where these are all, or none is */
  before: string | null;
  proof: {
    /** Beside the path of the term's key, the deepest first */
    siblings: string[];
    /** Of a term that finds nothing: the other key at which its path ends; null: at nothing */
    other: {
      /** SHA-256, lower-case hex */
      key: string;
      /** 32-byte hash, base64 */
      valueHash: string;
    } | null;
  };
  /** Every trust root, oldest first */
  trustRoots: LoggedEntryJson[];
  /** The newest status, whose index this is */
  status: LoggedEntryJson;
  /** Cosigned checkpoint (C2SP tlog-checkpoint) */
  checkpoint: string;
  /** Consistency proof from an earlier size (RFC 6962 §2.1.2) */
  consistency: {
    from: number;
    proof: Proof;
  } | null;
};

export const lookupAnswerJson = object<LookupAnswerJson>({
  format: oneOf("touchstone-lookup/v1"),
  origin,
  type: oneOf("measurement", "digest", "name", "payload", "signer"),
  value: string(atMost(160), matching(PRINTABLE), atLeast(1)),
  indices: list(integer, atMost(1000)),
  before: nullable(hash),
  proof: object({
    siblings: list(hash, atMost(256)),
    other: nullable(
      object({
        key: sha256,
        valueHash: hash,
      }),
    ),
  }),
  trustRoots: list(loggedEntryJson, atLeast(1), atMost(256)),
  status: loggedEntryJson,
  checkpoint: string(atMost(65536)),
  consistency: nullable(
    object({
      from: positive,
      proof,
    }),
  ),
});
