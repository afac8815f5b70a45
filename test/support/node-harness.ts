// Nodes of a log on one database, each with its own connections to it, in one process.
import { HighWaterFile } from "../../src/log/checkpointing/high-water.ts";
import { LogNode } from "../../src/log/cluster/log-node.ts";
import type { ClusterConfig, Leading, LogNodeConfig } from "../../src/log/cluster/node-config.ts";
import { NO_OBSERVER } from "../../src/log/observer.ts";
import type { ClusterStore } from "../../src/log/store/leadership.ts";
import { openCluster } from "../../src/log/store/open-store.ts";
import { type HarnessOptions, LogHarness } from "./log-harness.ts";

export const QUICK: ClusterConfig = { leaseMs: 1_000, staleAfterMs: 2_000 };

export interface NodeOptions {
  readonly cluster?: ClusterConfig | null;
  readonly store?: (store: ClusterStore) => ClusterStore;
  readonly leading?: Partial<Leading> | null;
  readonly observer?: LogNodeConfig["observer"];
}

export class NodeHarness {
  readonly log: LogHarness;
  readonly #nodes: LogNode[] = [];

  private constructor(log: LogHarness) {
    this.log = log;
  }

  /** Founds a log, and closes it again. */
  static async found(options: HarnessOptions = {}): Promise<NodeHarness> {
    const log = await LogHarness.make({ withStatus: true, ...options });
    await (await log.create()).close();
    return new NodeHarness(log);
  }

  async start(id: string, options: NodeOptions = {}): Promise<LogNode> {
    const { leading, cluster = null, observer = NO_OBSERVER } = options;
    const clock = () => this.log.clock.now;
    const store = await openCluster(this.log.databaseFile, clock);
    const led: Leading = {
      ...(await this.log.surroundings()),
      highWater: new HighWaterFile(this.log.highWaterPath),
      candidate: { id, address: `https://${id}.example` },
      limits: { publishWaitMs: 5_000, retryMs: 20 },
      ...leading,
    };
    const node = await LogNode.start({
      store: options.store?.(store) ?? store,
      leading: leading === null ? null : led,
      cluster,
      observer,
    });
    this.#nodes.push(node);
    return node;
  }

  async remove(): Promise<void> {
    for (const node of this.#nodes.splice(0)) await node.close();
    this.log.remove();
  }
}
