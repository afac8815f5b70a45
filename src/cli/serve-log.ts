// Opens the log of a configuration and serves it.
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import { type RunningServer, startServer } from "../http/server.ts";
import { FileCache } from "../node/file-cache.ts";
import { packageVersion } from "../node/package-root.ts";
import { missingKeys } from "../publisher/identity/draft-identity-keys.ts";
import { fetchProviderKeys } from "../publisher/identity/provider-document.ts";
import { createApp } from "../service/app.ts";
import { lookingAgain } from "../service/cluster/fresh-reads.ts";
import { createService } from "../service/create-service.ts";
import { createMetrics } from "../service/metrics/metrics.ts";
import { ProviderWatch, type ProviderWatchOptions } from "../service/provider-watch.ts";
import { fetchOthers, readClusterTls, tlsForOthers } from "./cluster-tls.ts";
import type { CliContext } from "./context.ts";
import { prepareExport } from "./export-objects.ts";
import { openReceiptSigner, readConfig } from "./open-log.ts";
import { openNode, type Role, readSecret } from "./open-node.ts";
import { ownWitnesses, serveForwarded, serviceCluster } from "./serve-cluster.ts";
import { existingStoreOf } from "./store-of.ts";

/** Time that open connections get to end when the service stops, milliseconds. */
const GRACE_MS = 10_000;
/** Compressed entry bundles beside the database, or beside the configuration where that is elsewhere. */
const KEPT_BUNDLE_BYTES = 1024 * 1024 * 1024;

export async function serveLog(
  configFile: string,
  port: number | undefined,
  logger: Logger,
  context: CliContext,
  role: Role = "all",
): Promise<RunningServer> {
  const config = readConfig(configFile, context);
  await existingStoreOf(config, context);
  const secret = readSecret(config, context);
  const tls = readClusterTls(config, context);
  const fetch = await fetchOthers(tls, context, logger);
  const receiptSigner = role === "all" ? await openReceiptSigner(config, context) : undefined;
  const metrics = createMetrics(true);
  const copy = await prepareExport(config.storage.objects, logger, context);
  let accepted = 0;
  const observer = { logger, measure: metrics.measure };
  const opened = await openNode(config, role, context, { observer, arrivals: () => accepted });
  const { node } = opened;
  const cluster = serviceCluster(opened, config, role, secret, { fetch });
  const service = createService({
    log: node,
    metrics,
    logger,
    clock: context.now,
    origin: config.origin,
    url: config.url,
    version: packageVersion(),
    limits: config.limits,
    operator: config.operator,
    ownWitnesses: ownWitnesses(opened, config),
    ...(receiptSigner && { receiptSigner }),
    bundleFiles: await FileCache.open(
      join(dirname(config.storage.database ?? configFile), "entry-bundles"),
      KEPT_BUNDLE_BYTES,
    ),
    cluster,
  });
  const stopExporting = role === "all" ? await copy.start(opened, metrics) : null;
  const stopWatching = watchProviders(config.identities.checkMinutes, context, {
    inForce: () => node.registered,
    metrics,
    logger,
  });
  let forwarded: RunningServer | null = null;
  const close = async () => {
    stopWatching();
    await stopExporting?.();
    await forwarded?.stop();
    await node.close();
  };
  try {
    forwarded = await serveForwarded(service, config, secret, tlsForOthers(tls, logger), GRACE_MS);
    const app = createApp(service);
    const server = await startServer({
      app: cluster === null ? app : lookingAgain(app, node),
      host: config.listen.host,
      port: port ?? config.listen.port,
      close,
      graceMs: GRACE_MS,
      onConnection: () => {
        accepted++;
      },
    });
    return cluster === null ? server : { ...server, stop: () => node.resign().then(server.stop) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @param minutes 0 asks nobody. @returns what ends it. */
function watchProviders(
  minutes: number,
  { fetch }: Pick<CliContext, "fetch">,
  options: Omit<ProviderWatchOptions, "missingKeys">,
): () => void {
  if (minutes === 0) return () => undefined;
  const watch = new ProviderWatch({
    ...options,
    missingKeys: async (issuer, logged) => missingKeys((await fetchProviderKeys(issuer, fetch)).keys, logged),
  });
  void watch.check();
  const timer = setInterval(() => void watch.check(), minutes * 60_000).unref();
  return () => clearInterval(timer);
}
