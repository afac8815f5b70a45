// Holds documents to the log that they were signed for. One key may have a role in several logs, and what it signed for one of them must
// say nothing in another.
import type { TrustRoot } from "../entry/trust-root.ts";
import type { Statement } from "../envelope/statement.ts";
import { refuse } from "./refusal.ts";

/**
 * Whether a policy, a revocation or a provider's keys name the log of this trust root. A status names its trust root by digest, a trust root has its origin
 * (succession.ts), and releases state facts about files, in whatever log.
 * @throws PolicyError "wrong-origin".
 */
export function checkOrigin(statement: Statement, { origin }: Pick<TrustRoot, "origin">): void {
  if (statement.kind !== "policy" && statement.kind !== "revocation" && statement.kind !== "identity-keys")
    return;
  const { predicate, kind, name } = statement;
  if (predicate.origin !== origin)
    refuse("wrong-origin", `${kind} ${name} was signed for ${predicate.origin}, and this log is ${origin}`);
}
