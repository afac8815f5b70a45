// Holds a token against an identity rule (docs/formats.md, "Identity"): whom it is for, whom it stands for, and when it was good. Every
// comparison is of whole texts, byte for byte, and the time is the log's recorded one, so that every replay decides the same.
import type { IdentityRule } from "../entry/identity-rule.ts";
import type { TokenClaims } from "./token.ts";
import type { Token } from "./verify-token.ts";

export interface TokenUse {
  /** As `audienceOf` says. */
  readonly audience: string;
  /** The entry's recordedAt, POSIX seconds. */
  readonly time: number;
}

const EVENT = "event_name";
/** Not `workflow_ref`: of a reusable workflow that names who calls it. */
const WORKFLOW = "job_workflow_ref";

/** Why a rule does not take a token; null where it does. */
export function whyNotTaken(
  rule: IdentityRule,
  { claims, stated }: Pick<Token, "claims" | "stated">,
  { audience, time }: TokenUse,
): string | null {
  if (claims.iss !== rule.issuer) return `it is of ${claims.iss}, not of ${rule.issuer}`;
  if (claims.aud !== audience)
    return `its audience is ${claims.aud}, which is not this log, this key and this payload`;
  return whyNotThem(rule, stated) ?? whyNotThen(rule, claims, time);
}

function whyNotThem({ claims, workflow, events }: IdentityRule, stated: Token["stated"]): string | null {
  const says = (name: string) => `${name} is ${JSON.stringify(stated[name]) ?? "missing"}`;
  for (const [name, value] of Object.entries(claims))
    if (stated[name] !== value) return `${says(name)}, not "${value}"`;
  if (events.length > 0 && !(events as readonly unknown[]).includes(stated[EVENT]))
    return `${says(EVENT)}, not ${events.join(" or ")}`;
  if (workflow !== null && !runs(workflow, stated[WORKFLOW]))
    return `${says(WORKFLOW)}, not ${workflow.path}@${workflow.ref}`;
  return null;
}

function runs({ path, ref }: NonNullable<IdentityRule["workflow"]>, claimed: unknown): boolean {
  if (typeof claimed !== "string") return false;
  const at = claimed.indexOf("@");
  const claimedRef = claimed.slice(at + 1);
  if (at === -1 || claimed.slice(0, at) !== path) return false;
  return ref.endsWith("*") ? claimedRef.startsWith(ref.slice(0, -1)) : claimedRef === ref;
}

function whyNotThen(rule: IdentityRule, { iat, nbf = iat, exp }: TokenClaims, time: number): string | null {
  if (time < iat || time < nbf) return `it is good from ${Math.max(iat, nbf)}, and was recorded at ${time}`;
  if (time >= exp) return `it was good until ${exp}, and was recorded at ${time}; ask for a new one`;
  if (exp - iat > rule.maxTokenSeconds)
    return `it lives for ${exp - iat} s, and at most ${rule.maxTokenSeconds} are taken`;
  if (time - iat > rule.maxAgeSeconds)
    return `it was ${time - iat} s old, and at most ${rule.maxAgeSeconds} are taken; ask for a new one`;
  return null;
}
