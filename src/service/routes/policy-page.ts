// Serves the page of one policy, and its badge.
import type { PublishedLog } from "../../log/published-log.ts";
import { referencesInPolicy } from "../../protocol/entry/policy.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { coverageOf, readLoggedEntry, requirePublished } from "../entries/read-entry.ts";
import { BASE_HEADERS, NO_CACHE } from "../http/headers.ts";
import type { Api } from "../openapi.ts";
import { answerPage } from "../pages/answer.ts";
import { badgeSvg } from "../pages/badge.ts";
import { differences } from "../pages/differences.ts";
import { elapsed } from "../pages/pieces.ts";
import { type PolicyView, policyPage } from "../pages/policy.ts";
import { renderOnce } from "../pages/rendered-once.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";
import { describePage } from "./describe-page.ts";
import { placesOf } from "./entry-page.ts";
import { refusalOf } from "./home.ts";

/** Versions that the page shows; older ones are found by search. */
const VERSIONS = 10;
/** What of a policy's name, version and times says, every version says anew. */
const SVG_HEADERS = { ...BASE_HEADERS, "content-type": "image/svg+xml", "cache-control": NO_CACHE };

export function addPolicyPage(api: Api, service: Service): void {
  const once = renderOnce<string>(service);
  const { read: log } = service.log;
  describePage(api, {
    path: "/policies/{name}",
    operationId: "getPolicyPage",
    summary: "A policy, for people",
    description: "Profiles, history, bundle, and a place to hold evidence against it in the browser.",
    type: "text/html",
    params: ["name"],
  });
  describePage(api, {
    path: "/policies/{name}/badge.svg",
    operationId: "getPolicyBadge",
    summary: "A badge: version and age of a policy",
    description: "For a README. It states what the service says and proves nothing.",
    type: "image/svg+xml",
    params: ["name"],
  });
  api.get("/policies/:name", (c) =>
    answerPage(c, service, 1, () => {
      const name = c.req.param("name");
      return once(name, async () => String(await policyPage(service, await viewOf(service, name))));
    }),
  );
  api.get("/policies/:name/badge.svg", async (c) => {
    const { policy, index } = await readPolicy(log, c.req.param("name"));
    const refused = await refusalOf(service.bundles.current(policy.name));
    const { cosignedAt } = await coverageOf(log, index);
    const age = elapsed(service.clock(), new Date(cosignedAt));
    const state =
      refused === null ? `version ${policy.version}, logged ${age}` : `version ${policy.version}: ${refused}`;
    return c.body(
      String(await badgeSvg({ name: policy.name, state, good: refused === null })),
      200,
      SVG_HEADERS,
    );
  });
}

/** The newest version of a policy. @throws RequestProblem "not-found". */
async function readPolicy(log: PublishedLog, name: string) {
  const found = requirePublished(log).inForce.policies.get(name);
  if (found === undefined) throw new RequestProblem("not-found", `there is no policy ${name}`);
  const { envelope } = await readLoggedEntry(log, found.index);
  return {
    policy: (envelope.statement as StatementOf<"policy">).predicate,
    index: found.index,
    digest: found.digest,
  };
}

async function viewOf({ log: { read: log }, bundles, clock }: Service, name: string): Promise<PolicyView> {
  const { policy, index, digest } = await readPolicy(log, name);
  const page = await log.search({ kind: "policy", name, limit: VERSIONS + 1 });
  const versions = await Promise.all(
    page.indexes.map(async (at) => ({
      at,
      ...((await readLoggedEntry(log, at)).envelope.statement as StatementOf<"policy">),
    })),
  );
  const history = versions.slice(0, VERSIONS).map(({ at, version, predicate }, i) => {
    const before = versions[i + 1]?.predicate;
    return {
      index: at,
      version,
      validFrom: predicate.validFrom,
      expires: predicate.expires,
      differences: before === undefined ? null : differences(before, predicate),
    };
  });
  return {
    now: clock(),
    policy,
    index,
    digest,
    refused: await refusalOf(bundles.current(name)),
    places: await placesOf(log, referencesInPolicy(policy)),
    history,
    olderThanShown: versions.length > VERSIONS || page.next !== null,
  };
}
