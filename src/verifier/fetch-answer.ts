// Asks a server over HTTP and reads the whole answer, within a deadline: the one place where the library talks to a network.
import { readStream } from "../protocol/encoding/read-stream.ts";
import { RefusedError, UnreachableError } from "./service-errors.ts";

/**
 * Milliseconds. A server that sends nothing, or a byte now and then, holds nobody up for longer.
 * @example
 * ```ts
 * import type { Deadline } from "touchstone/verifier";
 * export const deadline: Deadline = { wholeMs: 5_000, idleMs: 2_000 }; // an option of fetchPolicy and fetchBundle
 * ```
 */
export interface Deadline {
  /** From the request to the last byte of the answer. */
  readonly wholeMs: number;
  /** Between two pieces of the answer, once it has begun. */
  readonly idleMs: number;
}

export const DEADLINE: Deadline = { wholeMs: 30_000, idleMs: 10_000 };
/** Slower than this nobody has to upload, bytes a millisecond: what is sent adds its time to the deadline. */
const UPLOAD_RATE = 64;

export interface AskOptions {
  readonly fetch: typeof fetch;
  /** Most bytes of an answer that are accepted. */
  readonly limit: number;
  /** Makes the error for a longer answer. */
  readonly tooLong: () => Error;
  readonly init?: RequestInit;
  readonly signal?: AbortSignal | undefined;
  /** `DEADLINE` unless given. */
  readonly deadline?: Deadline | undefined;
}

export interface Answer {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/**
 * Sends one request. Unless `init` says otherwise, a redirect of anything but a GET is not followed, since following turns it into one
 * (Fetch §4.4).
 * @throws UnreachableError when nobody answers in time, or the answer breaks off; RefusedError for a redirect that is not followed;
 *   `tooLong`. Messages hold the cause, and no user name or password of the URL.
 */
export async function fetchAnswer(target: string, options: AskOptions): Promise<Answer> {
  const { fetch, init = {}, signal, deadline = DEADLINE } = options;
  requireNoPassword(target);
  const timer = new DeadlineTimer(deadline, uploadTime(init.body));
  const signals = signal === undefined ? timer.signal : AbortSignal.any([timer.signal, signal]);
  const redirect = init.redirect ?? ((init.method ?? "GET") === "GET" ? "follow" : "manual");
  let tooLong: Error | undefined;
  let answered = false;
  const refuse = () => {
    tooLong = options.tooLong();
    return tooLong;
  };
  try {
    const response = await timer.race(fetch(target, { ...init, redirect, signal: signals }));
    answered = true;
    refuseRedirect(response, target);
    const { status, ok, headers } = response;
    const body = await timer.race(readStream(timer.watch(response.body), options.limit, refuse));
    return { status, ok, headers, body };
  } catch (error) {
    if (error instanceof RefusedError || (error !== undefined && error === tooLong)) throw error;
    const late = error === timer.signal.reason;
    throw new UnreachableError(
      `${target}: ${answered && !late ? "the answer broke off: " : ""}${causeOf(error)}`,
    );
  } finally {
    timer.end();
  }
}

/** Ends a request by its signal, and the wait for it also where a `fetch` does not look at its signal. */
class DeadlineTimer {
  readonly #controller = new AbortController();
  readonly #whole: ReturnType<typeof setTimeout>;
  #idle: ReturnType<typeof setTimeout> | undefined;
  readonly #idleMs: number;
  readonly #late: Promise<never>;

  constructor({ wholeMs, idleMs }: Deadline, uploadMs: number) {
    this.#idleMs = idleMs;
    this.#late = new Promise((_, reject) => {
      this.signal.addEventListener("abort", () => reject(this.signal.reason), { once: true });
    });
    this.#late.catch(() => undefined);
    this.#whole = this.#expireIn(wholeMs + uploadMs, "no whole answer");
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#late]);
  }

  /** The same stream, whose every piece begins the idle time anew. */
  watch(body: ReadableStream<Uint8Array> | null): ReadableStream<Uint8Array> | null {
    this.#restartIdle();
    const transform = (piece: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>) => {
      this.#restartIdle();
      controller.enqueue(piece);
    };
    return body?.pipeThrough(new TransformStream({ transform })) ?? null;
  }

  end(): void {
    clearTimeout(this.#whole);
    clearTimeout(this.#idle);
  }

  #restartIdle(): void {
    clearTimeout(this.#idle);
    this.#idle = this.#expireIn(this.#idleMs, "the answer stopped: nothing more came");
  }

  #expireIn(ms: number, what: string): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#controller.abort(new Error(`${what} within ${ms} ms`)), ms);
  }
}

function uploadTime(body: RequestInit["body"]): number {
  return typeof body === "string" || body instanceof Uint8Array ? Math.ceil(body.length / UPLOAD_RATE) : 0;
}

/** @throws TypeError for a URL with a user name or a password, which `fetch` would refuse and repeat. A page may name a path alone. */
function requireNoPassword(target: string): void {
  if (!URL.canParse(target)) return;
  const url = new URL(target);
  if (url.username === "" && url.password === "") return;
  throw new TypeError(
    `the URL of ${url.host} has a user name or a password in it: take it out, a log asks for none`,
  );
}

/** A browser shows of a redirect that there was one, and nothing else (Fetch §2.2.6, "opaque-redirect"). */
function refuseRedirect({ status, type, headers }: Response, shown: string): void {
  const opaque = type === "opaqueredirect";
  if (!opaque && ![301, 302, 303, 307, 308].includes(status)) return;
  const to = headers.get("location");
  const where = to === null ? "elsewhere" : to;
  throw new RefusedError(status, "moved", `${shown}: it moved to ${where}: use that address`);
}

/** fetch hides the reason of a network error in causes of causes, and Node's those of several addresses in an AggregateError. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return "no answer";
  if (error.cause instanceof Error) return causeOf(error.cause);
  if (error instanceof AggregateError && error.message === "") return error.errors.map(causeOf).join("; ");
  return error.message;
}
