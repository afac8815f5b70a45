// Where the next version of a policy goes: after the newest one in the log, in force from now on.
import { formatTime } from "../protocol/entry/fields.ts";
import type { Policy } from "../protocol/entry/policy.ts";
import type { FoundEntry } from "../publisher/client/lookup.ts";
import type { PolicyPlace } from "../publisher/policy/draft-policy.ts";

const DAY_MS = 86_400_000;

export function policyOf(found: FoundEntry | undefined): Policy | undefined {
  const statement = found?.envelope.statement;
  return statement?.kind === "policy" ? statement.predicate : undefined;
}

/** The next version of a policy, in force from now on. */
export function placeAfter(
  name: string,
  newest: FoundEntry | undefined,
  days: number,
  now: Date,
): PolicyPlace {
  const version = policyOf(newest)?.version;
  return {
    name,
    previous:
      newest === undefined || version === undefined
        ? null
        : { version, digest: newest.envelope.payloadDigest },
    validFrom: formatTime(now),
    expires: formatTime(new Date(now.getTime() + days * DAY_MS)),
  };
}
