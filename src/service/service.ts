// Defines the dependencies that all routes share.
import type { Logger } from "pino";
import type { ServedLog } from "../log/served-log.ts";
import type { Bundles } from "./bundles/bundle-cache.ts";
import type { ForwardingOptions, WritingPlace } from "./cluster/ask-leader.ts";
import type { FollowingNode } from "./cluster/fresh-reads.ts";
import type { EntryBundles } from "./entries/entry-bundles.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { Operator } from "./pages/home.ts";
import type { ProcessMemory } from "./process-memory.ts";
import type { ReceiptIssuer } from "./receipts/receipt-issuer.ts";

export interface ServiceLimits {
  /** Writing requests that one client address may make in a minute. */
  readonly writesPerMinute: number;
  /** Seconds after which a request is given up. */
  readonly requestTimeout: number;
  /** Proxies in front that append to X-Forwarded-For. */
  readonly trustedProxies: number;
}

/** The node of a log that several processes serve. */
export interface ServiceCluster {
  readonly node: WritingPlace & FollowingNode;
  /** Null where what is to be published is taken by the node that leads alone. */
  readonly forwarding: Pick<ForwardingOptions, "id" | "secret" | "fetch"> | null;
}

export interface Service {
  readonly log: ServedLog;
  readonly bundles: Bundles;
  readonly entryBundles: EntryBundles;
  /** Issues receipts, and knows who signs what the log says in COSE. */
  readonly receipts: ReceiptIssuer;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: () => Date;
  /** Origin line of the log's checkpoints. */
  readonly origin: string;
  /** Where clients reach the service, without a slash at the end. */
  readonly url: string;
  /** What stands in front of every path, where this process cuts it off and not a proxy; "" for nothing. */
  readonly prefix: string;
  readonly memory: ProcessMemory;
  readonly version: string;
  /** Who runs the log, as its pages say. */
  readonly operator: Operator;
  /** Names of the witnesses that the log runs itself: nobody independent. */
  readonly ownWitnesses: readonly string[];
  readonly limits: ServiceLimits;
  /** Null where one process serves the log. */
  readonly cluster: ServiceCluster | null;
}
