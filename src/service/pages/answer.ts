// Answers with a page: what a page cannot show is a page, too, with the status that the API would answer.
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { NO_CACHE, NO_STORE, PAGE_HEADERS } from "../http/headers.ts";
import { PROBLEMS, RequestProblem } from "../problem.ts";
import { type Html, problemPage, type Site } from "./frame.ts";

const HEADERS = { ...PAGE_HEADERS, "cache-control": NO_CACHE };

/** @param depth of the page's path, for the links of a page that says what is wrong. */
export async function answerPage(
  c: Context,
  site: Site,
  depth: number,
  make: () => Promise<Html | string>,
): Promise<Response> {
  try {
    return c.html(await make(), 200, HEADERS);
  } catch (error) {
    if (!(error instanceof RequestProblem)) throw error;
    const [status, title] = PROBLEMS[error.code];
    const page = await problemPage(site, depth, title, error.message);
    return c.html(page, status as ContentfulStatusCode, { ...HEADERS, "cache-control": NO_STORE });
  }
}
