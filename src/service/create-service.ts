// Puts a service together around an open log.
import type { FileCache } from "../node/file-cache.ts";
import type { CoseSigner } from "../protocol/cose/cose-sign1.ts";
import { Bundles } from "./bundles/bundle-cache.ts";
import { EntryBundles } from "./entries/entry-bundles.ts";
import { registerGauges } from "./metrics/gauges.ts";
import { createProcessMemory } from "./process-memory.ts";
import { ReceiptIssuer } from "./receipts/receipt-issuer.ts";
import type { Service, ServiceLimits } from "./service.ts";

type Stated = "operator" | "ownWitnesses" | "cluster" | "prefix" | "memory";
export interface ServiceOptions
  extends Omit<Service, "bundles" | "entryBundles" | "receipts" | Stated>,
    Partial<Pick<Service, Stated>> {
  /** Where compressed entry bundles are kept; in memory alone unless given. */
  readonly bundleFiles?: FileCache;
  /** Signs receipts and views, where a trust root lists its key. */
  readonly receiptSigner?: CoseSigner;
}

export const DEFAULT_SERVICE_LIMITS: ServiceLimits = {
  writesPerMinute: 6000,
  requestTimeout: 60,
  trustedProxies: 0,
};

/** @param options `metrics` must be those that the log's observer measures with, and of no other service. */
export function createService(options: ServiceOptions): Service {
  const { log, clock, logger, metrics, origin, memory = createProcessMemory() } = options;
  registerGauges(metrics.registry, log, clock);
  const onBroken = (error: Error) => {
    metrics.countProofFailure();
    logger.error({ err: error }, "a bundle of this log does not verify; run 'touchstone fsck'");
  };
  return {
    operator: {},
    ownWitnesses: [],
    cluster: null,
    prefix: "",
    ...options,
    memory,
    url: options.url.replace(/\/+$/, ""),
    bundles: new Bundles({ log, clock, onBroken }),
    entryBundles: new EntryBundles(log.read, options.bundleFiles ?? null, { memory: memory.bundles, origin }),
    receipts: new ReceiptIssuer({ log: log.read, origin, signer: options.receiptSigner ?? null }),
  };
}
