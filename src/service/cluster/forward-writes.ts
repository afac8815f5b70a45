// Forwards what is to be published to the node that leads: once, as it came. That node verifies everything itself, so this one is trusted
// with nothing but to pass it on.
import type { Context, MiddlewareHandler } from "hono";
import { requestHeader } from "../http/request-header.ts";
import type { ApiEnvironment } from "../openapi.ts";
import { type Problem, RequestProblem } from "../problem.ts";
import { askLeader, type ForwardingOptions, type LeadingNode, passOn, wasForwarded } from "./ask-leader.ts";

/** A body that is no longer than this is kept until it is answered, so that it can go to the next leader when the first one is gone. */
const KEPT_BYTES = 128 * 1024;
/** Leaders that are tried for such a body. */
const ATTEMPTS = 3;

export function forwardWrites(options: ForwardingOptions): MiddlewareHandler<ApiEnvironment> {
  return async function forwardWrites(c, next) {
    if (c.req.method !== "POST") return next();
    let place = await options.node.whereToWrite();
    if (place === "here") return next();
    // It is that address of another node which is public.
    if (wasForwarded(c)) throw nowhere(options);
    const kept = await keepShort(c);
    for (let attempt = 1; place !== null && place !== "here"; attempt++) {
      const answer = await send(c, place, kept, options);
      if (answer !== null) return answer;
      options.node.notReached();
      if (kept === null || attempt === ATTEMPTS) break;
      place = await options.node.whereToWrite();
    }
    if (place !== "here" || kept === null) throw nowhere(options);
    // This node leads by now. What was read of the request is put back.
    c.req.raw = new Request(c.req.raw.url, { method: "POST", headers: c.req.raw.headers, body: kept });
    return next();
  };
}

function nowhere({ node }: ForwardingOptions): Error {
  if (node.obstacle !== null) return node.obstacle;
  return new RequestProblem("no-leader", "nobody leads the log at this moment; send the entries again");
}

/** The body where it is short and its length was said, or null: it is passed on as it comes. */
async function keepShort(c: Context): Promise<ArrayBuffer | null> {
  const length = Number(requestHeader(c, "content-length") ?? Number.NaN);
  return length <= KEPT_BYTES ? c.req.arrayBuffer() : null;
}

/** @returns null where the node did not answer, or says that it does not lead. */
async function send(
  c: Context<ApiEnvironment>,
  place: LeadingNode,
  kept: ArrayBuffer | null,
  options: ForwardingOptions,
): Promise<Response | null> {
  try {
    const answer = await askLeader(c, place, kept, options);
    const body = answer.status === 503 ? await answer.text() : answer.body;
    if (typeof body === "string" && codeIn(body) === "no-leader") return null;
    return passOn(answer, body);
  } catch {
    return null;
  }
}

function codeIn(problem: string): unknown {
  try {
    return (JSON.parse(problem) as Partial<Problem> | null)?.code;
  } catch {
    return undefined;
  }
}
