// Refuses query parameters that the description of a call does not name, and any that is given twice: a typing error would otherwise
// be answered as if nothing had been asked.
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { ZodObject } from "zod";
import { requireQuery } from "../http/parameters.ts";
import type { Api, ApiEnvironment } from "../openapi.ts";

export function knownQuery(api: Api): MiddlewareHandler<ApiEnvironment> {
  let described: ReadonlyMap<string, readonly string[]> | undefined;
  return async function knownQuery(c, next) {
    const route = routePath(c, -1);
    // Where only middleware matched there is no call: it is not found, or not by this method, whatever stands in the query.
    if (c.req.url.includes("?") && !route.endsWith("*")) {
      described ??= queriesOf(api);
      requireQuery(c, described.get(route) ?? []);
    }
    await next();
  };
}

/** Names of the query parameters of every path, in hono's form, whatever the method and the order in which calls are described. */
function queriesOf(api: Api): Map<string, readonly string[]> {
  const queries = new Map<string, readonly string[]>();
  for (const definition of api.openAPIRegistry.definitions) {
    if (definition.type !== "route") continue;
    const { path, request } = definition.route;
    const shape = (request?.query as ZodObject | undefined)?.shape ?? {};
    const route = path.replaceAll(/\{(\w+)\}/g, ":$1");
    queries.set(route, [...(queries.get(route) ?? []), ...Object.keys(shape)]);
  }
  return queries;
}
