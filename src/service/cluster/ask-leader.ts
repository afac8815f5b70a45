// Asks the node that leads for an answer that this one does not give by itself: over the port that is for other nodes, with the secret that
// they share, and only once.
import type { Context } from "hono";
import { requestHeader } from "../http/request-header.ts";
import { PROBLEMS } from "../problem.ts";
import { FORWARDED_BY, FORWARDED_ORIGIN } from "./forwarded-app.ts";

/** Another node, which leads. */
export interface LeadingNode {
  readonly address: string;
  /** Aborted when it does not lead any more. */
  readonly over: AbortSignal;
}

/** What says which node leads. */
export interface WritingPlace {
  /** Null where nobody leads, and nobody has come to while that was waited for. */
  whereToWrite(): Promise<"here" | LeadingNode | null>;
  /** Why nothing can be sent to the one that leads, which waiting does not mend; null while nothing is known that says so. */
  readonly obstacle: Error | null;
  /** Told when nobody answered there. */
  notReached(): void;
}

export interface ForwardingOptions {
  readonly node: WritingPlace;
  /** Of the log: whoever answers for another one is not asked. */
  readonly origin: string;
  /** Of this node's own paths; what is sent on has none. */
  readonly prefix: string;
  /** Names this node to the one that leads. */
  readonly id: string;
  /** What both of them know. */
  readonly secret: string;
  readonly fetch: typeof fetch;
  /** Seconds. */
  readonly requestTimeout: number;
}

/** Header fields of a request that mean something to the node that leads; and of its answer, to the client. */
const REQUEST_FIELDS = ["content-type", "content-encoding", "accept", "prefer", "if-none-match"];
const ANSWER_FIELDS = [
  "content-type",
  "location",
  "retry-after",
  "cache-control",
  "www-authenticate",
  "etag",
  "vary",
  "link",
  "access-control-allow-origin",
];

const MISDIRECTED = PROBLEMS.misdirected[0];

/** Whether another node has sent this on, or a client that says so: two nodes that each take the other for the leader would go on for ever. */
export function wasForwarded(c: Context): boolean {
  return requestHeader(c, FORWARDED_BY) !== undefined;
}

/**
 * Sends a request on.
 * @param body null: as it comes, where the method has one.
 * @throws whatever `fetch` throws where nobody answered; an Error where who answered serves no such log.
 */
export async function askLeader(
  c: Context,
  { address, over }: LeadingNode,
  body: ArrayBuffer | null,
  { origin, prefix, id, secret, fetch, requestTimeout }: ForwardingOptions,
): Promise<Response> {
  const { pathname, search } = new URL(c.req.url);
  const streamed = body === null && c.req.raw.body !== null;
  const answer = await fetch(`${address.replace(/\/+$/, "")}${pathname.slice(prefix.length)}${search}`, {
    method: c.req.method,
    headers: {
      ...pick(REQUEST_FIELDS, (name) => requestHeader(c, name) ?? null),
      authorization: `Bearer ${secret}`,
      [FORWARDED_BY]: id,
      [FORWARDED_ORIGIN]: encodeURIComponent(origin),
    },
    body: body ?? (streamed ? c.req.raw.body : null),
    ...(streamed && { duplex: "half" as const }),
    redirect: "manual",
    signal: AbortSignal.any([over, AbortSignal.timeout(requestTimeout * 1000)]),
  });
  if (answer.status !== MISDIRECTED) return answer;
  await answer.body?.cancel();
  throw new Error(
    `${address} does not serve ${origin}: cluster.advertise of the process that leads is of another one`,
  );
}

/** What the leader answered, with the fields that are for the client. @param body in place of the answer's own, where that was read. */
export function passOn(answer: Response, body: BodyInit | null = answer.body): Response {
  const headers = pick(ANSWER_FIELDS, (name) => answer.headers.get(name));
  return new Response(body, { status: answer.status, headers });
}

function pick(names: readonly string[], fieldOf: (name: string) => string | null): Record<string, string> {
  const found = names.map((name) => [name, fieldOf(name)] as const);
  return Object.fromEntries(found.filter((field): field is readonly [string, string] => field[1] !== null));
}
