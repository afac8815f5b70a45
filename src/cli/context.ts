// What a command gets from the outside, so that tests can hand it something else, and how commands speak: text for people,
// one JSON value with --json, and the exit codes that scripts rely on.
import { MalformedError, PolicyError, VerificationError } from "../protocol/errors.ts";
import { UnreachableError } from "../verifier/bundle/fetch-policy.ts";

export interface CliContext {
  readonly environment: NodeJS.ProcessEnv;
  readonly now: () => Date;
  readonly fetch: typeof fetch;
  /** Lines for the reader, or the one JSON value. */
  readonly print: (text: string) => void;
  /** Progress and errors. */
  readonly warn: (text: string) => void;
  /** Whether the reader is a person at a terminal: only then is progress shown. */
  readonly interactive: boolean;
}

/** Good; the answer is no; usage or input error; could not reach the log. */
export const EXIT = { good: 0, no: 1, usage: 2, unreachable: 3 } as const;

/** The question was answered, and the answer is no: what was to be shown is shown already. */
export class AnswerIsNo extends Error {}

/** The command line or a file on it is wrong. */
export class UsageError extends Error {}

export function exitCodeOf(error: unknown): number {
  if (error instanceof AnswerIsNo || error instanceof VerificationError || error instanceof PolicyError)
    return EXIT.no;
  if (error instanceof UnreachableError) return EXIT.unreachable;
  return EXIT.usage;
}

/** Shows a result: the JSON value with --json, else the lines. */
export function show(
  context: CliContext,
  options: { readonly json?: boolean },
  value: unknown,
  lines: readonly string[],
): void {
  context.print(options.json === true ? JSON.stringify(value) : lines.join("\n"));
}

/** What went wrong, in a sentence, and its code where it has one. */
export function describeError(error: unknown): { code: string; message: string } {
  if (error instanceof VerificationError || error instanceof PolicyError)
    return { code: error.code, message: error.message };
  if (error instanceof MalformedError) return { code: "malformed", message: error.message };
  if (error instanceof UnreachableError) return { code: "unreachable", message: error.message };
  return { code: "error", message: error instanceof Error ? error.message : "failed" };
}
