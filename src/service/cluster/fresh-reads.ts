// Lets clients read what they have written, whichever node answers: what a node does not have it looks for once, and a client that has seen
// a tree is answered from no smaller one.
import type { HttpBindings } from "@hono/node-server";
import type { MiddlewareHandler } from "hono";
import type { PublishedLog } from "../../log/published-log.ts";
import { MIN_SIZE } from "../../verifier/min-size.ts";
import { requestHeader } from "../http/request-header.ts";
import type { ApiEnvironment } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";

/** What a node that follows can do about what it does not have. */
export interface FollowingNode {
  readonly read: Pick<PublishedLog, "published">;
  /** Reads what was new when it was called, as far as that takes no longer than so many milliseconds. */
  refresh(waitMs: number): Promise<void>;
  /** Whether a tree of that size is published, now or within so many milliseconds. */
  reach(size: number, waitMs: number): Promise<boolean>;
}

/** Longest time for which a request waits for that, or for a look at what is new, milliseconds. */
const WAIT_MS = 2_000;

/** @throws RequestProblem "invalid-parameter", "behind" */
export function awaitSize(node: FollowingNode): MiddlewareHandler<ApiEnvironment> {
  return async function awaitSize(c, next) {
    const text = requestHeader(c, MIN_SIZE);
    if (text === undefined) return next();
    const size = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isNaN(size))
      throw new RequestProblem("invalid-parameter", `${MIN_SIZE}: expected a tree size`);
    if (size > 0 && !(await node.reach(size, WAIT_MS)))
      throw new RequestProblem("behind", `this service does not have a tree of ${size} entries yet`);
    return next();
  };
}

interface App {
  fetch(request: Request, env: HttpBindings): Response | Promise<Response>;
}

/** Answers a read that found nothing once more, where looking for what is new has found something. */
export function lookingAgain(app: App, node: FollowingNode): App {
  return {
    async fetch(request, env) {
      const before = node.read.published();
      const answer = await app.fetch(request, env);
      const isRead = request.method === "GET" || request.method === "HEAD";
      if (answer.status !== 404 || !isRead) return answer;
      await node.refresh(WAIT_MS).catch(() => undefined);
      return node.read.published() === before ? answer : app.fetch(request, env);
    },
  };
}
