// Measures how far the static copy in a bucket is behind what the log has published, where one is kept.
import { Counter, Gauge, type Registry } from "prom-client";

/** What an export says of itself. */
export interface ExportProgress {
  /** Entries that are in the bucket. */
  readonly size: number;
  readonly failures: number;
  readonly isDamaged: boolean;
  /** Since when something published is not in the bucket; null when everything is. */
  readonly behindSince: Date | null;
}

export function registerExportGauges(registry: Registry, progress: ExportProgress, clock: () => Date): void {
  const registers = [registry];
  new Gauge({
    name: "touchstone_export_tree_size",
    help: "Entries under the checkpoint in the bucket",
    registers,
    collect() {
      this.set(progress.size);
    },
  });
  new Gauge({
    name: "touchstone_export_lag_seconds",
    help: "For how long something published has not been in the bucket; 0 when everything is",
    registers,
    collect() {
      const since = progress.behindSince ?? clock();
      this.set((clock().getTime() - since.getTime()) / 1000);
    },
  });
  new Counter({
    name: "touchstone_export_failures_total",
    help: "Attempts to bring the bucket up to date that failed; each is made again",
    registers,
    collect() {
      this.reset();
      this.inc(progress.failures);
    },
  });
  new Gauge({
    name: "touchstone_objects_damaged",
    help: "1 when an object in the bucket has other bytes than the log: nothing is exported any more, act",
    registers,
    collect() {
      this.set(progress.isDamaged ? 1 : 0);
    },
  });
}
