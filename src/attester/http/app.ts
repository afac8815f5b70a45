// Serves evidence inside the machine, on loopback, to the TLS front end whose key it vouches for (docs/formats.md, "Evidence over HTTP").
import { type Context, Hono } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import { rateLimiter } from "hono-rate-limiter";
import type { Logger } from "pino";
import { addressKey, clientAddress } from "../../http/client-address.ts";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import type { Challenge } from "../make-evidence.ts";
import type { ChannelKeys } from "./channel-keys.ts";
import { EvidenceQueue, QueueFullError } from "./evidence-queue.ts";

export const EVIDENCE_PATH = "/.well-known/touchstone/evidence";
export const EVIDENCE_TYPE = "application/vnd.touchstone.evidence+json";

export interface EvidenceService {
  readonly channels: ChannelKeys;
  readonly makeEvidence: (challenge: Challenge) => Promise<Uint8Array>;
  readonly logger: Logger;
  readonly limits: {
    /** Requests that one client address may make in a minute. */
    readonly requestsPerMinute: number;
    /** Proxies in front that append to X-Forwarded-For. */
    readonly trustedProxies: number;
    /** Requests that may wait behind the one whose evidence is being made. */
    readonly waiting: number;
  };
}

const WINDOW_MS = 60_000;
/** Seconds after which a device or the quoting enclave may answer again. */
const MACHINE_RETRY_AFTER = 5;
const HEX_32 = /^[0-9a-f]{64}$/;

/** Any page may ask, since nothing here depends on who asks: there are no cookies. */
const HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "retry-after",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
} as const;
const PREFLIGHT = {
  ...HEADERS,
  "access-control-allow-methods": "GET",
  "access-control-allow-headers": "content-type",
  "access-control-max-age": "86400",
} as const;

/** The app answers `app.request()` without a port; src/http/server.ts gives it one. Further routes may be added to it. */
export function createEvidenceApp(service: EvidenceService): Hono {
  const { logger, limits } = service;
  const queue = new EvidenceQueue(limits.waiting);
  const app = new Hono();
  app.use(logAccess(logger));
  app.onError((error, c) => {
    logger.error({ err: error, path: c.req.path }, "internal error");
    return refuse(c, 500, "an error of the attester");
  });
  app.notFound((c) => refuse(c, 404, "nothing is here"));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => refuse(c, 405, "not this method", { allow: methods.join(", ") }),
    }),
  );
  app.get("/healthz", (c) =>
    c.body("ok\n", 200, { ...HEADERS, "content-type": "text/plain; charset=utf-8" }),
  );
  app.options(EVIDENCE_PATH, (c) => c.body(null, 204, PREFLIGHT));
  app.get(EVIDENCE_PATH, limitRequests(limits), (c) => answerEvidence(service, queue, c));
  return app;
}

async function answerEvidence(service: EvidenceService, queue: EvidenceQueue, c: Context): Promise<Response> {
  const nonce = only(c, "nonce");
  if (nonce === null || !HEX_32.test(nonce))
    return refuse(c, 400, "nonce: expected 64 lower-case hex digits, once");
  const channelKey = channelKeyOf(service.channels, c);
  if (!(channelKey instanceof Uint8Array)) return refuse(c, channelKey.status, channelKey.detail);
  const challenge = { channelKey, nonce: decodeHex(nonce) };
  try {
    const evidence = await queue.run(() => service.makeEvidence(challenge), c.req.raw.signal);
    return c.body(evidence.slice(), 200, {
      ...HEADERS,
      "content-type": EVIDENCE_TYPE,
      "content-length": String(evidence.length),
    });
  } catch (error) {
    if (error instanceof QueueFullError) return refuseForNow(c, 503, error.retryAfter, error.message);
    if (!c.req.raw.signal.aborted) service.logger.error({ err: error }, "no evidence could be made");
    return refuseForNow(c, 503, MACHINE_RETRY_AFTER, "the machine cannot make evidence now");
  }
}

interface Refusal {
  readonly status: 400 | 404;
  readonly detail: string;
}

function channelKeyOf(channels: ChannelKeys, c: Context): Uint8Array | Refusal {
  const channel = c.req.query("channel") === undefined ? "tls-spki" : only(c, "channel");
  if (channel === "tls-spki")
    return channels.tls ?? { status: 404, detail: "no TLS key is vouched for here" };
  if (channel !== "hpke") return { status: 400, detail: "channel: expected tls-spki or hpke, once" };
  const digest = only(c, "key");
  if (digest === null || !HEX_32.test(digest))
    return {
      status: 400,
      detail: "key: expected the SHA-256 of the public key, 64 lower-case hex digits, once",
    };
  return (
    channels.findHpke(digest) ?? {
      status: 404,
      detail: "this key is not, or no longer, one of the machine's",
    }
  );
}

/** A query parameter that is there once. */
function only(c: Context, name: string): string | null {
  const [value, ...others] = c.req.queries(name) ?? [];
  return value === undefined || others.length > 0 ? null : value;
}

function limitRequests({ requestsPerMinute, trustedProxies }: EvidenceService["limits"]) {
  return rateLimiter({
    windowMs: WINDOW_MS,
    limit: requestsPerMinute,
    standardHeaders: false,
    keyGenerator: (c) => addressKey(clientAddress(c, trustedProxies)),
    handler: (c) => refuseForNow(c, 429, WINDOW_MS / 1000, `at most ${requestsPerMinute} requests a minute`),
  });
}

/** One line for each request: no query, whose nonce is the client's own, and nothing of what was answered. */
function logAccess(logger: Logger) {
  return async (c: Context, next: () => Promise<void>) => {
    const begun = performance.now();
    await next();
    const milliseconds = Math.round(performance.now() - begun);
    logger.info({ method: c.req.method, path: c.req.path, status: c.res.status, milliseconds }, "request");
  };
}

function refuseForNow(c: Context, status: 429 | 503, seconds: number, detail: string): Response {
  return refuse(c, status, detail, { "retry-after": String(seconds) });
}

/** Problem details (RFC 9457). */
function refuse(
  c: Context,
  status: 400 | 404 | 405 | 429 | 500 | 503,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body = JSON.stringify({ type: "about:blank", title: detail, status });
  return c.body(body, status, { ...HEADERS, ...headers, "content-type": "application/problem+json" });
}
