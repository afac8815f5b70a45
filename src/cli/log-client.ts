// Makes the client with which commands talk to a log; it says what it waits for.
import { setTimeout as sleep } from "node:timers/promises";
import type { LogClient } from "../publisher/client/log-client.ts";
import type { CliContext } from "./context.ts";

export function logClient(url: string, context: CliContext): LogClient {
  let said = "";
  const onRetry = (reason: string) => {
    // A script's log is told once; a person is told that it still goes on.
    if (context.interactive || reason !== said) context.warn(`waiting: ${reason}`);
    said = reason;
  };
  return { url, fetch: context.fetch, sleep: (ms: number) => sleep(ms), onRetry, seen: { size: 0 } };
}
