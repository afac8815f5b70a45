// The load: autocannon in a process of its own, so that clients and server share no event loop.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { quantile } from "./harness.ts";
import { cpuSeconds, type Served } from "./servers.ts";

/** What the process that makes the load is asked for. */
export interface LoadRequest {
  readonly url: string;
  readonly connections: number;
  /** Requests in all. */
  readonly amount: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Paths to GET, in turn; or entries to POST, by their number. */
  readonly paths?: readonly string[];
  readonly entries?: { readonly folder: string; readonly label: string; readonly from: number };
}

/** What it answers. */
export interface LoadReport {
  readonly seconds: number;
  /** Milliseconds of each request. */
  readonly latencies: readonly number[];
  /** Answers by status; 0 stands for no answer. */
  readonly statuses: Readonly<Record<string, number>>;
}

/** One round of load. */
export interface Load {
  readonly perSecond: number;
  /** Requests for each second of CPU time that the server used: it does not matter how fast the clients are. */
  readonly perCpuSecond: number;
  readonly p50: number;
  readonly p99: number;
}

export class LoadGenerator {
  readonly #child = fork(fileURLToPath(new URL("./load-process.js", import.meta.url)));

  /** @throws Error unless every request is answered with `status`. */
  async run(server: Served, request: Omit<LoadRequest, "url">, status: number): Promise<Load> {
    const before = cpuSeconds(server);
    const { seconds, latencies, statuses } = await this.#ask({ ...request, url: server.url });
    const cpu = cpuSeconds(server) - before;
    if (statuses[status] !== latencies.length || latencies.length !== request.amount)
      throw new Error(`expected ${request.amount} answers of ${status}, got ${JSON.stringify(statuses)}`);
    return {
      perSecond: latencies.length / seconds,
      perCpuSecond: latencies.length / cpu,
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
    };
  }

  #ask(request: LoadRequest): Promise<LoadReport> {
    return new Promise((resolve, reject) => {
      this.#child.once("exit", (code) => reject(new Error(`the load process ended with ${code}`)));
      this.#child.once("message", (report: LoadReport) => {
        this.#child.removeAllListeners("exit");
        resolve(report);
      });
      this.#child.send(request);
    });
  }

  close(): void {
    this.#child.removeAllListeners("exit");
    this.#child.kill();
  }
}
