// Measures which of the logs of a process could be started: one that could not has no metrics of its own.
import { Gauge, type Registry } from "prom-client";

export interface StartedOrNot {
  readonly origin: string;
  /** Null while it could not be started. */
  readonly served: object | null;
}

export function registerStartedGauge(registry: Registry, logs: readonly StartedOrNot[]): void {
  new Gauge({
    name: "touchstone_log_started",
    help: "Of a process that serves several logs: 1 for each that is served, 0 for each that could not be started",
    labelNames: ["origin"],
    registers: [registry],
    collect() {
      for (const { origin, served } of logs) this.set({ origin }, served === null ? 0 : 1);
    },
  });
}
