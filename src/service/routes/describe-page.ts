// Describes pages and the files around them: they are part of the interface, and the list of what exists is the description.
import * as z from "zod";
import { name as nameShape } from "../../protocol/entry/fields.schema.ts";
import { decimal } from "../http/parameters.ts";
import { type Api, describeRoute, problems } from "../openapi.ts";
import { PROBLEM_MEDIA_TYPE, problem } from "../problem.ts";

const PARAMETERS = {
  index: decimal().describe("Index of the entry"),
  name: nameShape.describe("Name of the policy; a / in it is written %2F"),
  feed: z
    .string()
    .regex(/^(?:releases|policies|revocations)$/)
    .describe("What the feed is of"),
} as const;

const PAGE = "text/html";

/** What a page cannot show is a page, too. */
const PAGES_OF_PROBLEMS = {
  400: {
    description:
      "A page that says which parameter is not valid, or a problem that names one that there is not",
    content: { [PAGE]: { schema: z.string() }, [PROBLEM_MEDIA_TYPE]: { schema: problem } },
  },
  404: { description: "A page that says what there is not", content: { [PAGE]: { schema: z.string() } } },
};

export interface DescribedPage {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  /** Media type of the answer. */
  readonly type: string;
  readonly params?: ReadonlyArray<keyof typeof PARAMETERS>;
  readonly query?: z.ZodObject;
}

export function describePage(
  api: Api,
  { path, operationId, summary, description, type, params = [], query }: DescribedPage,
): void {
  const shape = Object.fromEntries(params.map((param) => [param, PARAMETERS[param]]));
  describeRoute(api, {
    method: "get",
    path,
    operationId,
    tags: ["pages"],
    summary,
    description,
    request: {
      ...(params.length > 0 && { params: z.object(shape) }),
      ...(query && { query }),
    },
    responses: {
      200: {
        description: summary,
        content: { [type]: { schema: type.endsWith("json") ? z.unknown() : z.string() } },
      },
      ...(type === PAGE ? PAGES_OF_PROBLEMS : problems("invalid-parameter", "not-found", "beyond-tree")),
    },
  });
}
