// Opens the log of a configuration with everything that serves it, but no port.
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import type { LogNode } from "../log/cluster/log-node.ts";
import { StartRefusedError } from "../log/errors.ts";
import type { FileCache } from "../node/file-cache.ts";
import { packageVersion } from "../node/package-root.ts";
import { missingKeys } from "../publisher/identity/draft-identity-keys.ts";
import { fetchProviderKeys } from "../publisher/identity/provider-document.ts";
import { createApp } from "../service/app.ts";
import { lookingAgain } from "../service/cluster/fresh-reads.ts";
import type { Config } from "../service/config.ts";
import { createService } from "../service/create-service.ts";
import type { Metrics } from "../service/metrics/metrics.ts";
import { ProviderWatch, type ProviderWatchOptions } from "../service/provider-watch.ts";
import type { Service } from "../service/service.ts";
import type { App } from "../service/several/several-app.ts";
import type { CliContext } from "./context.ts";
import { prepareExport } from "./export-objects.ts";
import { openReceiptSigner } from "./open-log.ts";
import { type NodeParts, type OpenedNode, openNode, type Role } from "./open-node.ts";
import { type Others, ownWitnesses, serviceCluster } from "./serve-cluster.ts";
import { existingStoreOf } from "./store-of.ts";

/** A log that answers. */
export interface Serving {
  readonly service: Service;
  readonly app: App;
  /** Gives the lead to another process, where there are others. */
  resign(): Promise<void>;
  /** Finishes what was accepted, and releases everything. */
  close(): Promise<void>;
}

/** What a log is served with, and what it shares with others of its process. */
export interface ServingParts
  extends Partial<Pick<Service, "prefix" | "memory">>,
    Omit<NodeParts, "observer"> {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly others: Others;
  /** Compressed entry bundles, in that folder. */
  readonly openBundles: (folder: string) => Promise<FileCache>;
}

/** @throws StartRefusedError, and whatever keys, store and bucket say. Nothing is left open then. */
export async function openServed(
  { config, file }: { readonly config: Config; readonly file: string },
  role: Role,
  parts: ServingParts,
  context: CliContext,
): Promise<Serving> {
  const { logger, metrics } = parts;
  await existingStoreOf(config, context);
  const receiptSigner = role === "all" ? await openReceiptSigner(config, context) : undefined;
  const copy = await prepareExport(config.storage.objects, logger, context);
  const observer = { logger, measure: metrics.measure };
  const opened = await openNode(config, role, context, { ...parts, observer });
  const ending: Array<() => Promise<void> | void> = [() => opened.node.close()];
  const close = async () => {
    for (const end of ending.splice(0).reverse()) await end();
  };
  try {
    requireOwnLog(opened.node, config);
    const folder = join(dirname(config.storage.database ?? file), "entry-bundles");
    const service = serviceOf(opened, config, role, parts, context, {
      ...(receiptSigner && { receiptSigner }),
      bundleFiles: await parts.openBundles(folder),
    });
    if (role === "all") ending.push(await copy.start(opened, metrics));
    ending.push(
      watchProviders(config.identities.checkMinutes, context, {
        ...parts,
        inForce: () => opened.node.registered,
      }),
    );
    return { service, app: appOf(service, opened.node), resign: () => resign(service, opened.node), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Whoever leads a log needs its key; who only follows would show another log as this one. @throws StartRefusedError "wrong-log-key" */
function requireOwnLog({ read }: LogNode, { origin }: Config): void {
  const shown = read.published()?.checkpoint.origin;
  if (shown === undefined || shown === origin) return;
  throw new StartRefusedError(
    "wrong-log-key",
    `the database holds the log ${shown}, and the configuration is of ${origin}: correct its origin, or its storage`,
  );
}

function serviceOf(
  opened: OpenedNode,
  config: Config,
  role: Role,
  { logger, metrics, others, prefix, memory }: ServingParts,
  context: CliContext,
  rest: Partial<Parameters<typeof createService>[0]>,
): Service {
  return createService({
    ...rest,
    log: opened.node,
    metrics,
    logger,
    clock: context.now,
    origin: config.origin,
    url: config.url,
    ...(prefix !== undefined && { prefix }),
    ...(memory !== undefined && { memory }),
    version: packageVersion(),
    limits: config.limits,
    operator: config.operator,
    ownWitnesses: ownWitnesses(opened, config),
    cluster: serviceCluster(opened, config, role, others),
  });
}

function appOf(service: Service, node: LogNode): App {
  const app = createApp(service);
  return service.cluster === null ? app : lookingAgain(app, node);
}

async function resign({ cluster }: Service, node: LogNode): Promise<void> {
  if (cluster !== null) await node.resign();
}

/** @param minutes 0 asks nobody. @returns what ends it. */
function watchProviders(
  minutes: number,
  { fetch }: Pick<CliContext, "fetch">,
  { inForce, metrics, logger }: Omit<ProviderWatchOptions, "missingKeys">,
): () => void {
  if (minutes === 0) return () => undefined;
  const watch = new ProviderWatch({
    inForce,
    metrics,
    logger,
    missingKeys: async (issuer, logged) => missingKeys((await fetchProviderKeys(issuer, fetch)).keys, logged),
  });
  void watch.check();
  const timer = setInterval(() => void watch.check(), minutes * 60_000).unref();
  return () => clearInterval(timer);
}
