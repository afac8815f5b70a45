// Defines what a verifier starts from: one trust root of one log, by digest. Everything else is authenticated from it.
import { readAs } from "../../protocol/encoding/shape.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import {
  type Envelope,
  envelopeFromJson,
  envelopeToJson,
  MAX_LEAF_BYTES,
} from "../../protocol/envelope/dsse.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import type { RememberedState } from "./remembered-state.ts";
import { trustFile } from "./trust-pin.shape.ts";

/**
 * Names one trust root. Three values that fit into a program's source.
 * @example
 * ```ts
 * import type { TrustPin } from "touchstone/verifier";
 * const pin: TrustPin = { origin: "log.example/production", version: 1, digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" };
 * ```
 */
export interface TrustPin {
  /** Origin of the log. */
  readonly origin: string;
  readonly version: number;
  /** SHA-256 of the trust root's DSSE payload, lower-case hex. */
  readonly digest: string;
}

/**
 * A pin together with the trust root that it names.
 * @example
 * ```ts
 * import type { TrustAnchor } from "touchstone/verifier";
 * const validUntil = ({ root }: TrustAnchor): string => root.expires;
 * ```
 */
export interface TrustAnchor extends TrustPin {
  readonly root: TrustRoot;
  readonly envelope: Envelope;
}

/**
 * Everything that verification depends on beside the bundle itself.
 * @example
 * ```ts
 * import type { TrustPin, VerifyBundleOptions } from "touchstone/verifier";
 * const options = (pin: TrustPin): VerifyBundleOptions => ({ pin, policy: "production", now: new Date(), remembered: null });
 * ```
 */
export interface VerifyBundleOptions {
  readonly pin: TrustPin;
  /** Name of the policy that was asked for: the bundle of another one is refused, true as it may be. */
  readonly policy: string;
  /** The time at which everything must be valid. */
  readonly now: Date;
  /** What was remembered of this log, or null on the first visit. */
  readonly remembered: RememberedState | null;
}

/**
 * Reads `trust-root.json`, which `touchstone init` writes: the pin, and the envelope of the trust root that it names.
 * @throws MalformedError also when the envelope is not the one that the pin names.
 * @example
 * ```ts
 * import { parseTrustFile, type TrustPin } from "touchstone/verifier";
 * const pin = (file: Uint8Array): TrustPin => parseTrustFile(file);
 * ```
 */
export function parseTrustFile(bytes: Uint8Array | string): TrustAnchor {
  const file = readAs(trustFile, parseJson(bytes, 2 * MAX_LEAF_BYTES), "trust file");
  const { origin, version, digest } = file;
  const envelope = envelopeFromJson(file.envelope);
  const { statement, payloadDigest } = envelope;
  if (statement.kind !== "trust-root" || payloadDigest !== digest) {
    throw new MalformedError(
      "trust file",
      "the envelope is not the trust root that the digest names",
      "/digest",
    );
  }
  const root = statement.predicate;
  if (root.origin !== origin || root.version !== version) {
    throw new MalformedError(
      "trust file",
      "origin or version differ from those of the trust root",
      "/origin",
    );
  }
  return { origin, version, digest, root, envelope };
}

/** Writes `trust-root.json` for the trust root in this envelope. @throws TypeError for another kind of entry. */
export function formatTrustFile(envelope: Envelope): string {
  const { statement, payloadDigest } = envelope;
  if (statement.kind !== "trust-root") throw new TypeError("not the envelope of a trust root");
  const { origin, version } = statement.predicate;
  return `${JSON.stringify({ origin, version, digest: payloadDigest, envelope: envelopeToJson(envelope) }, null, 2)}\n`;
}
