// Says which of a log's documents are too old at a time, or of the future: the newest checkpoint, trust root and status. Of a closed log
// none is.
import type { TrustRoot } from "../protocol/entry/trust-root.ts";
import { parseLeaf } from "../protocol/envelope/dsse.ts";
import { PolicyError } from "../protocol/errors.ts";
import { type CosignedCheckpoint, checkFreshness } from "../protocol/note/cosigned-checkpoint.ts";
import { parseTlogPolicy } from "../protocol/note/tlog-policy.ts";
import { isAheadOfClock } from "../protocol/registration/document-times.ts";
import type { CheckpointProblem } from "./shown-checkpoint.ts";

export interface NewestDocuments {
  readonly root: TrustRoot;
  /** Null where it is not authentic: then its age is nobody's business. */
  readonly cosigned: CosignedCheckpoint | null;
  /** Undefined where there is none, or entries were not read. */
  readonly statusLeaf: Uint8Array | undefined;
  readonly now: Date;
}

export function problemsOfAge({ root, cosigned, statusLeaf, now }: NewestDocuments): CheckpointProblem[] {
  if (root.successor !== null) return [];
  const problems = cosigned === null ? [] : problemsOfCheckpoint(cosigned, root, now);
  if (now.getTime() >= Date.parse(root.expires))
    problems.push({
      code: "trust-root-expired",
      message: `trust root version ${root.version} expired ${root.expires}`,
    });
  return [...problems, ...problemsOfStatus(statusLeaf, now)];
}

function problemsOfCheckpoint(cosigned: CosignedCheckpoint, root: TrustRoot, now: Date): CheckpointProblem[] {
  try {
    checkFreshness(cosigned, parseTlogPolicy(root.logPolicy), { now, maxAge: root.maxCheckpointAge });
    return [];
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return [{ code: "checkpoint-stale", message: error.message }];
  }
}

function problemsOfStatus(leaf: Uint8Array | undefined, now: Date): CheckpointProblem[] {
  const statement = leaf && parseLeaf(leaf).statement;
  if (statement?.kind !== "status") return [];
  const { sequence, issuedAt, expires } = statement.predicate;
  const problems: CheckpointProblem[] = [];
  if (isAheadOfClock(new Date(issuedAt), now))
    problems.push({
      code: "status-ahead-of-clock",
      message: `status ${sequence}, the newest one, was issued ${issuedAt}`,
    });
  if (now.getTime() >= Date.parse(expires))
    problems.push({
      code: "status-expired",
      message: `status ${sequence}, the newest one, expired ${expires}`,
    });
  return problems;
}
