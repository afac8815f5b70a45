// Limits how often one client address may write. Reading is not limited: it is cheap, and caches stand in front of it.
import type { MiddlewareHandler } from "hono";
import { rateLimiter } from "hono-rate-limiter";
import { addressKey, clientAddress } from "../../http/client-address.ts";
import { RequestProblem } from "../problem.ts";

const WINDOW_MS = 60_000;

/** @param trustedProxies how many proxies append to X-Forwarded-For; what stands further left anyone could have written. */
export function limitWrites(writesPerMinute: number, trustedProxies: number): MiddlewareHandler {
  return rateLimiter({
    windowMs: WINDOW_MS,
    limit: writesPerMinute,
    standardHeaders: "draft-7",
    skip: (c) => c.req.method !== "POST",
    keyGenerator: (c) => addressKey(clientAddress(c, trustedProxies)),
    handler: () => {
      throw new RequestProblem(
        "too-many-requests",
        `at most ${writesPerMinute} writing requests a minute; wait, then go on`,
      );
    },
  });
}
