// Defines what a monitor finds. The classes are never mixed, because different people have to act on them, at different hours.
import type { SplitView } from "../split-view.ts";

/**
 * `tamper`: the log, or who speaks for it, has done what no honest log does. `stranger`: the log is honest, and somebody published under
 * a name, key or kind of the owner's what the owner did not. `freshness`: something expires. `witness`: cosignatures are missing or old.
 * `infrastructure`: nobody answers, or with something that is no log's answer.
 */
export const FINDING_CLASSES = ["tamper", "stranger", "freshness", "witness", "infrastructure"] as const;
export type FindingClass = (typeof FINDING_CLASSES)[number];

export interface Finding {
  readonly class: FindingClass;
  /** What was found, in a word: docs/monitoring.md lists them. */
  readonly code: string;
  /** Whom or what it concerns: a vantage point, an entry, a policy, a witness. */
  readonly subject: string;
  /**
   * Tells one such thing about a subject from the next, where that is a deed and not a state. While one is open, others of the same class,
   * code and subject are not told: a log that shows a wrong tree for a day did one thing.
   */
  readonly instance?: string;
  readonly message: string;
  /** Seconds for which it must have been found, again and again, before anybody is told: an outage of a minute is nobody's business. */
  readonly patience?: number;
  /** Of a split view: the proof. */
  readonly proof?: SplitView;
}

/** Names a finding over rounds and restarts. */
export function keyOf({ class: kind, code, subject, instance }: Finding): string {
  return [kind, code, subject, ...(instance === undefined ? [] : [instance])].join(" ");
}

/** Deeds stay until somebody has looked at them; states end when they are over. */
export function endsByItself(kind: FindingClass): boolean {
  return kind !== "tamper";
}

/** A vantage point that could not be asked, or not be believed, this time. */
export function outageOf(vantage: string, code: string, message: string): Finding {
  return { class: "infrastructure", code, subject: vantage, message: `${vantage}: ${message}` };
}
