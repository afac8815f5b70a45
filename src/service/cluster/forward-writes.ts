// Forwards what is to be published to the node that leads: once, as it came. That node verifies everything itself, so this one is trusted
// with nothing but to pass it on.
import type { Context, MiddlewareHandler } from "hono";
import { requestHeader } from "../http/request-header.ts";
import type { ApiEnvironment } from "../openapi.ts";
import { type Problem, RequestProblem } from "../problem.ts";
import { FORWARDED_BY } from "./forwarded-app.ts";

/** Another node, which leads. */
export interface LeadingNode {
  readonly address: string;
  /** Aborted when it does not lead any more. */
  readonly over: AbortSignal;
}

/** What says where entries go. */
export interface WritingPlace {
  /** Null where nobody leads, and nobody has come to while that was waited for. */
  whereToWrite(): Promise<"here" | LeadingNode | null>;
  /** Told when nobody answered there. */
  notReached(): void;
}

export interface ForwardingOptions {
  readonly node: WritingPlace;
  /** Names this node to the one that leads. */
  readonly id: string;
  /** What both of them know. */
  readonly secret: string;
  readonly fetch: typeof fetch;
  /** Seconds. */
  readonly requestTimeout: number;
}

/** Header fields of a request that mean something to the node that leads; and of its answer, to the client. */
const REQUEST_FIELDS = ["content-type", "content-encoding", "accept", "prefer"];
const ANSWER_FIELDS = ["content-type", "location", "retry-after", "cache-control", "www-authenticate"];
/** A body that is no longer than this is kept until it is answered, so that it can go to the next leader when the first one is gone. */
const KEPT_BYTES = 128 * 1024;
/** Leaders that are tried for such a body. */
const ATTEMPTS = 3;

export function forwardWrites(options: ForwardingOptions): MiddlewareHandler<ApiEnvironment> {
  return async function forwardWrites(c, next) {
    if (c.req.method !== "POST") return next();
    let place = await options.node.whereToWrite();
    if (place === "here") return next();
    const kept = await keepShort(c);
    for (let attempt = 1; place !== null && place !== "here"; attempt++) {
      const answer = await send(c, place, kept, options);
      if (answer !== null) return answer;
      options.node.notReached();
      if (kept === null || attempt === ATTEMPTS) break;
      place = await options.node.whereToWrite();
    }
    if (place !== "here" || kept === null) throw noLeader();
    // This node leads by now. What was read of the request is put back.
    c.req.raw = new Request(c.req.raw.url, { method: "POST", headers: c.req.raw.headers, body: kept });
    return next();
  };
}

function noLeader(): RequestProblem {
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
  { address, over }: LeadingNode,
  kept: ArrayBuffer | null,
  { id, secret, fetch, requestTimeout }: ForwardingOptions,
): Promise<Response | null> {
  const headers = pick(REQUEST_FIELDS, (name) => requestHeader(c, name) ?? null);
  try {
    const answer = await fetch(`${address.replace(/\/+$/, "")}${c.req.path}`, {
      method: "POST",
      headers: { ...headers, authorization: `Bearer ${secret}`, [FORWARDED_BY]: id },
      body: kept ?? c.req.raw.body,
      ...(kept === null && { duplex: "half" as const }),
      redirect: "manual",
      signal: AbortSignal.any([over, AbortSignal.timeout(requestTimeout * 1000)]),
    });
    const body = answer.status === 503 ? await answer.text() : answer.body;
    if (typeof body === "string" && codeIn(body) === "no-leader") return null;
    return new Response(body, {
      status: answer.status,
      headers: pick(ANSWER_FIELDS, (name) => answer.headers.get(name)),
    });
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

function pick(names: readonly string[], fieldOf: (name: string) => string | null): Record<string, string> {
  const found = names.map((name) => [name, fieldOf(name)] as const);
  return Object.fromEntries(found.filter((field): field is readonly [string, string] => field[1] !== null));
}
