// Drafts a policy: a new version that follows the logged one and is in force from now on, for a human to review and sign.
import { formatTime } from "../../protocol/entry/fields.ts";
import type { Policy } from "../../protocol/entry/policy.ts";
import { formatStatement } from "../../protocol/envelope/statement.ts";
import type { FoundEntry } from "../client/lookup.ts";

const DAY_MS = 86_400_000;

/** The part of a policy that its owner decides; origin, version, predecessor and validity follow from the log and the clock. */
export type PolicyContent = Pick<Policy, "svnFloor" | "rebuilds" | "profiles">;

export interface PolicyPlace {
  readonly name: string;
  /** Of the log that it is for. */
  readonly origin: string;
  /** The newest version in the log, or null for a new policy. */
  readonly previous: { readonly version: number; readonly digest: string } | null;
  readonly validFrom: string;
  readonly expires: string;
}

/** The place after the newest version in the log, in force from `now` for a number of days. */
export function placeAfter(
  { name, origin }: Pick<PolicyPlace, "name" | "origin">,
  newest: FoundEntry<"policy"> | undefined,
  days: number,
  now: Date,
): PolicyPlace {
  return {
    name,
    origin,
    previous: newest
      ? { version: newest.statement.predicate.version, digest: newest.envelope.payloadDigest }
      : null,
    validFrom: formatTime(now),
    expires: formatTime(new Date(now.getTime() + days * DAY_MS)),
  };
}

/** The payload of the next version; @throws MalformedError when the content is not valid. */
export function draftPolicy(
  { name, origin, previous, validFrom, expires }: PolicyPlace,
  { svnFloor, rebuilds, profiles }: PolicyContent,
): Uint8Array {
  return formatStatement("policy", {
    name,
    origin,
    version: (previous?.version ?? 0) + 1,
    previous: previous?.digest ?? null,
    validFrom,
    expires,
    svnFloor,
    rebuilds,
    profiles,
  });
}
