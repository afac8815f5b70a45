// Opens the log of a configuration and serves it.
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import { type RunningServer, startServer } from "../http/server.ts";
import { OwnCosigner } from "../log/checkpointing/cosigner.ts";
import { openLog } from "../log/open-or-create.ts";
import { FileCache } from "../node/file-cache.ts";
import { packageVersion } from "../node/package-root.ts";
import { missingKeys } from "../publisher/identity/draft-identity-keys.ts";
import { fetchProviderKeys } from "../publisher/identity/provider-document.ts";
import { createApp } from "../service/app.ts";
import { createService } from "../service/create-service.ts";
import { createMetrics } from "../service/metrics/metrics.ts";
import { ProviderWatch, type ProviderWatchOptions } from "../service/provider-watch.ts";
import type { CliContext } from "./context.ts";
import { prepareExport } from "./export-objects.ts";
import { openLogConfig, openReceiptSigner, readConfig } from "./open-log.ts";
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
): Promise<RunningServer> {
  const config = readConfig(configFile, context);
  await existingStoreOf(config, context);
  const receiptSigner = await openReceiptSigner(config, context);
  const metrics = createMetrics(true);
  const copy = await prepareExport(config.storage.objects, logger, context);
  let accepted = 0;
  const logConfig = await openLogConfig(config, context, { logger, measure: metrics.measure });
  const own = logConfig.cosigners.filter((cosigner) => cosigner instanceof OwnCosigner);
  const log = await openLog({ ...logConfig, arrivals: () => accepted });
  const service = createService({
    log,
    metrics,
    logger,
    clock: context.now,
    origin: config.origin,
    url: config.url,
    version: packageVersion(),
    limits: config.limits,
    operator: config.operator,
    ownWitnesses: own.map(({ name }) => name),
    ...(receiptSigner && { receiptSigner }),
    bundleFiles: await FileCache.open(
      join(dirname(config.storage.database ?? configFile), "entry-bundles"),
      KEPT_BUNDLE_BYTES,
    ),
  });
  const stopExporting = await copy.start(logConfig.store, metrics);
  const stopWatching = watchProviders(config.identities.checkMinutes, context, {
    inForce: () => log.registered,
    metrics,
    logger,
  });
  const close = async () => {
    stopWatching();
    await stopExporting();
    await log.close();
  };
  try {
    return await startServer({
      app: createApp(service),
      host: config.listen.host,
      port: port ?? config.listen.port,
      close,
      graceMs: GRACE_MS,
      onConnection: () => {
        accepted++;
      },
    });
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
