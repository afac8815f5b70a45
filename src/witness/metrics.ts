// Defines the Prometheus metrics of a witness. Names and labels are an interface: dashboards and alerts are built on them.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { LogState, WitnessStore } from "./witness-store.ts";

/** Logs of which size and time are shown, those that were cosigned last. */
const MAX_LOGS = 1000;

export interface WitnessMetrics {
  readonly registry: Registry;
  /** @param outcome of the answer to an add-checkpoint request. */
  observe(outcome: string, seconds: number): void;
  countInconsistent(): void;
}

/** @param withProcess adds memory, CPU and event loop of the process, which a process may do once. */
export function createWitnessMetrics(
  store: Pick<WitnessStore, "newest">,
  knownLogs: () => number,
  withProcess: boolean,
): WitnessMetrics {
  const registry = new Registry();
  const registers = [registry];
  if (withProcess) collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: "touchstone_witness_add_checkpoint_seconds",
    help: "Time to answer an add-checkpoint request, by outcome",
    labelNames: ["outcome"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
    registers,
  });
  const inconsistent = new Counter({
    name: "touchstone_witness_forks_total",
    help: "Checkpoints of a log with another root than the one of this size that was cosigned: both notes are in the service's log",
    registers,
  });
  new Gauge({
    name: "touchstone_witness_known_logs",
    help: "Logs of the lists",
    registers,
    collect() {
      this.set(knownLogs());
    },
  });
  const perLog = (name: string, help: string, measure: (log: LogState) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ["origin"],
      registers,
      collect() {
        this.reset();
        for (const log of store.newest(MAX_LOGS)) this.set({ origin: log.origin }, measure(log));
      },
    });
  perLog(
    "touchstone_witness_tree_size",
    "Size of the checkpoint of a log that was cosigned last",
    ({ size }) => size,
  );
  perLog(
    "touchstone_witness_cosigned_timestamp_seconds",
    "When the checkpoint of a log was cosigned last, POSIX seconds",
    ({ cosignedAt }) => cosignedAt,
  );
  return {
    registry,
    observe: (outcome, seconds) => requests.observe({ outcome }, seconds),
    countInconsistent: () => inconsistent.inc(),
  };
}
