// Gives every policy that a verifier would accept now, for views over all of them: who asks a view has no bundle to check.
import { signersOf } from "../../protocol/envelope/dsse.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { currentTrustRoot } from "../../protocol/registration/in-force.ts";
import type { VerifiedBundle } from "../../verifier/bundle/verify-bundle.ts";
import { firstEnd } from "../../views/policy-in-force.ts";
import { readLoggedEntry, requirePublished } from "../entries/read-entry.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";
import { whyNoBundle } from "./why-no-bundle.ts";

export interface AcceptedPolicy {
  /** The same object for as long as the bundle is the same. */
  readonly verified: VerifiedBundle;
  /** Hex ids of the keys that signed the policy. */
  readonly signers: readonly string[];
}

export interface PoliciesInForce {
  /** By name. */
  readonly policies: readonly AcceptedPolicy[];
  /** RFC 3339: the first end of the status that says what is in force, and of the trust root by which it does. */
  readonly expires: string;
}

/** @throws RequestProblem "bundle-not-acceptable" where no bundle of this log would be accepted, whatever its policy. */
export async function policiesInForce(
  service: Pick<Service, "log" | "bundles" | "clock">,
): Promise<PoliciesInForce> {
  const { inForce } = requirePublished(service.log.read);
  const names = [...inForce.policies.keys()].sort();
  const found = await Promise.all(names.map((name) => unlessRefused(accepted(service, name))));
  const policies = found.filter((one) => one !== null);
  const [end] = policies.map(({ verified }) => firstEnd(verified.status, verified.trustRoot)).sort();
  return { policies, expires: end ?? (await endOfStatus(service)) };
}

/** Where no policy is in force, it is status and trust root alone that say so. */
async function endOfStatus({ log: { read: log }, clock }: Pick<Service, "log" | "clock">): Promise<string> {
  const reason = await whyNoBundle(log, clock());
  if (reason !== null)
    throw new RequestProblem("bundle-not-acceptable", `no policy is in force: ${reason}`, { reason });
  const { inForce } = requirePublished(log);
  const { envelope } = await readLoggedEntry(log, inForce.status?.index ?? 0);
  const { predicate: status } = envelope.statement as StatementOf<"status">;
  return firstEnd(status, currentTrustRoot(inForce)?.root ?? status);
}

async function accepted({ bundles }: Pick<Service, "bundles">, name: string): Promise<AcceptedPolicy> {
  const { bundle, verified } = await bundles.verified(name);
  return { verified, signers: signersOf(bundle.policy.envelope).signers };
}

/** One that has expired or is revoked is not in force, and says nothing about the others. */
async function unlessRefused<T>(policy: Promise<T>): Promise<T | null> {
  try {
    return await policy;
  } catch (error) {
    if (error instanceof RequestProblem && error.code === "bundle-not-acceptable") return null;
    throw error;
  }
}
