// Makes the HTTP calls of publishers (openapi.yaml): patient with what will pass, and clear about what will not.
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { type Answer, type Deadline, fetchAnswer } from "../../verifier/fetch-answer.ts";
import { askedAfter } from "../../verifier/min-size.ts";
import { RefusedError, readReason, UnreachableError } from "../../verifier/service-errors.ts";

/** What a log has proved to whoever asks it. */
export interface SeenTree {
  size: number;
}

export interface LogClient {
  /** Base URL of the service. */
  readonly url: string;
  readonly fetch: typeof fetch;
  /** Waits; a test passes one that does not. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Told of every attempt that has to be repeated. */
  readonly onRetry?: (reason: string) => void;
  /** How long one answer may take; 30 s as a whole and 10 s between two pieces unless given. */
  readonly deadline?: Deadline;
  /** The largest tree in which something was published: no later question is answered from a smaller one, whichever process is asked. */
  readonly seen?: SeenTree;
}

const MAX_ATTEMPTS = 8;
const MAX_WAIT_MS = 30_000;
/** A batch is answered with its envelopes and proofs, which is not much more than was sent. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;
/** Answers that waiting may change: the log's own, and those of a proxy whose log is away for a moment. */
const PASSING: readonly number[] = [202, 429, 502, 503, 504];
/** Codes of 503 that waiting does not change. */
const FINAL: readonly string[] = ["log-closed", "log-stopped", "no-receipt-key"];

/** The code of an answer of the log that is none, or is about something else than was asked for. */
export type AnswerCode = "answer";

/** An attempt that is worth repeating. */
interface Postponed {
  readonly reason: string;
  readonly retryAfter: string | null;
  /** What to throw when this was the last attempt. */
  readonly giveUp: (advice: string) => Error;
}

/**
 * Sends a request until it is answered for good. Safe for every call of the log, since each of them may be repeated.
 * Network errors, 202, 429, 502, 503 and 504 are tried again, at most eight times, as Retry-After says or with doubling pauses.
 * @throws RefusedError when the log says no; UnreachableError when nobody answers, or it is still waiting for cosignatures.
 */
export async function callLog(client: LogClient, path: string, init: RequestInit = {}): Promise<Answer> {
  const target = `${client.url.replace(/\/+$/, "")}${path}`;
  for (let attempt = 1; ; attempt++) {
    const outcome = await callOnce(client, target, withSeen(client, init));
    if (!("giveUp" in outcome)) return outcome;
    if (attempt === MAX_ATTEMPTS)
      throw outcome.giveUp(`gave up after ${attempt} attempts, repeating the command is safe`);
    client.onRetry?.(outcome.reason);
    await client.sleep(pause(outcome.retryAfter, attempt));
  }
}

/**
 * What a log answers a question, read.
 * @param read throws MalformedError for what is no answer.
 * @throws VerificationError "answer" for that, and what callLog throws.
 */
export async function askLog<T>(client: LogClient, path: string, read: (json: unknown) => T): Promise<T> {
  const text = textOf(await callLog(client, path));
  return readAnswer(path, () => read(parseAnswer(text)));
}

/** The body of an answer. */
export function textOf({ body }: Answer): string {
  return new TextDecoder().decode(body);
}

/** Reads an answer of the log. What is malformed in it is the log's fault, and no file's of ours. @throws VerificationError "answer" */
export async function readAnswer<T>(what: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new VerificationError<AnswerCode>(
      "answer",
      `${what}: the log's answer is not one: ${error.message}`,
    );
  }
}

/** Not the strict parser of signed documents: an answer of today's log may have members and sizes that we do not know. */
export function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedError("JSON", "not well-formed");
  }
}

/** @throws RefusedError that is final. */
async function callOnce(
  { fetch, deadline }: LogClient,
  target: string,
  init: RequestInit,
): Promise<Answer | Postponed> {
  const tooLong = () =>
    new VerificationError<AnswerCode>("answer", `${target}: the log's answer is too long`);
  const options = { fetch, init, deadline, limit: MAX_ANSWER_BYTES, tooLong };
  const answer = await fetchAnswer(target, options).catch((error: unknown) => {
    if (error instanceof UnreachableError) return error;
    throw error;
  });
  if (answer instanceof UnreachableError) return unanswered(answer.message, null);
  if (answer.ok && answer.status !== 202) return answer;
  const retryAfter = answer.headers.get("retry-after");
  if (answer.status === 202) return unanswered(`${target}: durable, waiting for cosignatures`, retryAfter);
  const refusal = refusalOf(answer, target);
  if (!PASSING.includes(refusal.status) || FINAL.includes(refusal.code)) throw refusal;
  return {
    reason: refusal.code === `http-${refusal.status}` ? `answered ${refusal.status}` : refusal.message,
    retryAfter,
    giveUp: (advice) => new RefusedError(refusal.status, refusal.code, `${refusal.message}; ${advice}`),
  };
}

/** What is sent is answered by whoever leads, who has seen everything. */
function withSeen({ seen }: LogClient, init: RequestInit): RequestInit {
  return init.method === undefined && seen !== undefined ? askedAfter(seen.size, init) : init;
}

function unanswered(reason: string, retryAfter: string | null): Postponed {
  return { reason, retryAfter, giveUp: (advice) => new UnreachableError(`${reason}; ${advice}`) };
}

/** Milliseconds until the next attempt. */
function pause(retryAfter: string | null, attempt: number): number {
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return Math.min(Number.isFinite(seconds) ? seconds * 1000 : 125 * 2 ** attempt, MAX_WAIT_MS);
}

function refusalOf({ status, body }: Answer, target: string): RefusedError {
  const { code, detail } = readReason(body);
  const message =
    code === null ? `${target}: answered ${status}` : `the log refuses it (${status} ${code}): ${detail}`;
  return new RefusedError(status, code, message);
}
