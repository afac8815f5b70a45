// Gives every answer a Cache-Control, and every read of the API a validator. A cache in its default setting keeps what says nothing
// for a while (RFC 9111 §4.2.2), and an old status or an old readiness is worse than none.
import { createHash } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { etag } from "hono/etag";
import { NO_CACHE, NO_STORE } from "../http/headers.ts";

/** Answers that are true only at the moment they are given. */
const PROBES = new Set(["/healthz", "/readyz", "/metrics"]);

/** Adds what a route did not say itself; an answer that may not be kept gets no validator. */
export const cacheControl: MiddlewareHandler = async function cacheControl(c, next) {
  await next();
  const { headers } = c.res;
  if (headers.has("cache-control")) return;
  const isRead = c.req.method === "GET" || c.req.method === "HEAD";
  headers.set("cache-control", isRead && !PROBES.has(c.req.path) ? NO_CACHE : NO_STORE);
};

/** Answers 304 where the client has the same bytes already (RFC 9110 §13.1.2). */
export const validators: MiddlewareHandler = etag({
  generateDigest: (body) => Uint8Array.from(createHash("sha256").update(body).digest()).buffer,
});
