// Opens the log of a configuration and serves it.
import type { Logger } from "pino";
import type { RunningServer } from "../http/server.ts";
import { FileCache } from "../node/file-cache.ts";
import { createForwardedApp } from "../service/cluster/forwarded-app.ts";
import { createMetrics } from "../service/metrics/metrics.ts";
import type { CliContext } from "./context.ts";
import { readConfig } from "./open-log.ts";
import type { Role } from "./open-node.ts";
import { openServed } from "./open-served.ts";
import { readOthers } from "./serve-cluster.ts";
import { serveOnPorts } from "./serve-on-ports.ts";

/** Compressed entry bundles beside the database, or beside the configuration where that is elsewhere. */
const KEPT_BUNDLE_BYTES = 1024 * 1024 * 1024;

export async function serveLog(
  file: string,
  port: number | undefined,
  logger: Logger,
  context: CliContext,
  role: Role = "all",
): Promise<RunningServer> {
  const config = readConfig(file, context);
  const others = await readOthers(config, context, logger);
  let accepted = 0;
  const { app, service, resign, close } = await openServed(
    { config, file },
    role,
    { logger, metrics: createMetrics(true), arrivals: () => accepted, others, openBundles },
    context,
  );
  const makeForwarded = (known: string) => createForwardedApp(service, known);
  const onConnection = () => void accepted++;
  return serveOnPorts({ config, port, others, app, makeForwarded, onConnection, resign, close });
}

export function openBundles(folder: string): Promise<FileCache> {
  return FileCache.open(folder, KEPT_BUNDLE_BYTES);
}
