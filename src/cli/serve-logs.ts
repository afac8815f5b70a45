// Serves several logs in one process, on one port. One that cannot be started takes no other with it: it answers nothing but that it has
// stopped, and is tried again.
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { RunningServer } from "../http/server.ts";
import { MarkThread } from "../log/checkpointing/mark-thread.ts";
import { SharedSessions } from "../log/store/shared-sessions.ts";
import type { FileCache } from "../node/file-cache.ts";
import { packageVersion } from "../node/package-root.ts";
import { createProcessMemory } from "../service/process-memory.ts";
import { createForwardedLogs } from "../service/several/forwarded-logs.ts";
import { createSeveralApp } from "../service/several/several-app.ts";
import type { CliContext } from "./context.ts";
import { type ConfigFile, requireOneProcess } from "./one-process.ts";
import { readConfig } from "./open-log.ts";
import type { Role } from "./open-node.ts";
import { openServed, type ServingParts } from "./open-served.ts";
import { readOthers } from "./serve-cluster.ts";
import { openBundles } from "./serve-log.ts";
import { serveOnPorts } from "./serve-on-ports.ts";
import { type OpenLog, StartedLog } from "./started-log.ts";

/** Milliseconds for which one that has started waits for the others, which may ask somebody who does not answer. */
const OTHERS_MS = 15_000;
/** Threads that write the high-water files of all logs: each begins with its first file. */
const MARK_THREADS = 4;

/**
 * @param files at least one.
 * @throws UsageError where they cannot be of one process; whatever the first of them says where none of them can be started.
 */
export async function serveLogs(
  files: readonly string[],
  port: number | undefined,
  logger: Logger,
  outside: CliContext,
  role: Role = "all",
): Promise<RunningServer> {
  const context = warningOnce(outside);
  const configured = files.map((file) => ({ file, config: readConfig(file, context) }));
  requireOneProcess(configured, context);
  const [{ config }] = configured as [ConfigFile];
  const others = await readOthers(config, context, logger);
  let accepted = 0;
  const memory = createProcessMemory();
  const sessions = new SharedSessions();
  const shared = { memory, sessions, arrivals: () => accepted, others, openBundles: openingOnce() };
  const threads = Array.from({ length: MARK_THREADS }, () => new MarkThread());
  const logs = configured.map((one, i) => {
    const markThread = threads[i % MARK_THREADS] as MarkThread;
    const open: OpenLog = (own) => openServed(one, role, { ...shared, markThread, ...own }, context);
    return new StartedLog(one.config, others.secret, logger, open);
  });
  await startAll(logs);
  const options = { logger, version: packageVersion() };
  return serveOnPorts({
    config,
    port,
    others,
    app: createSeveralApp(logs, options),
    makeForwarded: (known) => createForwardedLogs(logs, known, options),
    onConnection: () => void accepted++,
    resign: () => settleAll(logs.map((log) => log.resign())),
    close: () => settleAll(logs.map((log) => log.close())),
  });
}

/** Several logs name one file, and one that cannot be started is tried again every few seconds: each warning is given once. */
function warningOnce(context: CliContext): CliContext {
  const given = new Set<string>();
  return {
    ...context,
    warn(text) {
      if (!given.has(text)) context.warn(text);
      given.add(text);
    },
  };
}

/** A process that serves nothing ends, as that of a log alone does. @throws the first log's error, where none of them started. */
async function startAll(logs: readonly StartedLog[]): Promise<void> {
  const starting = logs.map((log) => log.start());
  const all = Promise.allSettled(starting);
  await Promise.race([all, oneStarted(starting).then(() => sleep(OTHERS_MS, null, { ref: false }))]);
  if (logs.some(({ served }) => served !== null)) return;
  await settleAll(logs.map((log) => log.close()));
  for (const one of await all) if (one.status === "rejected") throw one.reason;
}

/** Resolves when one of them has started, and never where none has. */
function oneStarted(starting: ReadonlyArray<Promise<void>>): Promise<void> {
  return Promise.any(starting).catch(() => new Promise(() => undefined));
}

/** Waits for all of them. @throws what the first one threw. */
async function settleAll(all: ReadonlyArray<Promise<void>>): Promise<void> {
  await Promise.allSettled(all);
  await Promise.all(all);
}

/** Two logs that are beside each other have one folder of bundles, which one cache keeps within its limit. */
function openingOnce(): ServingParts["openBundles"] {
  const opened = new Map<string, Promise<FileCache>>();
  return (folder) => {
    const cache = opened.get(folder) ?? openBundles(folder);
    opened.set(folder, cache);
    return cache;
  };
}
