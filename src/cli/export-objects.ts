// Keeps a copy of a log that is served in the bucket of its configuration, where that says so, and while this process leads the log.
import type { Logger } from "../log/observer.ts";
import { ObjectStoreError } from "../node/objects/object-store.ts";
import type { S3Store } from "../node/objects/s3-store.ts";
import type { ObjectsConfig } from "../service/config.ts";
import { registerExportGauges } from "../service/metrics/export-gauges.ts";
import type { Metrics } from "../service/metrics/metrics.ts";
import type { CliContext } from "./context.ts";
import type { OpenedNode } from "./open-node.ts";
import { openObjects } from "./open-objects.ts";

export interface PreparedExport {
  /** Begins to export, whenever the node leads. @returns what ends it, before the store is closed. */
  start(opened: Pick<OpenedNode, "node" | "reader">, metrics: Metrics): Promise<() => Promise<void>>;
}

const NO_EXPORT: PreparedExport = { start: async () => async () => undefined };

/**
 * Opens the bucket before the log is, so that one which ignores conditions is noticed in time.
 * @throws ObjectStoreError for a bucket that is unsafe, or refuses. One that does not answer is asked again while the log is served.
 */
export async function prepareExport(
  config: ObjectsConfig | undefined,
  logger: Logger,
  context: Pick<CliContext, "environment" | "warn" | "fetch" | "now">,
): Promise<PreparedExport> {
  if (config === undefined || !config.export) return NO_EXPORT;
  const stopping = new AbortController();
  const objects = await openObjects(config, context, stopping.signal);
  await probe(objects, logger);
  return {
    async start({ node, reader: store }, { registry }) {
      const { Exporter } = await import("../mirror/exporter.ts");
      const isTurn = () => node.isLeading;
      const exporter = new Exporter({ store, objects, logger, clock: context.now, isTurn });
      registerExportGauges(registry, exporter, context.now);
      return () => {
        stopping.abort();
        return exporter.stop();
      };
    },
  };
}

async function probe(objects: S3Store, logger: Logger): Promise<void> {
  try {
    await objects.probe();
  } catch (error) {
    if (!(error instanceof ObjectStoreError) || error.code !== "store-unreachable") throw error;
    logger.warn({ err: error }, "the bucket does not answer, and will be asked again");
  }
}
