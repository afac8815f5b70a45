// Makes the client with which commands talk to a log; it says why it waits when a person is watching.
import { setTimeout as sleep } from "node:timers/promises";
import type { LogClient } from "../publisher/client/log-client.ts";
import type { CliContext } from "./context.ts";

export function logClient(url: string, context: CliContext): LogClient {
  const client = { url, fetch: context.fetch, sleep: (ms: number) => sleep(ms) };
  return context.interactive
    ? { ...client, onRetry: (reason) => context.warn(`waiting: ${reason}`) }
    : client;
}
