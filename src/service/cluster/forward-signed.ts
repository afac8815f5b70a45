// Has what the receipt key signs answered by the node that leads, where this one has no such key: receipts, CoRIM and CoSERV, whichever node
// of a log a client reaches.
import type { Context, MiddlewareHandler } from "hono";
import type { ApiEnvironment } from "../openapi.ts";
import { askLeader, type ForwardingOptions, passOn, wasForwarded } from "./ask-leader.ts";

export interface SignedForwardingOptions extends ForwardingOptions {
  /** Whether the trust root lists receipt keys, and this node has none. */
  lacksKey(): boolean;
}

/**
 * Asks the leader, and answers here where nobody leads or the leader does not answer: as a node without the key does, which says so.
 * @param applies which requests to the paths that this stands before are for the key.
 */
export function forwardSigned(
  options: SignedForwardingOptions,
  applies: (c: Context<ApiEnvironment>) => boolean = () => true,
): MiddlewareHandler<ApiEnvironment> {
  return async function forwardSigned(c, next) {
    if (c.req.method !== "GET" || !applies(c) || !options.lacksKey() || wasForwarded(c)) return next();
    const place = await options.node.whereToWrite();
    if (place === null || place === "here") return next();
    try {
      return passOn(await askLeader(c, place, null, options));
    } catch {
      options.node.notReached();
      return next();
    }
  };
}
