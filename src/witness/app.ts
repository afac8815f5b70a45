// Serves a witness over HTTP: add-checkpoint for logs, the largest cosigned checkpoint of each log for monitors (C2SP tlog-witness), and
// probes for its operator. Refusals are one line of text.
import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { rateLimiter } from "hono-rate-limiter";
import type { Logger } from "pino";
import { addressKey, clientAddress } from "../http/client-address.ts";
import { readStream } from "../protocol/encoding/read-stream.ts";
import type { WitnessMetrics } from "./metrics.ts";
import type { Answer, Refusal, Witness } from "./witness.ts";
import type { WitnessStore } from "./witness-store.ts";

/** 63 hashes and a checkpoint with a dozen signatures of ML-DSA-44; more than any witness in use takes. */
const MAX_BODY_BYTES = 65_536;
const WINDOW_MS = 60_000;
/** Seconds after which a log that used its day up may have a few more. */
const RETRY_AFTER = "60";

/** C2SP tlog-witness, add-checkpoint; for two roots of one size its main version says 422, as for any other tree. */
const STATUS: Readonly<Record<Refusal, ContentfulStatusCode>> = {
  malformed: 400,
  "not-signed": 403,
  "unknown-log": 404,
  inconsistent: 422,
  "too-often": 429,
};

const HEADERS = {
  "access-control-allow-origin": "*",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
} as const;
const TEXT = { ...HEADERS, "content-type": "text/plain; charset=utf-8" } as const;

export interface WitnessService {
  readonly witness: Witness;
  readonly store: Pick<WitnessStore, "newest">;
  readonly metrics: WitnessMetrics;
  readonly logger: Logger;
  readonly limits: {
    /** Requests that one client address may make in a minute. */
    readonly requestsPerMinute: number;
    /** Proxies in front that append to X-Forwarded-For. */
    readonly trustedProxies: number;
  };
}

/** The app answers `app.request()` without a port; src/http/server.ts gives it one. */
export function createWitnessApp(service: WitnessService): Hono {
  const { witness, store, metrics, limits } = service;
  const app = new Hono();
  app.onError((error, c) => answerError(service, c, error));
  app.notFound((c) => c.body("not found\n", 404, TEXT));
  app.use(methodNotAllowed({ app, onMethodNotAllowed: (_, methods) => wrongMethod(methods.join(", ")) }));

  app.get("/healthz", (c) => {
    store.newest(1);
    return c.body("ok\n", 200, TEXT);
  });
  app.get("/metrics", async (c) => {
    const { registry } = metrics;
    return c.body(await registry.metrics(), 200, { ...HEADERS, "content-type": registry.contentType });
  });
  app.use(limitRequests(limits));
  app.post("/add-checkpoint", (c) => addCheckpoint(service, c));
  app.get("/:digest/checkpoint", (c) => {
    const note = witness.cosigned(c.req.param("digest"));
    return note === undefined ? c.notFound() : c.body(note, 200, TEXT);
  });
  return app;
}

async function addCheckpoint({ witness, metrics, logger }: WitnessService, c: Context): Promise<Response> {
  const start = performance.now();
  const answer = await witness.addCheckpoint(await readBody(c));
  const milliseconds = performance.now() - start;
  metrics.observe(answer.outcome, milliseconds / 1000);
  const reason = "reason" in answer ? answer.reason : undefined;
  logger.info({ outcome: answer.outcome, reason, milliseconds }, "add-checkpoint");
  return respond(c, answer);
}

async function readBody(c: Context): Promise<Uint8Array> {
  const tooLong = () =>
    new HTTPException(413, { message: `the body is longer than ${MAX_BODY_BYTES} bytes` });
  try {
    return await readStream(c.req.raw.body, MAX_BODY_BYTES, tooLong);
  } catch (error) {
    throw error instanceof HTTPException ? error : new HTTPException(400, { message: "the body broke off" });
  }
}

function respond(c: Context, answer: Answer): Response {
  if (answer.outcome === "cosigned") return c.body(answer.lines.join(""), 200, TEXT);
  if (answer.outcome === "stale")
    return c.body(`${answer.size}\n`, 409, { ...HEADERS, "content-type": "text/x.tlog.size" });
  if (answer.outcome === "too-often") c.header("retry-after", RETRY_AFTER);
  return c.body(`${answer.reason}\n`, STATUS[answer.outcome], TEXT);
}

function limitRequests({ requestsPerMinute, trustedProxies }: WitnessService["limits"]) {
  return rateLimiter({
    windowMs: WINDOW_MS,
    limit: requestsPerMinute,
    standardHeaders: "draft-7",
    keyGenerator: (c) => addressKey(clientAddress(c, trustedProxies)),
    handler: () => refusal(429, `at most ${requestsPerMinute} requests a minute`),
  });
}

function answerError({ logger }: WitnessService, c: Context, error: Error): Response {
  if (error instanceof HTTPException) return refusal(error.status, error.message);
  logger.error({ err: error, path: c.req.path }, "internal error");
  return refusal(500, "an error of the witness");
}

function refusal(status: number, reason: string): Response {
  return new Response(`${reason}\n`, { status, headers: TEXT });
}

function wrongMethod(allow: string): Response {
  return new Response(`allowed here: ${allow}\n`, { status: 405, headers: { ...TEXT, allow } });
}
