// Answers a request that went wrong with its problem, and takes note of it.
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { CONCISE_PROBLEM_MEDIA_TYPE, encodeConciseProblem } from "./http/concise-problem.ts";
import { BASE_HEADERS } from "./http/headers.ts";
import type { Metrics } from "./metrics/metrics.ts";
import { newRequestId } from "./middleware/observe.ts";
import type { ApiEnvironment } from "./openapi.ts";
import { PROBLEM_MEDIA_TYPE, problemOf, RequestProblem, retryAfterOf } from "./problem.ts";
import { isCoserv } from "./routes/coserv.ts";
import type { Service } from "./service.ts";

export function answerProblem(
  {
    logger,
    metrics,
  }: { readonly logger: Service["logger"]; readonly metrics: Pick<Metrics, "countProblem"> },
  c: Context<ApiEnvironment>,
  error: unknown,
): Response {
  const observed = c.get("observed") ?? { requestId: newRequestId() };
  const problem = problemOf(asOurs(error), observed.requestId);
  observed.problem = problem.code;
  metrics.countProblem(problem.code);
  if (problem.code === "internal")
    logger.error({ err: error, requestId: problem.requestId }, "internal error");
  const retryAfter = retryAfterOf(problem.code);
  const concise = isCoserv(c.req.path);
  const headers = {
    ...BASE_HEADERS,
    "content-type": concise ? CONCISE_PROBLEM_MEDIA_TYPE : PROBLEM_MEDIA_TYPE,
    "cache-control": "no-store",
    "x-request-id": problem.requestId,
    // RFC 9110 §11.6.1 asks for a challenge; what authenticates a writer are the signatures of the envelope.
    ...(problem.status === 401 ? { "www-authenticate": "DSSE" } : {}),
    // The rate limiter knows better when its window ends.
    ...(retryAfter === undefined || c.res.headers.has("retry-after")
      ? {}
      : { "retry-after": String(retryAfter) }),
  };
  const body = concise ? encodeConciseProblem(problem) : JSON.stringify(problem);
  return c.body(body, problem.status as ContentfulStatusCode, headers);
}

/** hono throws this for what it refuses itself, before a handler runs. */
function asOurs(error: unknown): unknown {
  if (!(error instanceof HTTPException) || error.status >= 500) return error;
  return new RequestProblem(error.status === 415 ? "unsupported-media-type" : "malformed", error.message);
}
