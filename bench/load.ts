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
  /** Of a hundred requests one posts an entry, nine ask for the paths in turn, and all others for this one, which they have. */
  readonly mix?: { readonly path: string; readonly etag: string };
}

/** What it answers. */
export interface LoadReport {
  readonly seconds: number;
  /** Milliseconds of each request. */
  readonly latencies: readonly number[];
  /** Those among them of the first request of each connection. */
  readonly first: readonly number[];
  /** Milliseconds of each request, by the status of its answer. */
  readonly byStatus: Readonly<Record<string, readonly number[]>>;
  /** Requests without an answer. */
  readonly errors: number;
}

/** One round of load. */
export interface Load {
  readonly perSecond: number;
  /** Requests for each second of CPU time that the server used: it does not matter how fast the clients are. */
  readonly perCpuSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** 99th percentile of the first requests of connections, and of all later ones. */
  readonly firstP99: number;
  readonly laterP99: number;
  readonly p99ByStatus: Readonly<Record<string, number>>;
}

export class LoadGenerator {
  readonly #child = fork(fileURLToPath(new URL("./load-process.js", import.meta.url)));

  /** @throws Error unless every request is answered with one of the statuses. */
  async run(
    server: Served,
    request: Omit<LoadRequest, "url">,
    ...expected: readonly number[]
  ): Promise<Load> {
    const before = cpuSeconds(server);
    const { seconds, latencies, first, byStatus, errors } = await this.#ask({ ...request, url: server.url });
    const cpu = cpuSeconds(server) - before;
    const statuses = Object.entries(byStatus).map(([status, all]) => `${all.length} of ${status}`);
    const isExpected = Object.keys(byStatus).every((status) => expected.includes(Number(status)));
    if (!isExpected || errors > 0 || latencies.length !== request.amount)
      throw new Error(
        `expected ${request.amount} answers of ${expected}, got ${statuses}, and none to ${errors}`,
      );
    return {
      perSecond: latencies.length / seconds,
      perCpuSecond: latencies.length / cpu,
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      firstP99: quantile(first, 0.99),
      laterP99: quantile(without(latencies, first), 0.99),
      p99ByStatus: Object.fromEntries(
        Object.entries(byStatus).map(([status, all]) => [status, quantile(all, 0.99)]),
      ),
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

/** All samples but these, each as often as it is named. */
function without(samples: readonly number[], some: readonly number[]): number[] {
  const left = [...samples];
  for (const one of some) left.splice(left.indexOf(one), 1);
  return left;
}
