// The HTTP calls that publishers make (openapi.yaml): patient with what will pass, and clear about what will not.
import * as z from "zod";
import { PolicyError } from "../../protocol/errors.ts";
import { quote, UnreachableError } from "../../verifier/bundle/fetch-policy.ts";

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
/** Codes of 503 that waiting does not change. */
const FINAL: readonly string[] = ["log-closed", "log-stopped"];

const problem = z.object({ code: z.string(), detail: z.string().optional(), title: z.string().optional() });

/**
 * Sends a request until it is answered for good. Safe for every call of the log, since each of them may be repeated.
 * Network errors, 202, 429 and 503 are tried again, at most eight times, as Retry-After says or with doubling pauses.
 * @throws PolicyError with the problem's code when the log says no; UnreachableError when it does not answer.
 */
export async function callLog(client: LogClient, path: string, init: RequestInit = {}): Promise<Response> {
  const target = `${client.url.replace(/\/+$/, "")}${path}`;
  let reason = "";
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const response = await client.fetch(target, init).catch((error: unknown) => {
      reason = error instanceof Error ? causeOf(error) : "no answer";
    });
    if (response !== undefined) {
      if (response.ok && response.status !== 202) return response;
      if (![202, 429, 503].includes(response.status)) throw await refusalOf(response);
      if (response.status === 503) await throwIfFinal(response);
      reason = response.status === 202 ? "durable, waiting for cosignatures" : `answered ${response.status}`;
    }
    client.onRetry?.(reason);
    await client.sleep(pause(response?.headers.get("retry-after") ?? null, attempt));
  }
  throw new UnreachableError(
    `${target}: ${reason}; gave up after ${MAX_ATTEMPTS} attempts, repeating the command is safe`,
  );
}

/** A log that is closed, or that stopped itself, will not take the entry later either. */
async function throwIfFinal(response: Response): Promise<void> {
  const refusal = await refusalOf(response);
  if (refusal instanceof PolicyError && FINAL.includes(refusal.code)) throw refusal;
}

/** Milliseconds until the next attempt. */
function pause(retryAfter: string | null, attempt: number): number {
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return Math.min(Number.isFinite(seconds) ? seconds * 1000 : 250 * 2 ** attempt, MAX_WAIT_MS);
}

async function refusalOf(response: Response): Promise<Error> {
  const parsed = problem.safeParse(await response.json().catch(() => null));
  if (!parsed.success) return new UnreachableError(`${response.url}: answered ${response.status}`);
  const { code, detail, title } = parsed.data;
  const reason = quote(detail ?? title ?? "");
  return new PolicyError<string>(
    quote(code),
    `the log refuses it (${response.status} ${quote(code)}): ${reason}`,
  );
}

/** fetch hides the reason of a network error in its cause. */
function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}
