// Says whether a dated document is good at a time. Registration never asks, since it must decide the same whenever a log is replayed;
// whoever signs, sends or takes in a document asks, by a clock of their own.
import { describeReference } from "../entry/reference.ts";
import type { Statement } from "../envelope/statement.ts";
import { PolicyError } from "../errors.ts";
import { MAX_CLOCK_SKEW } from "../note/cosigned-checkpoint.ts";

export type DocumentTimeCode = "document-expired" | "document-ahead-of-clock";

/** Whether a time is ahead of the clock by more than clocks differ. What is dated so is not fresh, it is wrong. */
export function isAheadOfClock(time: Date, now: Date): boolean {
  return time.getTime() > now.getTime() + MAX_CLOCK_SKEW * 1000;
}

/**
 * Refuses a trust root, policy or status that has expired, and a status of the future. A policy may well begin later. Releases and
 * revocations are never too old.
 * @throws PolicyError
 */
export function requireTimely(statement: Statement, now: Date): void {
  const { kind, predicate } = statement;
  if (kind !== "trust-root" && kind !== "policy" && kind !== "status") return;
  const what = describeReference(statement);
  if (now.getTime() >= Date.parse(predicate.expires))
    throw new PolicyError<DocumentTimeCode>(
      "document-expired",
      `${what} expired ${predicate.expires}, and it is ${now.toISOString()}: draft it again, or set the clock`,
    );
  if (kind === "status" && isAheadOfClock(new Date(predicate.issuedAt), now))
    throw new PolicyError<DocumentTimeCode>(
      "document-ahead-of-clock",
      `${what} was issued ${predicate.issuedAt}, and it is ${now.toISOString()}: set the clock`,
    );
}
