// Says of an error what the doctor makes of it: a fault, or somebody who does not answer.
import { describeError, EXIT, exitCodeOf } from "../context.ts";
import { fault, type Remark, unanswered } from "./finding.ts";

/** @param what was looked at, where the error does not say so. */
export function remarkOn(error: unknown, what?: string): Remark {
  const { message } = describeError(error);
  const detail = what === undefined || message.includes(what) ? message : `${what}: ${message}`;
  return exitCodeOf(error) === EXIT.unreachable ? unanswered(detail) : fault(detail);
}
