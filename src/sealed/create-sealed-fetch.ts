// Makes a fetch whose requests only a machine can read that was appraised first: the one call that a page needs.
import type { AppraiseOptions } from "../verifier/appraisal/appraise.ts";
import type { Verdict } from "../verifier/appraisal/verdict.ts";
import type { StateStore } from "../verifier/bundle/state-store.ts";
import type { TrustPin } from "../verifier/bundle/trust-pin.ts";
import { GateError } from "./gate-error.ts";
import { PolicyWatch } from "./policy-watch.ts";
import { encode, PlainReply, send } from "./sealed-request.ts";
import { KeyKeeper, type TrustedKey } from "./trusted-key.ts";

/**
 * @example
 * ```ts
 * import { createBrowserStore, type TrustPin } from "touchstone/verifier";
 * import type { SealedFetchOptions } from "touchstone/sealed";
 * const options = (pin: TrustPin): SealedFetchOptions => ({
 *   to: "https://llm.example", log: "https://log.example.com", policy: "production", pin, store: createBrowserStore(localStorage),
 * });
 * ```
 */
export interface SealedFetchOptions {
  /** Origin of the machine, such as https://llm.example; `http:` for a loopback address only. */
  readonly to: string;
  /** Base URL of the log. */
  readonly log: string;
  /** Name of the policy. */
  readonly policy: string;
  readonly pin: TrustPin;
  readonly store: StateStore;
  /** What carries everything; the global one unless given. */
  readonly fetch?: typeof globalThis.fetch;
  /** The clock; the machine's unless given. */
  readonly now?: () => Date;
  /** Milliseconds after which evidence is asked for again; 10 minutes unless given. */
  readonly maxVerdictAge?: number;
  /** Milliseconds after which the log is asked again, at a request and while a reply streams; one minute unless given. */
  readonly statusMaxAge?: number;
  /** Milliseconds for keys, and for evidence; 30 s unless given. */
  readonly timeout?: number;
  /** Told each verdict, trusted or not. */
  readonly onVerdict?: (verdict: Verdict) => void;
  /** Roots in place of Intel's and NVIDIA's: for made-up evidence (touchstone/testing) only. */
  readonly roots?: AppraiseOptions["roots"];
}

const MINUTE = 60_000;

/**
 * A `fetch` for the one machine that `to` names. Before its first request the machine is appraised, and again whenever the verdict has
 * ended; then method, path, headers and body are sealed to the key that the verdict is about (docs/gate.md). Only replies that were sealed
 * for this request are answered with; a stream of one that was cut ends with an error. Whatever is refused throws `GateError`.
 * @example
 * ```ts
 * import { createSealedFetch } from "touchstone/sealed";
 * import { createBrowserStore, type TrustPin } from "touchstone/verifier";
 * const ask = async (pin: TrustPin, question: string): Promise<Response> => {
 *   const store = createBrowserStore(localStorage);
 *   const to = "https://llm.example";
 *   const sealedFetch = createSealedFetch({ to, log: "https://log.example.com", policy: "production", pin, store });
 *   return sealedFetch(`${to}/v1/chat/completions`, { method: "POST", body: question });
 * };
 * ```
 */
export function createSealedFetch(options: SealedFetchOptions): typeof globalThis.fetch {
  const { now = () => new Date(), fetch = globalThis.fetch.bind(globalThis), timeout = 30_000 } = options;
  const { maxVerdictAge = 10 * MINUTE, statusMaxAge = MINUTE, onVerdict = () => undefined, roots } = options;
  const origin = originOf(options.to);
  const { log: url, policy: name, pin, store } = options;
  const policy: PolicyWatch = new PolicyWatch({
    url,
    name,
    pin,
    store,
    fetch,
    now,
    statusMaxAge,
    onChange: (bundle) => keeper.judgeAgain(bundle),
    onRefused: (error) => keeper.revoke(error),
  });
  const keeper: KeyKeeper = new KeyKeeper({
    origin,
    fetch,
    timeout,
    policy,
    now,
    maxVerdictAge,
    onVerdict,
    ...(roots && { roots }),
  });

  /** Seals the message to the key, and looks at the log while the reply streams. */
  function exchange(message: Uint8Array, key: TrustedKey, signal: AbortSignal): Promise<Response> {
    const abort = new AbortController();
    const follow = () => abort.abort(signal.reason);
    const watched = keeper.watch(abort);
    // A refusal ends the reply by itself.
    const timer = setInterval(() => policy.current().catch(() => undefined), statusMaxAge / 2);
    const onEnd = () => {
      clearInterval(timer);
      watched();
      signal.removeEventListener("abort", follow);
    };
    if (signal.aborted) follow();
    else signal.addEventListener("abort", follow);
    return send(message, { origin, fetch, configuration: key.configuration, abort, onEnd });
  }

  return async function sealedFetch(input, init) {
    const request = new Request(input, init);
    if (new URL(request.url).origin !== origin)
      throw new GateError("origin", `${new URL(request.url).origin} is not ${origin}: nothing was sent`);
    const trusted = () => unlessAborted(keeper.key(), request.signal);
    // Not even read before the machine is trusted; and a body may take its time, in which a verdict can end.
    await trusted();
    const message = await encode(request, now);
    let key = await trusted();
    try {
      return await proven(key, exchange(message, key, request.signal));
    } catch (error) {
      if (!(error instanceof PlainReply) || !(key.proven || error.isAboutKey)) throw error;
      // The key was replaced, or somebody between says so. Once more, to a key that is appraised like the first.
      keeper.forget(key);
      key = await trusted();
      return proven(key, exchange(message, key, request.signal));
    }
  };
}

async function proven(key: TrustedKey, replying: Promise<Response>): Promise<Response> {
  const reply = await replying;
  key.proven = true;
  return reply;
}

/** The work goes on for others who wait for it. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** @throws TypeError for what is no origin, or one that anybody on the way can answer for. */
function originOf(to: string): string {
  const { protocol, hostname, origin, pathname, search } = new URL(to);
  const loopback = ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
  if (protocol !== "https:" && !(protocol === "http:" && loopback))
    throw new TypeError(`${to}: a machine is reached by https`);
  if (pathname !== "/" || search !== "")
    throw new TypeError(`${to}: name the origin alone, such as ${origin}`);
  return origin;
}
