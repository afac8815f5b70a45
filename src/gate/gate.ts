// Makes a gate: a fetch and an undici dispatcher that send nothing to a machine before its evidence says that it runs what the log's policy
// accepts (docs/gate.md).
import { type Dispatcher, fetch as fetchOverDispatcher, type RequestInit as UndiciInit } from "undici";
import { GateError } from "../sealed/gate-error.ts";
import { PolicyWatch } from "../sealed/policy-watch.ts";
import type { AppraiseOptions } from "../verifier/appraisal/appraise.ts";
import type { Verdict } from "../verifier/appraisal/verdict.ts";
import type { StateStore } from "../verifier/bundle/state-store.ts";
import type { TrustPin } from "../verifier/bundle/trust-pin.ts";
import type { VerifiedBundle } from "../verifier/bundle/verify-bundle.ts";
import { GateDispatcher } from "./gate-dispatcher.ts";
import { gateErrorIn } from "./gate-error.ts";
import { forUndici } from "./request-for-undici.ts";
import { type KeptVerdict, VerdictKeeper } from "./verdict-keeper.ts";

/**
 * @example
 * ```ts
 * import type { GateOptions } from "touchstone/gate";
 * import { createMemoryStore, type TrustPin } from "touchstone/verifier";
 * const options = (pin: TrustPin): GateOptions => ({
 *   to: "https://llm.example", log: "https://log.example.com", policy: "production", pin, store: createMemoryStore(),
 * });
 * ```
 */
export interface GateOptions {
  /** Origin of the machine: https, a host, and a port where it is not 443. */
  readonly to: string;
  /** Base URL of the log's service. */
  readonly log: string;
  /** Name of the policy. */
  readonly policy: string;
  readonly pin: TrustPin;
  /** Where it is remembered that the log must not go back: `createFileStore` of touchstone/verifier/node, or another one. */
  readonly store: StateStore;
  /** Milliseconds that evidence counts for at most; 10 minutes unless given. What it rests on may end sooner. */
  readonly maxVerdictAge?: number | undefined;
  /** Milliseconds after which the log is asked again, at a request or while a connection is open; one minute unless given. */
  readonly statusMaxAge?: number | undefined;
  /** Milliseconds for a TLS connection, for evidence, and for an answer of the log, each; 10 s unless given. */
  readonly timeout?: number | undefined;
  /** Asks in addition that a certificate authority vouches for the name: `webPki`, by Node's certificates or by `ca` (PEM). */
  readonly tls?: { readonly webPki?: boolean | undefined; readonly ca?: string | undefined } | undefined;
  /** URL of an HTTP proxy to reach the machine through, by CONNECT. The environment's is not used. */
  readonly proxy?: string | undefined;
  /** Told of every verdict, also of those that say no. */
  readonly onVerdict?: ((verdict: Verdict) => void) | undefined;
  /** The time, wall-clock. */
  readonly now?: (() => Date) | undefined;
  /** Asks the log. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Roots to pin instead of Intel's and NVIDIA's: for made-up evidence (touchstone/testing) only. */
  readonly roots?: AppraiseOptions["roots"] | undefined;
}

/**
 * @example
 * ```ts
 * import type { Gate } from "touchstone/gate";
 * const goodUntil = (gate: Gate): string => gate.verdict()?.until ?? "nothing was appraised, or it ended";
 * ```
 */
export interface Gate {
  /** Like the global one, for URLs of `to`; redirects are not followed. Rejects with GateError where nothing may be sent. */
  readonly fetch: typeof globalThis.fetch;
  /** For clients that take a dispatcher of undici: `new Client(…, { dispatcher })`, Node's own `fetch(url, { dispatcher })`. */
  readonly dispatcher: Dispatcher;
  /**
   * Connects, and sends nothing but the question for evidence where no verdict about the key counts: the first request then finds one.
   * @throws GateError
   */
  appraise(): Promise<{ readonly verdict: Verdict; readonly until: string }>;
  /** The verdict that was made last, where it still counts, and until when (RFC 3339). */
  verdict(): { readonly verdict: Verdict; readonly until: string } | null;
  /** Sends nothing any more; replies under way end by themselves. */
  close(): Promise<void>;
}

const MINUTE = 60_000;

/**
 * A gate to one machine, or to several behind one name. On each new TLS connection it takes the key of this connection, asks for evidence
 * made for that key over this connection, and appraises it by the log's policy; only then does it send a request. Keys whose verdict still
 * counts are not asked again. Nothing is connected before the first request.
 * @throws GateError "plaintext" where `to` is not https; TypeError where it is no origin.
 * @example
 * ```ts
 * import { createGate } from "touchstone/gate";
 * import { createFileStore } from "touchstone/verifier/node";
 * const gate = createGate({
 *   to: "https://llm.example",
 *   log: "https://log.example.com",
 *   policy: "production",
 *   pin: { origin: "log.example.com/production", version: 1, digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" },
 *   store: createFileStore("touchstone-state.json"),
 * });
 * const answer = await gate.fetch("https://llm.example/v1/models"); // for OpenAI's client: new OpenAI({ baseURL, fetch: gate.fetch })
 * ```
 */
export function createGate(options: GateOptions): Gate {
  const to = originOf(options.to);
  const now = options.now ?? (() => new Date());
  const { statusMaxAge = MINUTE, maxVerdictAge = 10 * MINUTE, timeout = 10_000, tls = {} } = options;
  const revoke = (error: GateError) => {
    verdicts.forget();
    dispatcher.cut(error);
  };
  const policy = new PolicyWatch({
    url: options.log,
    name: options.policy,
    pin: options.pin,
    store: options.store,
    fetch: options.fetch ?? globalThis.fetch,
    deadline: { wholeMs: timeout, idleMs: timeout },
    now,
    statusMaxAge,
    async onChange(bundle: VerifiedBundle) {
      const refusal = await verdicts.appraiseAgain(bundle);
      // What is in force now may end sooner than what the connections were opened by.
      if (refusal === null) dispatcher.limit(verdicts.earliestEnd);
      else revoke(new GateError("revoked", refusal.message, { verdict: refusal.verdict, sent: true }));
    },
    onRefused: revoke,
  });
  const { roots, onVerdict } = options;
  const verdicts = new VerdictKeeper({ policy, now, maxVerdictAge, roots, onVerdict });
  const proxy = options.proxy === undefined ? undefined : new URL(options.proxy);
  const connection = { to, timeout, webPki: tls.webPki ?? tls.ca !== undefined, ca: tls.ca, proxy };
  const dispatcher = new GateDispatcher({ connection, policy, verdicts, now });
  return {
    dispatcher,
    fetch: (input, init) => fetchThrough(dispatcher, input, init),
    appraise: async () => shown(await dispatcher.appraise()),
    verdict: () => verdicts.newest && shown(verdicts.newest),
    close: () => dispatcher.close(),
  };
}

function shown({ verdict, until }: KeptVerdict): { readonly verdict: Verdict; readonly until: string } {
  return { verdict, until: new Date(until).toISOString() };
}

function originOf(text: string): URL {
  const to = new URL(text);
  if (to.protocol !== "https:") throw new GateError("plaintext", `${text}: a gate leads to https only`);
  if (to.pathname !== "/" || to.search !== "" || to.hash !== "" || to.username !== "" || to.password !== "")
    throw new TypeError(`${to.origin} is wanted alone, without a path, a query or a user name`);
  return to;
}

async function fetchThrough(
  dispatcher: Dispatcher,
  ...[input, init]: Parameters<typeof globalThis.fetch>
): Promise<Response> {
  const [url, own] = await forUndici(input, init);
  try {
    const answer = await fetchOverDispatcher(url, { ...own, dispatcher, redirect: "error" } as UndiciInit);
    return answer as unknown as Response;
  } catch (error) {
    throw gateErrorIn(error) ?? error;
  }
}
