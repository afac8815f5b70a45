// Drafts the statement of a provider's keys as they are now, which people look at, sign and publish.
import { formatTime } from "../../protocol/entry/fields.ts";
import type { IdentityKeys, ProviderKey } from "../../protocol/entry/identity-keys.ts";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import type { LoggedProviders } from "./logged-providers.ts";

export interface ProviderNow {
  readonly name: string;
  readonly issuer: string;
  readonly keys: readonly ProviderKey[];
}

/** The successor of what the log has under that name, or the first. */
export function draftIdentityKeys(
  { name, issuer, keys }: ProviderNow,
  { root, identityKeys }: LoggedProviders,
  now: Date,
): IdentityKeys {
  const newest = identityKeys.findLast((placed) => placed.keys.name === name);
  return {
    name,
    version: (newest?.keys.version ?? 0) + 1,
    previous: newest?.digest ?? null,
    origin: root.origin,
    issuer,
    keys: [...keys].sort((a, b) => (a.kid < b.kid ? -1 : 1)),
    retrievedAt: formatTime(now),
  };
}

/** Ids of keys that the provider has now and the newest entry of it has not: tokens signed with them are refused. */
export function missingKeys(keys: readonly ProviderKey[], logged: IdentityKeys | undefined): string[] {
  const known = new Set(logged?.keys.map((key) => canonicalize(key)));
  return keys.filter((key) => !known.has(canonicalize(key))).map(({ kid }) => kid);
}
