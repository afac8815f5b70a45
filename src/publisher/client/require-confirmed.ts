// Tells a publisher that an entry with an identity came too late under a checkpoint: it is in the log, and counts for nobody.
import { describeReference } from "../../protocol/entry/reference.ts";
import { PolicyError } from "../../protocol/errors.ts";
import type { ConfirmationCode } from "../../protocol/identity/confirmation.ts";
import type { PublishedEntry } from "./publish.ts";

/** @throws PolicyError "identity-unconfirmed" */
export function requireConfirmed(published: readonly PublishedEntry[]): void {
  const late = published.filter(({ isConfirmed }) => !isConfirmed);
  if (late.length === 0) return;
  const names = late.map(({ envelope }) => describeReference(envelope.statement)).join(", ");
  throw new PolicyError<ConfirmationCode>(
    "identity-unconfirmed",
    `${names}: logged, but cosigned too late after the log took it, so that no verifier counts it; publish again under a new version`,
  );
}
