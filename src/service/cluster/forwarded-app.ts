// Serves what other nodes forward to the one that leads, on a port of its own. Who does not know the secret is told nothing.
import { timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { nativeSha256 } from "../../node/sha256.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { answerProblem } from "../answer-problem.ts";
import { observe } from "../middleware/observe.ts";
import { timeLimit } from "../middleware/time-limit.ts";
import { type Api, createApi } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import { addCoserv } from "../routes/coserv.ts";
import { addBundles } from "../routes/policies.ts";
import { addPublishing } from "../routes/publish-entries.ts";
import { addReceipts } from "../routes/receipts.ts";
import type { Service } from "../service.ts";

/** Names the node that forwarded a request. One that has it is not forwarded again. */
export const FORWARDED_BY = "touchstone-forwarded-by";
/** The origin of the log that it is for, percent-encoded: a process serves several logs on this port, and never takes what is for another. */
export const FORWARDED_ORIGIN = "touchstone-origin";

/** The node that took a request has counted it for its client's rate limit. */
export function createForwardedApp(service: Service, secret: string): Api {
  const api = createApi();
  api.onError((error, c) => answerProblem(service, c, error));
  api.notFound((c) =>
    answerProblem(service, c, new RequestProblem("not-found", "there is no such resource")),
  );
  api.use(observe(service.logger, service.metrics));
  api.use(requireSecret(secret));
  api.use(requireOrigin([service.origin], service.logger));
  api.use(timeLimit(service.limits.requestTimeout));
  addPublishing(api, service);
  // What the receipt key signs, for a node that has none.
  addBundles(api, service);
  addReceipts(api, service);
  addCoserv(api, service);
  return api;
}

export function requireSecret(secret: string): MiddlewareHandler {
  const expected = nativeSha256(utf8(`Bearer ${secret}`));
  return async function requireSecret(c, next) {
    const given = nativeSha256(utf8(c.req.header("authorization") ?? ""));
    if (!timingSafeEqual(given, expected) || c.req.header(FORWARDED_BY) === undefined)
      throw new RequestProblem("not-found", "there is no such resource");
    return next();
  };
}

/** Two processes of different logs may share a secret, and one of them be at the address that the other is thought to have. */
export function requireOrigin(origins: readonly string[], logger: Service["logger"]): MiddlewareHandler {
  const expected = new Set(origins.map(encodeURIComponent));
  return async function requireOrigin(c, next) {
    const given = c.req.header(FORWARDED_ORIGIN);
    if (given !== undefined && expected.has(given)) return next();
    const by = c.req.header(FORWARDED_BY);
    logger.warn({ by, given }, "another process forwards what is for a log that is not served here");
    throw new RequestProblem("misdirected", "this process serves no log of that origin");
  };
}
