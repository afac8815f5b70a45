// Defines the kind revocation: what must not be trusted any more, whatever the age of a policy. It is irreversible.
import type { Revocation, RevokedIdentity, RevokedKey } from "./revocation.shape.ts";

export type { Revocation, RevokedIdentity, RevokedKey } from "./revocation.shape.ts";

export function isRange({ fromIndex, toIndex }: RevokedKey | RevokedIdentity): boolean {
  return fromIndex < toIndex;
}

export function namesSomething({ digests, keys, identities }: Revocation): boolean {
  return digests.length + keys.length + identities.length > 0;
}
