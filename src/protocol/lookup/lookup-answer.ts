// Defines what a log answers to a lookup: which entries a term finds, or that it finds none, with everything that a verifier needs to
// believe it (docs/formats.md, "Lookup"). Reading it proves nothing; src/verifier/lookup/verify-lookup.ts does that.
import {
  type LoggedEntry,
  MAX_BUNDLE_BYTES,
  parseLoggedEntry,
  writeLoggedEntry,
} from "../bundle/policy-bundle.ts";
import { decodeBase64, encodeBase64 } from "../encoding/base64.ts";
import { decodeHex, encodeHex } from "../encoding/hex.ts";
import { readAs } from "../encoding/shape.ts";
import { parseJson } from "../envelope/parse-json.ts";
import { type LookupAnswerJson, lookupAnswerJson } from "./lookup-answer.shape.ts";
import type { LookupProof } from "./prefix-tree.ts";
import { parseTerm, type Term } from "./term.ts";

export const LOOKUP_MEDIA_TYPE = "application/vnd.touchstone.lookup+json";

/**
 * @example
 * ```ts
 * import type { LookupAnswer } from "touchstone/protocol";
 * const claimsNone = ({ indices }: LookupAnswer): boolean => indices.length === 0; // verifyLookup says whether it is true
 * ```
 */
export interface LookupAnswer {
  readonly origin: string;
  readonly term: Term;
  /** Indices of the entries, ascending; of more than 1,000, the newest. */
  readonly indices: readonly number[];
  /** Value hash of the entries before these, 32 bytes; null where these are all. */
  readonly before: Uint8Array | null;
  readonly proof: LookupProof;
  readonly trustRoots: readonly LoggedEntry[];
  /** The status whose index this is. */
  readonly status: LoggedEntry;
  readonly checkpoint: string;
  readonly consistency: { readonly from: number; readonly proof: readonly Uint8Array[] } | null;
}

/**
 * @throws MalformedError with a JSON pointer where there is one.
 * @example
 * ```ts
 * import { parseLookupAnswer } from "touchstone/protocol";
 * const entriesClaimed = (bytes: Uint8Array): readonly number[] => parseLookupAnswer(bytes).indices;
 * ```
 */
export function parseLookupAnswer(bytes: Uint8Array): LookupAnswer {
  const json = readAs(lookupAnswerJson, parseJson(bytes, MAX_BUNDLE_BYTES), "lookup answer");
  const { other, siblings } = json.proof;
  return {
    origin: json.origin,
    term: parseTerm(json.type, json.value),
    indices: json.indices,
    before: json.before === null ? null : decodeBase64(json.before),
    proof: {
      siblings: siblings.map(decodeBase64),
      other: other && { key: decodeHex(other.key), valueHash: decodeBase64(other.valueHash) },
    },
    trustRoots: json.trustRoots.map(parseLoggedEntry),
    status: parseLoggedEntry(json.status),
    checkpoint: json.checkpoint,
    consistency: json.consistency && {
      from: json.consistency.from,
      proof: json.consistency.proof.map(decodeBase64),
    },
  };
}

export function formatLookupAnswer(answer: LookupAnswer): string {
  const { siblings, other } = answer.proof;
  const json: LookupAnswerJson = {
    format: "touchstone-lookup/v1",
    origin: answer.origin,
    type: answer.term.type,
    value: answer.term.value,
    indices: [...answer.indices],
    before: answer.before && encodeBase64(answer.before),
    proof: {
      siblings: siblings.map(encodeBase64),
      other: other && { key: encodeHex(other.key), valueHash: encodeBase64(other.valueHash) },
    },
    trustRoots: answer.trustRoots.map(writeLoggedEntry),
    status: writeLoggedEntry(answer.status),
    checkpoint: answer.checkpoint,
    consistency: answer.consistency && {
      from: answer.consistency.from,
      proof: answer.consistency.proof.map(encodeBase64),
    },
  };
  return JSON.stringify(json);
}
