// Puts a service together around an open log.
import { Bundles } from "./bundles/bundle-cache.ts";
import { registerGauges } from "./metrics/gauges.ts";
import type { Service, ServiceLimits } from "./service.ts";

type Stated = "operator" | "ownWitnesses";
export type ServiceOptions = Omit<Service, "bundles" | Stated> & Partial<Pick<Service, Stated>>;

export const DEFAULT_SERVICE_LIMITS: ServiceLimits = {
  writesPerMinute: 6000,
  requestTimeout: 60,
  trustedProxies: 0,
};

/** @param options `metrics` must be those that the log's observer measures with, and of no other service. */
export function createService(options: ServiceOptions): Service {
  const { log, clock, logger, metrics } = options;
  registerGauges(metrics.registry, log, clock);
  const onBroken = (error: Error) => {
    metrics.countProofFailure();
    logger.error({ err: error }, "a bundle of this log does not verify; run 'touchstone fsck'");
  };
  return {
    operator: {},
    ownWitnesses: [],
    ...options,
    url: options.url.replace(/\/+$/, ""),
    bundles: new Bundles({ log, clock, onBroken }),
  };
}
