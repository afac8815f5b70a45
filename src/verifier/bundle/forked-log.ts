// Refuses a log that has two histories: whoever met them keeps both checkpoints, and accepts nothing of this log any more.
import { VerificationError } from "../../protocol/errors.ts";
import { inStep } from "./bundle-error.ts";
import { treeOfNote } from "./fork.ts";
import type { RememberedState } from "./remembered-state.ts";

/**
 * The log has two histories. Nothing that it says is accepted until somebody has looked at the two notes.
 * @example
 * ```ts
 * import { LogForkedError } from "touchstone/verifier";
 * const proofIn = (error: unknown) => (error instanceof LogForkedError ? error.state.fork : null); // two signed checkpoints
 * ```
 */
export class LogForkedError extends VerificationError<"log-forked"> {
  /** What is remembered, with the fork in it. */
  readonly state: RememberedState;

  /** @param keptIn the file, or the key in storage, that holds the notes. */
  constructor(state: RememberedState, keptIn: string) {
    super("log-forked", inStep("log-forked", describeFork(state, keptIn)));
    this.state = state;
  }
}

function describeFork({ origin, fork }: RememberedState, keptIn: string): string {
  const { size } = treeOfNote(fork?.[0] ?? "");
  return `${origin} signed two trees of size ${size}; both checkpoints are kept in ${keptIn}: show them, and accept nothing of it`;
}
