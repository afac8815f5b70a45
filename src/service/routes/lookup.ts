// Answers which entries a term finds, or that it finds none, with the proof of it.
import * as z from "zod";
import { MalformedError } from "../../protocol/errors.ts";
import { lookupAnswerJson } from "../../protocol/lookup/lookup-answer.schema.ts";
import { formatLookupAnswer, LOOKUP_MEDIA_TYPE } from "../../protocol/lookup/lookup-answer.ts";
import { TERM_TYPES } from "../../protocol/lookup/lookup-format.ts";
import { parseTerm, type Term } from "../../protocol/lookup/term.ts";
import { NO_CACHE } from "../http/headers.ts";
import { decimal, readDecimal } from "../http/parameters.ts";
import { answerLookup } from "../lookups/answer-lookup.ts";
import { type Api, describeRoute, problems } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";

const answer = lookupAnswerJson.meta({
  id: "LookupAnswer",
  description: "Exactly these entries of the log, as of its status, or none; verifiers check it offline",
});

export function addLookup(api: Api, { log: { read: log } }: Service): void {
  describeRoute(api, {
    method: "get",
    path: "/v1/lookup/{type}/{value}",
    operationId: "lookUp",
    tags: ["entries"],
    summary: "Which entries a term finds, or none, proven",
    description:
      "Of a log whose trust root says `index: true`. The status commits to the index, so the answer is as of its `treeSize`; of more than 1,000 entries it shows the newest. With `since` it holds the consistency proof from the tree size that the verifier remembers.",
    request: {
      params: z.object({
        type: z
          .string()
          .regex(new RegExp(`^(?:${TERM_TYPES.join("|")})$`))
          .describe("What the value is"),
        value: z
          .string()
          .regex(/^.{1,160}$/)
          .describe(
            "measurement: `<part>/<value>`, such as `mrtd/<hex>`; digest: hex of a SHA-256, SHA-384 or SHA-512; name: `<kind>/<name>`; payload: its SHA-256; signer: a key id, or `identity/<rule>`. A / in it is written %2F",
          ),
      }),
      query: z.object({
        since: decimal(1).optional().describe("Tree size that the verifier remembers"),
      }),
    },
    responses: {
      200: { description: "The answer", content: { [LOOKUP_MEDIA_TYPE]: { schema: answer } } },
      ...problems("invalid-parameter", "index-not-kept", "beyond-tree", "index-not-ready", "timed-out"),
    },
  });

  api.get("/v1/lookup/:type/:value", async (c) => {
    const since = c.req.query("since");
    const term = readTerm(c.req.param("type"), c.req.param("value"));
    const size = since === undefined ? undefined : readDecimal(since, "since", 1);
    const body = formatLookupAnswer(await answerLookup(log, term, size));
    return c.body(body, 200, { "content-type": LOOKUP_MEDIA_TYPE, "cache-control": NO_CACHE });
  });
}

function readTerm(type: string, value: string): Term {
  try {
    return parseTerm(type, value);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new RequestProblem("invalid-parameter", error.message);
  }
}
