// Serves policies: the list, and the bundles that verifiers fetch. A bundle comes out of memory, compressed already.
import * as z from "zod";
import { policyBundleJson } from "../../protocol/bundle/policy-bundle.schema.ts";
import { BUNDLE_MEDIA_TYPE } from "../../protocol/bundle/policy-bundle.ts";
import { name as nameShape, positive, sha256, time } from "../../protocol/entry/fields.schema.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { CORIM_PROFILE } from "../../views/corim.ts";
import { CORIM_FORMS, CorimDocuments, type CorimForm, namesCorim } from "../bundles/corim-documents.ts";
import { index, treeSize } from "../entries/answer-shapes.ts";
import { isEntryRevoked, readLoggedEntry, requirePublished } from "../entries/read-entry.ts";
import { acceptedMediaType } from "../http/accept.ts";
import { respondEncoded } from "../http/encoded-body.ts";
import { decimal, readDecimal, requireQuery } from "../http/parameters.ts";
import { requestHeader } from "../http/request-header.ts";
import { type Api, describeRoute, problems, route } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";

const bundle = policyBundleJson.meta({
  id: "PolicyBundle",
  description: "Everything that a verifier needs, offline",
});

/** What a bundle is mostly made of. */
const loggedEntry = policyBundleJson.shape.policy.meta({
  description: "An entry, its index and its inclusion proof to the bundle's checkpoint",
});

const listPolicies = route({
  method: "get",
  path: "/v1/policies",
  operationId: "listPolicies",
  tags: ["policies"],
  summary: "Newest version of every policy",
  description: "By name. That one is listed does not say that it is accepted: its bundle does.",
  responses: {
    200: {
      description: "Policies, by name",
      content: {
        "application/json": {
          schema: z
            .strictObject({
              treeSize,
              policies: z.array(
                z.strictObject({
                  name: nameShape,
                  version: positive,
                  digest: sha256.describe("SHA-256 of its DSSE payload"),
                  index,
                  validFrom: time,
                  expires: time,
                  revoked: z.boolean(),
                }),
              ),
            })
            .meta({ id: "PolicyList" }),
        },
      },
    },
    ...problems("not-found", "timed-out"),
  },
});

/** Bundles are what verifiers ask for all the time: no schema machinery and no middleware stand in their way. */
export function addBundles(api: Api, { bundles, receipts, metrics }: Service): void {
  const count = metrics.hotReads("bundle");
  const corims = new CorimDocuments(bundles, receipts);
  describeBundles(api);

  api.get("/v1/policies/:name", async (c) => {
    count();
    const form = corimAskedFor(requestHeader(c, "accept"));
    if (form !== null) {
      requireQuery(c, []);
      return respondEncoded(c, await corims.current(readName(c.req.param("name")), form));
    }
    requireQuery(c, ["since"]);
    const since = c.req.query("since");
    const ready = since === undefined ? bundles.ready(c.req.param("name")) : undefined;
    if (ready !== undefined) return respondEncoded(c, ready);
    const name = readName(c.req.param("name"));
    if (since === undefined) return respondEncoded(c, await bundles.current(name));
    return respondEncoded(c, await bundles.since(name, readDecimal(since, "since", 1)));
  });

  api.get("/v1/policies/:name/:version", async (c) => {
    count();
    requireQuery(c, []);
    const name = readName(c.req.param("name"));
    return respondEncoded(c, await bundles.version(name, readDecimal(c.req.param("version"), "version", 1)));
  });
}

/**
 * The form in which a client prefers CoRIM to a bundle; null for one that asks for none.
 * @throws RequestProblem "not-acceptable" where it asks for CoRIM of another profile, and for nothing else that there is.
 */
function corimAskedFor(accept: string | undefined): CorimForm | null {
  if (!namesCorim(accept)) return null;
  const chosen = acceptedMediaType(
    accept,
    [BUNDLE_MEDIA_TYPE, "application/json", ...CORIM_FORMS],
    CORIM_PROFILE,
  );
  if (chosen === null)
    throw new RequestProblem("not-acceptable", `a CoRIM of this log has the profile ${CORIM_PROFILE}`);
  return CORIM_FORMS.find((form) => form === chosen) ?? null;
}

export function addPolicyList(api: Api, { log: { read: log } }: Service): void {
  api.openapi(listPolicies, async (c) => {
    const { checkpoint, inForce } = requirePublished(log);
    const found = [...inForce.policies].sort(([a], [b]) => (a < b ? -1 : 1));
    const policies = await Promise.all(
      found.map(async ([name, { version, digest, index: at }]) => {
        const entry = await readLoggedEntry(log, at);
        const { validFrom, expires } = (entry.envelope.statement as StatementOf<"policy">).predicate;
        return { name, version, digest, index: at, validFrom, expires, revoked: isEntryRevoked(log, entry) };
      }),
    );
    return c.json({ treeSize: checkpoint.size, policies }, 200);
  });
}

function readName(text: string): string {
  if (!nameShape.safeParse(text).success)
    throw new RequestProblem("invalid-parameter", "name: not the name of a policy");
  return text;
}

const policyName = nameShape.describe("Name of the policy; a / in it is written %2F");
const conditional = z.object({
  "if-none-match": z.string().optional().describe("ETag of the bundle at hand"),
});
const etag = { etag: { description: "Strong, of exactly these bytes", schema: { type: "string" as const } } };
const answers = {
  200: { description: "The bundle", headers: etag, content: { [BUNDLE_MEDIA_TYPE]: { schema: bundle } } },
  304: { description: "The bundle at hand is still this one" },
};

const corimContent = Object.fromEntries(
  CORIM_FORMS.map((form) => [form, { schema: z.string().openapi({ format: "binary" }) }]),
);

function describeBundles(api: Api): void {
  api.openAPIRegistry.register("LoggedEntry", loggedEntry);
  describeRoute(api, {
    method: "get",
    path: "/v1/policies/{name}",
    operationId: "getPolicyBundle",
    tags: ["policies"],
    summary: "Current policy bundle",
    description:
      "`Accept: application/rim+cbor` or `application/rim+cose`, which the log's receipt key signs, answers with the policy as CoRIM (docs/corim-profile.md): a view, good until the first end of policy, status and trust root. The service runs its own verifier over it first: what that would reject is answered with 503, and `reason` says why. With `since` it holds the consistency proof from the tree size that the verifier remembers.",
    request: {
      params: z.object({ name: policyName }),
      query: z.object({
        since: decimal(1).optional().describe("Tree size that the verifier remembers"),
      }),
      headers: conditional,
    },
    responses: {
      ...answers,
      200: { ...answers[200], content: { ...answers[200].content, ...corimContent } },
      ...problems(
        "invalid-parameter",
        "not-found",
        "beyond-tree",
        "receipts-off",
        "not-acceptable",
        "behind",
        "bundle-not-acceptable",
        "no-receipt-key",
      ),
    },
  });
  describeRoute(api, {
    method: "get",
    path: "/v1/policies/{name}/{version}",
    operationId: "getPolicyBundleVersion",
    tags: ["policies"],
    summary: "Policy bundle of one version",
    description:
      "Older versions are marked `historical`: for records and audits, never accepted by a verifier.",
    request: {
      params: z.object({ name: policyName, version: decimal(1).describe("Version of the policy") }),
      headers: conditional,
    },
    responses: {
      ...answers,
      ...problems("invalid-parameter", "not-found", "behind", "bundle-not-acceptable"),
    },
  });
}
