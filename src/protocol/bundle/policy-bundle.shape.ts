// Reads what policy-bundle.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { integer, positive } from "../entry/fields.shape.ts";
import { PRINTABLE } from "../entry/fields.ts";
import { type EnvelopeJson, envelopeJson } from "../envelope/dsse.shape.ts";
import { list, nullable, object, oneOf } from "../shape/containers.ts";
import { atLeast, atMost, boolean, matching, string } from "../shape/scalars.ts";
import type { Shape } from "../shape/shape.ts";

/** 32-byte hash, base64 */
export const hash: Shape<string> = string(matching(/^[A-Za-z0-9+/]{43}=$/));

export type Proof = string[];

export const proof: Shape<Proof> = list(hash, atMost(63));

/** An entry, its index and its proof */
export type LoggedEntryJson = {
  index: number;
  envelope: EnvelopeJson;
  /** Inclusion proof to the bundle's checkpoint, leaf's sibling first (RFC 6962 §2.1.1) */
  proof: Proof;
};

export const loggedEntryJson = object<LoggedEntryJson>({
  index: integer,
  envelope: envelopeJson,
  proof,
});

/** Proof of when an entry with an identity was there at the latest */
export type ConfirmationJson = {
  index: number;
  /** A checkpoint over the entry, cosigned soon after it */
  checkpoint: string;
  /** Inclusion proof of the entry to that checkpoint */
  proof: Proof;
};

export const confirmationJson = object<ConfirmationJson>({
  index: integer,
  checkpoint: string(atMost(65536)),
  proof,
});

/** Policy bundle */
export type PolicyBundleJson = {
  format: "touchstone-policy-bundle/v1";
  origin: string;
  /** Not the newest policy: never accepted as current */
  historical: boolean;
  /** Every trust root, oldest first */
  trustRoots: LoggedEntryJson[];
  /** The newest status */
  status: LoggedEntryJson;
  /** An entry, its index and its proof */
  policy: LoggedEntryJson;
  /** Every entry that the policy refers to, once */
  entries: LoggedEntryJson[];
  /** Rebuilds of them by keys that the policy names; none where it names no keys */
  rebuilds: LoggedEntryJson[];
  /** All keys of each provider by whose tokens entries were published, oldest first */
  identityKeys: LoggedEntryJson[];
  /** When each entry with an identity was there at the latest */
  confirmations: ConfirmationJson[];
  /** Revocations that concern any of them */
  revocations: LoggedEntryJson[];
  /** Cosigned checkpoint (C2SP tlog-checkpoint) */
  checkpoint: string;
  /** Consistency proof from an earlier size (RFC 6962 §2.1.2) */
  consistency: {
    from: number;
    proof: Proof;
  } | null;
};

export const policyBundleJson = object<PolicyBundleJson>({
  format: oneOf("touchstone-policy-bundle/v1"),
  origin: string(atMost(255), matching(PRINTABLE), atLeast(1)),
  historical: boolean(),
  trustRoots: list(loggedEntryJson, atLeast(1), atMost(256)),
  status: loggedEntryJson,
  policy: loggedEntryJson,
  entries: list(loggedEntryJson, atMost(512)),
  rebuilds: list(loggedEntryJson, atMost(256)),
  identityKeys: list(loggedEntryJson, atMost(256)),
  confirmations: list(confirmationJson, atMost(512)),
  revocations: list(loggedEntryJson, atMost(256)),
  checkpoint: string(atMost(65536)),
  consistency: nullable(
    object({
      from: positive,
      proof,
    }),
  ),
});
