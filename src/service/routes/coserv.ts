// Serves CoSERV (draft-ietf-rats-coserv-07 §6.1): what is offered, and the reference values of the policies in force by class. Our own
// verifiers read none of it (docs/interop.md).
import * as z from "zod";
import { CORIM_PROFILE } from "../../views/corim.ts";
import { COSERV_MEDIA_TYPE, SIGNED_COSERV_MEDIA_TYPE } from "../../views/coserv.ts";
import {
  COSERV_PATH,
  DISCOVERY_MEDIA_TYPES,
  discoveryCbor,
  discoveryJson,
  type Offer,
  offeredTypes,
  profiled,
} from "../../views/coserv-discovery.ts";
import { CoservAnswers } from "../coserv/coserv-answers.ts";
import { acceptedMediaType } from "../http/accept.ts";
import { respondEncoded } from "../http/encoded-body.ts";
import { NO_CACHE, READ_HEADERS } from "../http/headers.ts";
import { requireQuery } from "../http/parameters.ts";
import { requestHeader } from "../http/request-header.ts";
import { type Api, BYTES, conciseProblems, describeRoute, NOT_MODIFIED } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";

const DISCOVERY_PATH = "/.well-known/coserv-configuration";
const QUERY_ROUTE = "/endorsement-distribution/v1/coserv/:query";
/** Seconds for which a cache may keep an answer that is good for longer: a revocation is not to wait for it. */
const MAX_AGE = 60;

/** Problems of these paths are Concise Problem Details (§6.1.1). */
export function isCoserv(path: string): boolean {
  return path === DISCOVERY_PATH || path.startsWith("/endorsement-distribution/");
}

/** Verifiers ask again and again: no schema machinery and no middleware stand in their way. */
export function addCoserv(api: Api, service: Service): void {
  const count = service.metrics.hotReads("coserv");
  const prefix = new URL(service.url).pathname.replace(/\/$/, "");
  const common = { ...READ_HEADERS, vary: "accept", link: `<${service.url}/v1/policies>; rel="describedby"` };
  const answers = new CoservAnswers(service);
  describeCoserv(api);

  api.get(DISCOVERY_PATH, (c) => {
    requireQuery(c, []);
    const type = acceptedMediaType(c.req.header("accept"), DISCOVERY_MEDIA_TYPES);
    if (type === null) throw notAcceptable(DISCOVERY_MEDIA_TYPES);
    const offer: Offer = { version: service.version, prefix, signer: service.receipts.signerIfAny() };
    const document =
      type === "application/coserv-discovery+json" ? discoveryJson(offer) : discoveryCbor(offer);
    return c.body(document, 200, { ...common, "content-type": type, "cache-control": NO_CACHE });
  });

  api.get(QUERY_ROUTE, async (c) => {
    count();
    requireQuery(c, []);
    const signer = service.receipts.signerIfAny();
    const offered = offeredTypes(signer);
    const type = acceptedMediaType(requestHeader(c, "accept"), offered, CORIM_PROFILE);
    if (type === null) throw notAcceptable(offered.map(profiled));
    const headers = { ...common, "content-type": profiled(type) };
    const form = { signer, signed: type === SIGNED_COSERV_MEDIA_TYPE, headers };
    const { body, expires } = await answers.answer(c.req.param("query"), form);
    const age = secondsUntil(expires, service.clock());
    return respondEncoded(c, body, { "cache-control": `public, max-age=${age}, must-revalidate` });
  });
}

/** §6.1.4.1: what a cache keeps ends with the result, if not before. */
function secondsUntil(expires: string, now: Date): number {
  return Math.min(MAX_AGE, Math.max(0, Math.floor((Date.parse(expires) - now.getTime()) / 1000)));
}

function notAcceptable(offered: readonly string[]): RequestProblem {
  return new RequestProblem("not-acceptable", `Accept: this is served as ${offered.join(" or ")}`);
}

function describeCoserv(api: Api): void {
  const discovery = z
    .strictObject({
      version: z.string().describe("Semantic version of the service"),
      capabilities: z.array(
        z.strictObject({
          "media-type": z.string(),
          "artifact-support": z.array(z.enum(["source", "collected"])),
        }),
      ),
      "api-endpoints": z.strictObject({ CoSERVRequestResponse: z.string() }),
      "result-verification-key": z
        .array(z.looseObject({ kty: z.string(), kid: z.string() }))
        .optional()
        .describe("JWK of the key that signs results; without it nothing is signed"),
    })
    .meta({ id: "CoservDiscovery" });
  describeRoute(api, {
    method: "get",
    path: DISCOVERY_PATH,
    operationId: "getCoservDiscovery",
    tags: ["policies"],
    summary: "What of CoSERV is offered",
    description: "Profile, kinds of results and path of queries (draft-ietf-rats-coserv).",
    responses: {
      200: {
        description: "The discovery document",
        content: {
          "application/coserv-discovery+json": { schema: discovery },
          "application/coserv-discovery+cbor": { schema: BYTES },
        },
      },
      ...conciseProblems("not-found", "not-acceptable"),
    },
  });
  describeRoute(api, {
    method: "get",
    path: COSERV_PATH,
    operationId: "queryCoserv",
    tags: ["policies"],
    summary: "Reference values by class",
    description:
      "For verifiers that ask by CoSERV: what all policies in force accept for a class of environments. A class that no policy names is answered with an empty list. What it cannot say is in docs/interop.md; verify a policy's bundle for the policy itself.",
    request: {
      params: z.object({
        query: z
          .string()
          .regex(/^[A-Za-z0-9_-]{1,5462}$/)
          .describe("The query in deterministic CBOR, at most 4 KiB, as base64url without padding"),
      }),
      headers: z.object({
        "if-none-match": z.string().optional().describe("ETag of the answer at hand"),
      }),
    },
    responses: {
      200: {
        description: "The query with its results",
        content: Object.fromEntries(
          [COSERV_MEDIA_TYPE, SIGNED_COSERV_MEDIA_TYPE].map((type) => [type, { schema: BYTES }]),
        ),
      },
      ...NOT_MODIFIED,
      ...conciseProblems("invalid-parameter", "not-found", "not-acceptable", "bundle-not-acceptable"),
    },
  });
}
