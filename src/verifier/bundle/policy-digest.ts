// Tells the digest of the policy that a bundle is of.
import type { VerifiedBundle } from "./verify-bundle.ts";

/** SHA-256 of the policy's payload, hex: step 4 held it against the status, which names each policy once. */
export function policyDigestOf({ policy, status }: Pick<VerifiedBundle, "policy" | "status">): string {
  const named = status.policies.find(({ name }) => name === policy.name);
  if (named === undefined) throw new Error(`a verified bundle whose status does not name ${policy.name}`);
  return named.digest;
}
