// Assembles the service as one hono app: routes in the order in which they are tried, and what stands around them. The calls that must be
// fast come first, so that no middleware runs for them; then publishing, around which stands only what it needs.
import type { MiddlewareHandler } from "hono";
import { compress } from "hono/compress";
import { methodNotAllowed } from "hono/method-not-allowed";
import { answerProblem } from "./answer-problem.ts";
import { namesCorim } from "./bundles/corim-documents.ts";
import type { ForwardingOptions } from "./cluster/ask-leader.ts";
import { forwardSigned } from "./cluster/forward-signed.ts";
import { forwardWrites } from "./cluster/forward-writes.ts";
import { awaitSize } from "./cluster/fresh-reads.ts";
import { requestHeader } from "./http/request-header.ts";
import { cacheControl, validators } from "./middleware/cache-control.ts";
import { knownQuery } from "./middleware/known-query.ts";
import { observe } from "./middleware/observe.ts";
import { limitWrites } from "./middleware/rate-limit.ts";
import { timeLimit } from "./middleware/time-limit.ts";
import { type Api, type ApiEnvironment, createApi } from "./openapi.ts";
import { RequestProblem } from "./problem.ts";
import { addAttachments } from "./routes/attachments.ts";
import { addConfirmations } from "./routes/confirmations.ts";
import { addCoserv } from "./routes/coserv.ts";
import { addDescription } from "./routes/description.ts";
import { addEntryPage } from "./routes/entry-page.ts";
import { addFeeds } from "./routes/feeds.ts";
import { addEntries } from "./routes/find-entries.ts";
import { addHealth } from "./routes/health.ts";
import { addHome } from "./routes/home.ts";
import { addLogPage } from "./routes/log-page.ts";
import { addLookup } from "./routes/lookup.ts";
import { addPageFiles } from "./routes/page-files.ts";
import { addBundles, addPolicyList } from "./routes/policies.ts";
import { addPolicyPage } from "./routes/policy-page.ts";
import { addInclusionProofs, addProofs } from "./routes/proofs.ts";
import { addPublishing, refuseReadingBatch } from "./routes/publish-entries.ts";
import { addReadPath } from "./routes/read-path.ts";
import { addReceipts } from "./routes/receipts.ts";
import { addSearchPage } from "./routes/search-page.ts";
import { addTrust } from "./routes/trust.ts";
import type { Service } from "./service.ts";

/** What the receipt key signs, or says whether it signs. */
const SIGNED_PATHS = [
  "/v1/entries/:index/receipt",
  "/v1/consistency.receipt",
  "/.well-known/coserv-configuration",
  "/endorsement-distribution/v1/coserv/:query",
];

/** The app answers `app.request()` without a port; src/http/server.ts gives it one. */
export function createApp(service: Service): Api {
  const { limits, cluster, origin, prefix } = service;
  const api = createApi(prefix);
  api.onError((error, c) => answerProblem(service, c, error));
  api.notFound((c) =>
    answerProblem(service, c, new RequestProblem("not-found", "there is no such resource")),
  );

  if (cluster !== null) api.use(awaitSize(cluster.node));
  addReadPath(api, service);
  if (cluster?.forwarding)
    addForwardingOfSigned(api, service, { ...cluster, ...cluster.forwarding, origin, prefix });
  addBundles(api, service);
  addInclusionProofs(api, service);
  addReceipts(api, service);
  addCoserv(api, service);
  addHome(api, service);

  api.use(observe(service.logger, service.metrics));
  api.use("/v1/*", timeLimit(limits.requestTimeout));
  api.use("/v1/*", limitWrites(limits.writesPerMinute, limits.trustedProxies));
  if (cluster?.forwarding) {
    const forward = forwardWrites({
      ...cluster,
      ...cluster.forwarding,
      origin,
      prefix,
      requestTimeout: limits.requestTimeout,
    });
    for (const path of ["/v1/entries", "/v1/entries/batch"]) api.use(path, forward);
  }
  addPublishing(api, service);

  api.use(cacheControl);
  api.use(onlyMethods(api, service));
  api.use(answerPreflight);
  api.use(compressReads);
  api.use("/v1/*", validators);
  api.use(knownQuery(api));
  refuseReadingBatch(api);
  addAttachments(api, service);
  addConfirmations(api, service);
  addEntries(api, service);
  addLookup(api, service);
  addProofs(api, service);
  addPolicyList(api, service);
  addTrust(api, service);
  addHealth(api, service);
  addPageFiles(api);
  addEntryPage(api, service);
  addPolicyPage(api, service);
  addLogPage(api, service);
  addSearchPage(api, service);
  addFeeds(api, service);
  addDescription(api, service);
  return api;
}

/** Before the routes that answer by the receipt key. */
function addForwardingOfSigned(
  api: Api,
  { receipts, limits }: Service,
  forwarding: Omit<ForwardingOptions, "requestTimeout">,
): void {
  const options = {
    ...forwarding,
    requestTimeout: limits.requestTimeout,
    lacksKey: () => receipts.lacksKey(),
  };
  for (const path of SIGNED_PATHS) api.use(path, forwardSigned(options));
  api.use(
    "/v1/policies/:name",
    forwardSigned(options, (c) => namesCorim(requestHeader(c, "accept"))),
  );
}

function onlyMethods(api: Api, service: Service): MiddlewareHandler<ApiEnvironment> {
  return methodNotAllowed({
    app: api,
    onMethodNotAllowed: (c, methods) => {
      const allow = methods.join(", ");
      c.res = new Response(null);
      const answer = answerProblem(
        service,
        c,
        new RequestProblem("method-not-allowed", `allowed here: ${allow}`),
      );
      answer.headers.set("allow", allow);
      return answer;
    },
  });
}

const compressed = compress();

/** Answers to writes are small, and those who write wait for them. */
const compressReads: MiddlewareHandler = (c, next) => (c.req.method === "GET" ? compressed(c, next) : next());

/** CORS preflight: any page may call everything, since no call carries anything of the user. */
const answerPreflight: MiddlewareHandler = async (c, next) => {
  if (c.req.method !== "OPTIONS") return next();
  return c.body(null, 204, {
    "access-control-allow-methods": "GET, HEAD, POST",
    "access-control-allow-headers": "accept, content-type, if-none-match, touchstone-min-size",
    "access-control-max-age": "86400",
  });
};
