// Defines the kind revocation: what must not be trusted any more, whatever the age of a policy. It is irreversible.
import type { Revocation, RevokedKey } from "./revocation.shape.ts";

export type { Revocation, RevokedKey } from "./revocation.shape.ts";

export function isRange({ fromIndex, toIndex }: RevokedKey): boolean {
  return fromIndex < toIndex;
}

export function namesSomething({ digests, keys }: Revocation): boolean {
  return digests.length + keys.length > 0;
}
