// The HTTP calls that publishers make (openapi.yaml): patient with what will pass, and clear about what will not.
import { readStream } from "../../protocol/encoding/read-stream.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { RefusedError, readReason, UnreachableError } from "../../verifier/service-errors.ts";

export interface LogClient {
  /** Base URL of the service. */
  readonly url: string;
  readonly fetch: typeof fetch;
  /** Waits; a test passes one that does not. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Told of every attempt that has to be repeated. */
  readonly onRetry?: (reason: string) => void;
}

const MAX_ATTEMPTS = 8;
const MAX_WAIT_MS = 30_000;
/** A problem document is much smaller. */
const MAX_REASON_BYTES = 65_536;
/** Answers that waiting may change. */
const PASSING: readonly number[] = [202, 429, 503];
/** Codes of 503 that waiting does not change. */
const FINAL: readonly string[] = ["log-closed", "log-stopped"];

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
 * Network errors, 202, 429 and 503 are tried again, at most eight times, as Retry-After says or with doubling pauses.
 * @throws RefusedError when the log says no; UnreachableError when nobody answers, or it is still waiting for cosignatures.
 */
export async function callLog(client: LogClient, path: string, init: RequestInit = {}): Promise<Response> {
  const target = `${client.url.replace(/\/+$/, "")}${path}`;
  for (let attempt = 1; ; attempt++) {
    const outcome = await callOnce(client, target, init);
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
  const text = await textOf(await callLog(client, path));
  return readAnswer(path, () => read(parseAnswer(text)));
}

/** The body of an answer. @throws UnreachableError when it breaks off. */
export async function textOf(response: Response): Promise<string> {
  return response.text().catch((error: unknown) => {
    throw new UnreachableError(
      `the log's answer broke off: ${causeOf(error)}; repeating the command is safe`,
    );
  });
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
  { fetch }: LogClient,
  target: string,
  init: RequestInit,
): Promise<Response | Postponed> {
  const answer = await fetch(target, init).catch((error: unknown) => causeOf(error));
  if (typeof answer === "string") return unanswered(target, answer, null);
  if (answer.ok && answer.status !== 202) return answer;
  const retryAfter = answer.headers.get("retry-after");
  if (answer.status === 202) return unanswered(target, "durable, waiting for cosignatures", retryAfter);
  const refusal = await refusalOf(answer, target);
  if (!PASSING.includes(refusal.status) || FINAL.includes(refusal.code)) throw refusal;
  return {
    reason: refusal.code === `http-${refusal.status}` ? `answered ${refusal.status}` : refusal.message,
    retryAfter,
    giveUp: (advice) => new RefusedError(refusal.status, refusal.code, `${refusal.message}; ${advice}`),
  };
}

function unanswered(target: string, reason: string, retryAfter: string | null): Postponed {
  return { reason, retryAfter, giveUp: (advice) => new UnreachableError(`${target}: ${reason}; ${advice}`) };
}

/** Milliseconds until the next attempt. */
function pause(retryAfter: string | null, attempt: number): number {
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return Math.min(Number.isFinite(seconds) ? seconds * 1000 : 125 * 2 ** attempt, MAX_WAIT_MS);
}

async function refusalOf({ status, body }: Response, target: string): Promise<RefusedError> {
  const tooLong = () => new RangeError("no problem document is that long");
  const bytes = await readStream(body, MAX_REASON_BYTES, tooLong).catch(() => new Uint8Array());
  const { code, detail } = readReason(bytes);
  const message =
    code === null ? `${target}: answered ${status}` : `the log refuses it (${status} ${code}): ${detail}`;
  return new RefusedError(status, code, message);
}

/** fetch hides the reason of a network error in its cause. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return "no answer";
  return error.cause instanceof Error ? error.cause.message : error.message;
}
