// Reads header fields of requests on the read path. Behind a port Node has parsed them already; asking the Request for one would first copy
// all of them into a Headers object, which costs more than answering from memory.
import type { IncomingMessage } from "node:http";
import type { Context } from "hono";

/** @param name in lower case. Fields that are sent more than once are joined, as Headers would. */
export function requestHeader(c: Context, name: string): string | undefined {
  const incoming = (c.env as { incoming?: Pick<IncomingMessage, "headers"> } | undefined)?.incoming;
  if (incoming?.headers === undefined) return c.req.header(name);
  const value = incoming.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
