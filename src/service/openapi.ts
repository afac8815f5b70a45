// Describes the API: openapi.yaml comes out of the same zod schemas that read the requests. Problems are described
// once for each operation, by the statuses it can answer.
import { createRoute, OpenAPIHono, type RouteConfig } from "@hono/zod-openapi";
import { getPath } from "hono/utils/url";
import type { OpenAPIObject } from "openapi3-ts/oas31";
import { HotRouter } from "./hot-router.ts";
import { CONCISE_PROBLEM_MEDIA_TYPE } from "./http/concise-problem.ts";
import type { RequestFacts } from "./http/request-facts.ts";
import { PROBLEM_MEDIA_TYPE, PROBLEMS, type ProblemCode, problem, RequestProblem } from "./problem.ts";
import { referToComponents } from "./refer-to-components.ts";

export interface ApiEnvironment {
  Variables: { observed: RequestFacts };
}
export type Api = OpenAPIHono<ApiEnvironment>;

/**
 * An app whose parameters are checked, and refused as problems.
 * @param prefix stands in front of every path, of unreserved characters, and is cut off before a route is looked for.
 */
export function createApi(prefix = ""): Api {
  return new OpenAPIHono<ApiEnvironment>({
    router: new HotRouter(),
    ...(prefix !== "" && { getPath: (request: Request) => getPath(request).slice(prefix.length) }),
    defaultHook: (result) => {
      if (result.success) return;
      const issue = result.error.issues[0];
      const where =
        issue?.path.join(".") ||
        (issue?.code === "unrecognized_keys" ? issue.keys.join(", ") : result.target);
      throw new RequestProblem("invalid-parameter", `${where}: ${issue?.message ?? "not valid"}`);
    },
  });
}

/** Bytes of a format that is not JSON. */
export const BYTES = { type: "string", format: "binary" } as const;

type ProblemContent = Readonly<Record<string, { readonly schema: object }>>;
const DETAILS: ProblemContent = { [PROBLEM_MEDIA_TYPE]: { schema: problem } };
const CONCISE_DETAILS: ProblemContent = { [CONCISE_PROBLEM_MEDIA_TYPE]: { schema: BYTES } };

/** The `responses` of the problems that an operation can answer with, one for each status. Any may answer 500 and, at rest, 503. */
export function problems(...codes: readonly ProblemCode[]): Record<never, never> {
  return problemsIn(DETAILS, codes);
}

/** The same as Concise Problem Details (RFC 9290), for CoSERV. */
export function conciseProblems(...codes: readonly ProblemCode[]): Record<never, never> {
  return problemsIn(CONCISE_DETAILS, codes);
}

function problemsIn(content: ProblemContent, codes: readonly ProblemCode[]): Record<never, never> {
  const byStatus = new Map<number, string[]>();
  for (const code of [...codes, "internal"] as const) {
    const [status] = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const responses = [...byStatus].map(([status, found]) => [status, describe(status, found, content)]);
  // Problems are thrown, never returned, so the handlers' types need not know of them.
  return Object.fromEntries(responses);
}

function describe(status: number, codes: readonly string[], content: ProblemContent) {
  const retry = {
    "retry-after": { description: "Seconds to wait", schema: { type: "integer", minimum: 0 } },
  };
  return {
    description: `\`code\`: ${codes.join(", ")}`,
    content,
    ...(status === 429 || status === 503 ? { headers: retry } : {}),
  };
}

/** What a conditional read is answered with where nothing has changed. */
export const NOT_MODIFIED = { 304: { description: "What the client has is still this" } } as const;

/** A route of the API; the operation id is required, since generated clients name their methods by it. */
export function route<
  P extends string,
  const R extends Omit<RouteConfig, "path"> & { path: P; operationId: string },
>(config: R) {
  const isRead = config.method === "get" && config.path.startsWith("/v1/");
  // A 304 is made around the handler, so the handler's type need not know of it.
  return createRoute(
    isRead ? { ...config, responses: { ...config.responses, ...NOT_MODIFIED } } : config,
  ) as ReturnType<typeof createRoute<P, R>>;
}

/** Describes a call whose handler is registered by hand, since it must be fast or its body is not JSON. */
export function describeRoute(api: Api, config: RouteConfig & { operationId: string }): void {
  api.openAPIRegistry.registerPath(config);
}

export const TAGS = [
  {
    name: "read path",
    description: "The log as static objects (C2SP tlog-tiles): what auditors, mirrors and witnesses read",
  },
  { name: "entries", description: "Publishing entries and looking them up" },
  { name: "proofs", description: "Inclusion, consistency and the history of checkpoints" },
  { name: "policies", description: "What verifiers fetch, and what it is made of" },
  { name: "pages", description: "The same for people, and files that go with the pages" },
  { name: "service", description: "The service itself" },
] as const;

/** The whole description, OpenAPI 3.1. */
export function openApiDocument(api: Api, version: string): OpenAPIObject {
  const document = api.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Touchstone",
      version,
      description:
        "A transparency log of reference values for confidential computing. Everything is public and may be read without a key. Writing needs no account either: who may publish what is decided by the trust root in the log itself, from the signatures of what is published. `/v1` shows only what the published checkpoint covers.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    // Relative to where this description is served, so that it holds behind a prefix.
    servers: [{ url: ".", description: "This log" }],
    security: [],
    tags: [...TAGS],
  });
  return referToComponents(document);
}
