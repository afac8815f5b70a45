// Defines what the doctor says of one thing that it looked at: a line for people, a member of a stable list for programs.

/** What is looked at, in the order of the report. */
export type CheckName =
  | "store"
  | "server"
  | "leader"
  | "standbys"
  | "tls"
  | "checkpoint"
  | "high-water"
  | "witness"
  | "quorum"
  | "bucket"
  | "key"
  | "status"
  | "index";

/** "warning": it works, and somebody should see to it. "fault": it does not, or will lose or contradict something. */
export type Level = "ok" | "warning" | "fault";

/** What one look says. */
export interface Remark {
  readonly level: Level;
  readonly detail: string;
  /** What to do; null where nothing is to be done, or the detail says it. */
  readonly advice: string | null;
  /** A fault that may be none: nobody answered, and asking again may help. */
  readonly unanswered: boolean;
}

export interface Finding extends Remark {
  readonly check: CheckName;
}

export const ok = (detail: string): Remark => ({ level: "ok", detail, advice: null, unanswered: false });

export const warning = (detail: string, advice: string | null = null): Remark => ({
  level: "warning",
  detail,
  advice,
  unanswered: false,
});

export const fault = (detail: string, advice: string | null = null): Remark => ({
  level: "fault",
  detail,
  advice,
  unanswered: false,
});

export const unanswered = (detail: string, advice: string | null = null): Remark => ({
  level: "fault",
  detail,
  advice,
  unanswered: true,
});
