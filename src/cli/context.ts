// Defines what a command gets from the outside, so that tests can hand it something else, and how commands speak: text for people,
// one JSON value with --json, and the exit codes that scripts rely on.
import type { ReportFolder } from "../attester/machine/tsm-report.ts";
import { StoreUnreachableError } from "../log/errors.ts";
import { type ObjectStoreCode, ObjectStoreError } from "../node/objects/object-store.ts";
import { MalformedError, PolicyError, recogniseAcrossCopies, VerificationError } from "../protocol/errors.ts";
import { RefusedError, UnreachableError } from "../verifier/service-errors.ts";

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
  /** Asks a person whether to go on; true where there is none. */
  readonly confirm: (question: string) => Promise<boolean>;
  /** The kernel's folder for quotes below a root; configfs unless given, which no test has. */
  readonly reportFolder?: (root: string) => ReportFolder;
}

/** How a command ends. Scripts rely on the numbers. */
export const EXIT = { good: 0, no: 1, usage: 2, unreachable: 3 } as const;

/** What each of them says, as `touchstone --help` and CONTRIBUTING.md show it. */
export const EXIT_MEANINGS = [
  [EXIT.good, "good"],
  [EXIT.no, "the answer is no: what was judged is broken, forged or not acceptable, or the log refuses"],
  [EXIT.usage, "the command line, a file of your own (key, pin, configuration) or this machine is wrong"],
  [EXIT.unreachable, "nobody answered, or not in time; running it again is safe"],
] as const;

export function exitCodeLines(): string[] {
  return ["Exit codes:", ...EXIT_MEANINGS.map(([code, meaning]) => `  ${code}  ${meaning}`)];
}

/** The question was answered, and the answer is no. Without a message, what was to be shown is shown already. */
export class AnswerIsNo extends Error {
  readonly code: string;

  static {
    // Each action is bundled with a copy of its own.
    recogniseAcrossCopies(AnswerIsNo, "AnswerIsNo");
  }

  constructor(message = "", code = "no") {
    super(message);
    this.code = code;
  }
}

/** The command line or a file on it is wrong. */
export class UsageError extends Error {}

/**
 * Runs what judges a thing of others. Where that thing is malformed, the answer is no; everywhere else in a command a MalformedError is
 * about what its user gave. @throws AnswerIsNo "malformed"
 */
export async function judging<T>(judge: () => T | Promise<T>): Promise<T> {
  try {
    return await judge();
  } catch (error) {
    throw error instanceof MalformedError ? new AnswerIsNo(error.message, "malformed") : error;
  }
}

/** The exit code follows the class of the error (CONTRIBUTING.md, "Errors"). */
export function exitCodeOf(error: unknown): number {
  if (isNo(error)) return EXIT.no;
  return isUnreachable(error) ? EXIT.unreachable : EXIT.usage;
}

function isUnreachable(error: unknown): error is Error {
  return (
    error instanceof UnreachableError ||
    error instanceof StoreUnreachableError ||
    codeOfBucket(error) === "store-unreachable"
  );
}

function codeOfBucket(error: unknown): ObjectStoreCode | undefined {
  return error instanceof ObjectStoreError ? error.code : undefined;
}

function isNo(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof AnswerIsNo ||
    error instanceof VerificationError ||
    error instanceof PolicyError ||
    error instanceof RefusedError
  );
}

/** Shows a result: the JSON value with --json, else the lines; as a warning where standard output is the document's (`-o -`). */
export function show(
  { print, warn }: CliContext,
  options: { readonly json?: boolean; readonly output?: string | undefined },
  value: unknown,
  lines: readonly string[],
): void {
  const say = options.output === "-" ? warn : print;
  say(options.json === true ? JSON.stringify(value) : lines.join("\n"));
}

/** What went wrong, in a sentence, and its code where it has one. */
export function describeError(error: unknown): { code: string; message: string } {
  if (isNo(error)) return { code: error.code, message: error.message };
  if (error instanceof MalformedError) return { code: "malformed", message: error.message };
  if (isUnreachable(error)) return { code: "unreachable", message: error.message };
  return { code: codeOfBucket(error) ?? "error", message: error instanceof Error ? error.message : "failed" };
}
