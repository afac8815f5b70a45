// Defines the kind trust-root: who may do what. Entry 0 of every log; each later one needs a threshold of the one before it and of its own.
import { differ } from "./fields.ts";
import type { MixedRole, Role, TrustRoot } from "./trust-root.shape.ts";

export type { MixedRole, Role, TrustRoot } from "./trust-root.shape.ts";

/** Whether the threshold can be met: keys count once each. */
export function isReachable({ keys, threshold }: Role): boolean {
  return differ(keys) && threshold <= keys.length;
}

/** The same where identity rules stand beside keys. */
export function isMixReachable({ keys, identities, threshold }: MixedRole): boolean {
  return differ(keys) && differ(identities) && threshold <= keys.length + identities.length;
}

/** Whether the first version, and no other, follows nothing. */
export function isChained({ version, previous }: TrustRoot): boolean {
  return (version === 1) === (previous === null);
}
