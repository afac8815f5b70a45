// Defines the kind identity-keys: the keys with which a provider signed its tokens at a time, as people saw and signed them, so that whoever
// replays the log years later judges each token by the keys of its day.
import { differ } from "./fields.ts";
import type { IdentityKeys } from "./identity-keys.shape.ts";

export type { IdentityKeys, ProviderKey } from "./identity-keys.shape.ts";

/** Whether the first version, and no other, follows nothing. */
export function isChained({ version, previous }: IdentityKeys): boolean {
  return (version === 1) === (previous === null);
}

/** Whether a key id means one key. */
export function hasDistinctKeyIds({ keys }: IdentityKeys): boolean {
  return differ(keys.map(({ kid }) => kid));
}
