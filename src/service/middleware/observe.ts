// Writes a line in the access log and an observation in the metrics for each request, and the fields that every answer carries. Logged is
// what is chosen here: never bodies, never header values, never a query.
import { randomUUID } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { Logger } from "pino";
import { BASE_HEADERS } from "../http/headers.ts";
import type { RequestFacts } from "../http/request-facts.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { ApiEnvironment } from "../openapi.ts";

export function newRequestId(): string {
  return randomUUID();
}

export function observe(logger: Logger, metrics: Metrics): MiddlewareHandler<ApiEnvironment> {
  return async function observe(c, next) {
    const observed: RequestFacts = { requestId: newRequestId() };
    c.set("observed", observed);
    const start = performance.now();
    await next();
    const milliseconds = performance.now() - start;
    const { headers, status } = c.res;
    headers.set("x-request-id", observed.requestId);
    for (const [name, value] of Object.entries(BASE_HEADERS))
      if (!headers.has(name)) headers.set(name, value);
    const route = routePath(c, -1);
    metrics.observeRequest(c.req.method, route, status, milliseconds / 1000);
    const { requestId, problem } = observed;
    logger.info(
      { requestId, method: c.req.method, path: c.req.path, route, status, problem, milliseconds },
      "request",
    );
  };
}
