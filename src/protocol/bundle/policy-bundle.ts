// Defines the policy bundle: one JSON file with everything that a verifier needs to decide offline which machines are acceptable.
// Reading it proves nothing; src/verifier/bundle/verify-bundle.ts does that.
import { decodeBase64, encodeBase64 } from "../encoding/base64.ts";
import { readAs } from "../encoding/shape.ts";
import { type Envelope, envelopeFromJson, envelopeToJson, requireTime } from "../envelope/dsse.ts";
import { parseJson } from "../envelope/parse-json.ts";
import { type LoggedEntryJson, type PolicyBundleJson, policyBundleJson } from "./policy-bundle.shape.ts";

export const BUNDLE_MEDIA_TYPE = "application/vnd.touchstone.policy-bundle+json";
/** Larger bundles are refused unread. An ordinary one is below 64 KiB compressed. */
export const MAX_BUNDLE_BYTES = 8 * 1024 * 1024;

/** An entry of a bundle, read but not verified. */
export interface LoggedEntry {
  readonly index: number;
  readonly envelope: Envelope;
  /** 32-byte hashes, leaf's sibling first. */
  readonly proof: readonly Uint8Array[];
}

/** A checkpoint over an entry with an identity, read but not verified. */
export interface Confirmation {
  /** Of the entry. */
  readonly index: number;
  /** The signed note. */
  readonly checkpoint: string;
  /** Inclusion proof of the entry to that checkpoint: 32-byte hashes, leaf's sibling first. */
  readonly proof: readonly Uint8Array[];
}

/**
 * @example
 * ```ts
 * import type { PolicyBundle } from "touchstone/protocol";
 * const countEntries = ({ entries }: PolicyBundle): number => entries.length;
 * ```
 */
export interface PolicyBundle {
  readonly origin: string;
  readonly historical: boolean;
  readonly trustRoots: readonly LoggedEntry[];
  readonly status: LoggedEntry;
  readonly policy: LoggedEntry;
  readonly entries: readonly LoggedEntry[];
  readonly rebuilds: readonly LoggedEntry[];
  readonly identityKeys: readonly LoggedEntry[];
  readonly confirmations: readonly Confirmation[];
  readonly revocations: readonly LoggedEntry[];
  readonly checkpoint: string;
  readonly consistency: { readonly from: number; readonly proof: readonly Uint8Array[] } | null;
}

/**
 * @throws MalformedError with a JSON pointer where there is one.
 * @example
 * ```ts
 * import { parsePolicyBundle } from "touchstone/protocol";
 * const originOf = (bytes: Uint8Array): string => parsePolicyBundle(bytes).origin;
 * ```
 */
export function parsePolicyBundle(bytes: Uint8Array): PolicyBundle {
  const json = readAs(policyBundleJson, parseJson(bytes, MAX_BUNDLE_BYTES), "policy bundle");
  return {
    ...json,
    trustRoots: json.trustRoots.map(parseLoggedEntry),
    status: parseLoggedEntry(json.status),
    policy: parseLoggedEntry(json.policy),
    entries: json.entries.map(parseLoggedEntry),
    rebuilds: json.rebuilds.map(parseLoggedEntry),
    identityKeys: json.identityKeys.map(parseLoggedEntry),
    confirmations: json.confirmations.map(({ proof, ...rest }) => ({
      ...rest,
      proof: proof.map(decodeBase64),
    })),
    revocations: json.revocations.map(parseLoggedEntry),
    consistency: json.consistency && {
      from: json.consistency.from,
      proof: json.consistency.proof.map(decodeBase64),
    },
  };
}

/**
 * @example
 * ```ts
 * import { formatPolicyBundle, type PolicyBundle } from "touchstone/protocol";
 * const save = (bundle: PolicyBundle) => localStorage.setItem("bundle", formatPolicyBundle(bundle));
 * ```
 */
export function formatPolicyBundle(bundle: PolicyBundle): string {
  const json: PolicyBundleJson = {
    format: "touchstone-policy-bundle/v1",
    origin: bundle.origin,
    historical: bundle.historical,
    trustRoots: bundle.trustRoots.map(writeLoggedEntry),
    status: writeLoggedEntry(bundle.status),
    policy: writeLoggedEntry(bundle.policy),
    entries: bundle.entries.map(writeLoggedEntry),
    rebuilds: bundle.rebuilds.map(writeLoggedEntry),
    identityKeys: bundle.identityKeys.map(writeLoggedEntry),
    confirmations: bundle.confirmations.map(({ index, checkpoint, proof }) => ({
      index,
      checkpoint,
      proof: proof.map(encodeBase64),
    })),
    revocations: bundle.revocations.map(writeLoggedEntry),
    checkpoint: bundle.checkpoint,
    consistency: bundle.consistency && {
      from: bundle.consistency.from,
      proof: bundle.consistency.proof.map(encodeBase64),
    },
  };
  return JSON.stringify(json);
}

export function parseLoggedEntry({ index, envelope, proof }: LoggedEntryJson): LoggedEntry {
  return { index, envelope: requireTime(envelopeFromJson(envelope)), proof: proof.map(decodeBase64) };
}

export function writeLoggedEntry({ index, envelope, proof }: LoggedEntry): LoggedEntryJson {
  return { index, envelope: envelopeToJson(envelope), proof: proof.map(encodeBase64) };
}
