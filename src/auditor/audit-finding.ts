// Lists what an audit can find: a closed list of codes, so that scripts and tests can name them.

import type { RecomputedCode } from "../protocol/entry/kinds.ts";
import { VerificationError } from "../protocol/errors.ts";
import type { RefusalCode } from "../protocol/registration/refusal.ts";

/** What the log answers now is wrong; another mirror, or the same one tomorrow, may answer better. An audit looks at it again. */
export type ServedCode =
  | "answer-too-long"
  | "attachment-differs"
  | "attachment-missing"
  | "bundle-malformed"
  | "bundle-missing"
  | "entry-differs"
  | "root-differs"
  | "second-opinion-differs"
  | "tile-differs"
  | "tile-malformed"
  | "tile-missing";

/** What the log has logged is wrong, and stays so for ever. */
export type LoggedCode =
  | "attachment-malformed"
  | "attachment-size"
  | "entry-malformed"
  | "entry-repeated"
  | "entry-signature"
  | RecomputedCode
  | `rule-${RefusalCode}`;

/** What the log says of itself as a whole. */
export type CheckpointCode =
  | "checkpoint-forked"
  | "checkpoint-malformed"
  | "checkpoint-origin"
  | "checkpoint-quorum"
  | "checkpoint-rolled-back"
  | "checkpoint-signature"
  | "checkpoint-stale"
  | "status-ahead-of-clock"
  | "status-expired"
  | "trust-root-expired"
  | "trust-root-not-pinned";

/** What somebody was handed is not of this log. */
export type PresentedCode =
  | "bundle-refused"
  | "presented-entry-differs"
  | "presented-forked"
  | "proof-refused";

export type FindingCode = ServedCode | LoggedCode | CheckpointCode | PresentedCode;

export interface AuditFinding {
  readonly code: FindingCode;
  /** The entry it concerns, where it concerns one. */
  readonly index: number | null;
  readonly message: string;
}

/** An answer of the log that cannot be used. */
export class WrongAnswerError extends VerificationError<ServedCode> {}

/** What is wrong with one entry. */
export interface EntryProblem {
  readonly code: LoggedCode;
  readonly message: string;
}

/** A dishonest log must not be able to fill the auditor's memory with what is wrong in it. */
const MAX_FINDINGS = 1000;

export class AuditFindings {
  readonly #list: AuditFinding[];
  #omitted: number;
  #servedWrong = false;

  /** Goes on from what an earlier part of the audit found. */
  constructor(earlier: readonly AuditFinding[] = [], omitted = 0) {
    this.#list = [...earlier];
    this.#omitted = omitted;
  }

  get list(): readonly AuditFinding[] {
    return this.#list;
  }

  /** Findings beyond the first 1,000. */
  get omitted(): number {
    return this.#omitted;
  }

  /** Whether an answer was wrong: what was read since then is not to be built upon later. */
  get servedWrong(): boolean {
    return this.#servedWrong;
  }

  /** @returns whether it is listed. */
  add(finding: AuditFinding): boolean {
    const listed = this.#list.length < MAX_FINDINGS;
    if (listed) this.#list.push(finding);
    else this.#omitted++;
    return listed;
  }

  addServed(code: ServedCode, index: number | null, message: string): void {
    this.#servedWrong = true;
    this.add({ code, index, message: index === null ? message : `entry ${index}: ${message}` });
  }

  /** Takes what `read` gives. A wrong answer becomes a finding, and the result undefined; every other error is thrown on. */
  async attempt<T>(index: number | null, read: Promise<T>): Promise<T | undefined> {
    try {
      return await read;
    } catch (error) {
      if (!(error instanceof WrongAnswerError)) throw error;
      this.addServed(error.code, index, error.message);
      return undefined;
    }
  }
}
