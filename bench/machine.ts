// What kind of machine the numbers are from. No name of it, and nothing that would tell machines of one kind apart.
import { availableParallelism, cpus, loadavg, platform, totalmem } from "node:os";

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly openssl: string;
  /** Processes that wanted to run, over the minute before: beyond the number of cores, others were measuring too. */
  readonly load: number;
}

export function machineFacts(): MachineFacts {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${process.arch}`,
    node: process.version,
    openssl: process.versions.openssl,
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}
