// Judges the tokens of an entry as a function of the log: by the identity rules of the trust root in force, the provider's keys that were in
// the log below the entry, and the time that the log recorded.

import type { IdentityKeys, ProviderKey } from "../entry/identity-keys.ts";
import type { TrustRoot } from "../entry/trust-root.ts";
import { canonicalDigest } from "../envelope/canonical-digest.ts";
import { canonicalize } from "../envelope/canonical-json.ts";
import type { SignedToken, VerifiedEnvelope } from "../envelope/dsse.ts";
import { audienceOf } from "../identity/audience.ts";
import { whyNotTaken } from "../identity/check-token.ts";
import { type InForce, isRevoked, type PlacedIdentityKeys } from "./in-force.ts";
import { refuse } from "./refusal.ts";

/** For so long after a provider's newer keys were retrieved, those before them count: a token may be on its way, seconds. */
const OVERLAP = 86_400;

/** What decides about a token apart from the token itself. */
export interface IdentityBasis {
  readonly root: TrustRoot;
  /** Every provider's keys below the entry, oldest first. */
  readonly identityKeys: readonly PlacedIdentityKeys[];
  readonly revoked: Pick<InForce, "revokedDigests" | "revokedKeys" | "revokedIdentities">;
}

/** @throws PolicyError "identity-refused", naming the rule and what of it the token does not meet. */
export function checkTokens(
  envelope: Pick<VerifiedEnvelope, "tokens" | "payloadDigest" | "recordedAt">,
  { root, identityKeys, revoked }: IdentityBasis,
): void {
  const { tokens, payloadDigest, recordedAt } = envelope;
  for (const token of tokens) {
    const time = Date.parse(recordedAt ?? "") / 1000;
    const rule = root.identities.find(({ id }) => id === token.rule);
    if (rule === undefined)
      refuse("not-authorised", `trust root version ${root.version} has no identity rule ${token.rule}`);
    if (!rule.algorithms.includes(token.key.alg))
      refuse("identity-refused", `identity rule ${rule.id} takes no ${token.key.alg}`);
    const audience = audienceOf(root.origin, token.keyId, payloadDigest);
    const why = whyNotTaken(rule, token, { audience, time });
    if (why !== null) refuse("identity-refused", `identity rule ${rule.id} does not take the token: ${why}`);
    if (!keysAt(identityKeys, rule.issuer, time, revoked).some((key) => isSame(key, token.key)))
      refuse(
        "identity-refused",
        `key ${token.key.kid} of ${rule.issuer} was not among those that the log had for ${recordedAt}; publish them with 'touchstone identity snapshot'`,
      );
  }
}

/** The keys of a provider that count at a time, POSIX seconds: the newest in the log, and for a day those before them. */
export function keysAt(
  identityKeys: readonly PlacedIdentityKeys[],
  issuer: string,
  time: number,
  revoked: IdentityBasis["revoked"],
): ProviderKey[] {
  const own = identityKeys.filter(({ keys }) => keys.issuer === issuer);
  const counts = (placed: PlacedIdentityKeys, i: number) => {
    const next = own[i + 1]?.keys;
    const isCurrent = next === undefined || time <= Date.parse(next.retrievedAt) / 1000 + OVERLAP;
    return isCurrent && !isRevoked(revoked, { kind: "identity-keys", ...placed });
  };
  return own.filter(counts).flatMap(({ keys }) => keys.keys);
}

function isSame(a: ProviderKey, b: ProviderKey): boolean {
  return canonicalize(a) === canonicalize(b);
}

/**
 * What a token is called, so that it is used once: hex SHA-256 of issuer and `jti`.
 * @example
 * ```ts
 * import { tokenIdOf, type VerifiedEnvelope } from "touchstone/protocol";
 * const remember = (used: Set<string>, { tokens }: VerifiedEnvelope): void => {
 *   for (const token of tokens) used.add(tokenIdOf(token)); // what LogView.hasToken is asked for
 * };
 * ```
 */
export function tokenIdOf({ claims }: Pick<SignedToken, "claims">): string {
  return canonicalDigest([claims.iss, claims.jti]);
}

/**
 * Whether a provider's keys follow those before them; a provider has one name in a log.
 * @throws PolicyError "wrong-predecessor".
 */
export function checkSameProvider(next: IdentityKeys, identityKeys: readonly PlacedIdentityKeys[]): void {
  for (const { keys } of identityKeys) {
    if ((keys.name === next.name) !== (keys.issuer === next.issuer))
      refuse("wrong-predecessor", `identity-keys ${keys.name} are of ${keys.issuer}, and stay so`);
    if (keys.name === next.name && keys.retrievedAt > next.retrievedAt)
      refuse("wrong-predecessor", `identity-keys ${keys.name} were retrieved ${keys.retrievedAt} before`);
  }
}
