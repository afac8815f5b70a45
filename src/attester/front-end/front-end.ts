// Makes the evidence service the front end of a service beside it: sealed requests, and behind its own TLS everything else.
import type { Context, Hono } from "hono";
import { forwardTo, passOnTo } from "../gateway/forward.ts";
import { Gateway } from "../gateway/gateway.ts";
import { plainProblem } from "../gateway/problem.ts";
import { RotatingKeys } from "../gateway/rotating-keys.ts";
import type { ChannelKeys } from "../http/channel-keys.ts";

export interface FrontEndOptions {
  /** Port of the service on 127.0.0.1. */
  readonly port: number;
  /** Host and port by which clients know the machine, such as llm.example. */
  readonly authorities: readonly string[];
  /** Whether TLS ends here: then requests that are not sealed are passed on, too. Else somebody may have read along. */
  readonly passOn: boolean;
}

const GATEWAY_PATH = "/.well-known/ohttp-gateway";
const MINUTE = 60_000;

/** @returns what to call when the app is served no more. */
export async function addFrontEnd(
  app: Hono,
  channels: ChannelKeys,
  { port, authorities, passOn }: FrontEndOptions,
  now: () => Date,
): Promise<() => void> {
  const keys = await RotatingKeys.make(now, (publicKey) => channels.registerHpke(publicKey));
  const gateway = new Gateway({ keys, forward: forwardTo(port), now, authorities });
  const pass = passOn ? passOnTo(port) : null;
  app.all(GATEWAY_PATH, (c) => gateway.fetch(c.req.raw));
  app.notFound((c) => answer(c, pass));
  // A key whose time is over is let go of also where nobody asks any more.
  const timer = setInterval(() => void keys.rotate(), MINUTE).unref();
  return () => clearInterval(timer);
}

async function answer(c: Context, pass: ((request: Request) => Promise<Response>) | null): Promise<Response> {
  if (c.req.path.startsWith("/.well-known/")) return plainProblem(404, "nothing is here");
  // RFC 9110 §15.5.20.
  if (pass === null) return plainProblem(421, "take the TLS of this machine, or seal the request");
  try {
    return await pass(c.req.raw);
  } catch {
    return plainProblem(502, "the service does not answer");
  }
}
