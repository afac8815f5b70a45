// The load: autocannon in a process of its own, so that clients and server share no event loop.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { quantile } from "./harness.ts";
import { cpuSeconds, type Served } from "./servers.ts";

/** New entries, signed with the key of the log in a folder. */
export interface Entries {
  readonly folder: string;
  readonly label: string;
  readonly from: number;
  /** Of so many lines are the batches in which they are sent; one by one without it. */
  readonly lines?: number;
}

/** What the process that makes the load is asked for. */
export interface LoadRequest {
  readonly url: string;
  readonly connections: number;
  /** Requests in all. */
  readonly amount: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Paths to GET, in turn; or entries to POST, by their number. */
  readonly paths?: readonly string[];
  readonly entries?: Entries;
  /** Of a hundred requests one posts an entry, nine ask for the paths in turn, and all others for this one, which they have. */
  readonly mix?: { readonly path: string; readonly etag: string };
}

/** What a caller asks for: the server says where. */
type Requested = Omit<LoadRequest, "url">;

/** One answer that the clients got. */
export interface Answer {
  readonly status: number;
  readonly milliseconds: number;
  /** Whether it is the first of its connection. */
  readonly isFirst: boolean;
}

/** What it answers. */
export interface LoadReport {
  readonly seconds: number;
  readonly answers: readonly Answer[];
  /** Requests without an answer. */
  readonly errors: number;
}

/** One round of load. What was refused counts in `refused` alone, and in the time that the server took. */
export interface Load {
  /** Those that were answered as expected. */
  readonly requests: number;
  readonly perSecond: number;
  /** Requests for each second of CPU time that the server used: it does not matter how fast the clients are. */
  readonly perCpuSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** 99th percentile of the first requests of connections, and of all later ones. */
  readonly firstP99: number;
  readonly laterP99: number;
  readonly p99ByStatus: Readonly<Record<string, number>>;
  readonly refused: number;
}

/** What a server answers that has too much to do. */
const REFUSED = 503;

export class LoadGenerator {
  readonly #child = fork(fileURLToPath(new URL("./load-process.js", import.meta.url)));

  /** @throws Error unless every request is answered with one of the statuses. */
  async run(server: Served, request: Requested, ...expected: readonly number[]): Promise<Load> {
    const load = await this.runRefusable(server, request, ...expected);
    if (load.refused > 0) throw new Error(`${load.refused} of ${request.amount} requests were refused`);
    return load;
  }

  /** The same where refusing, with 503, is a result of the measurement. */
  async runRefusable(server: Served, request: Requested, ...expected: readonly number[]): Promise<Load> {
    const before = cpuSeconds(server);
    const report = await this.#ask({ ...request, url: server.url });
    return summarise(report, cpuSeconds(server) - before, request.amount, expected);
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

/** @throws Error unless every request was answered with one of the statuses, or refused. */
function summarise(
  { seconds, answers, errors }: LoadReport,
  cpu: number,
  amount: number,
  expected: readonly number[],
): Load {
  const done = answers.filter(({ status }) => expected.includes(status));
  const refused = answers.filter(({ status }) => status === REFUSED).length;
  if (errors > 0 || done.length + refused !== amount)
    throw new Error(`expected ${amount} answers of ${expected}, got ${countsOf(answers)}, none to ${errors}`);
  const p99 = (isMeant: (answer: Answer) => boolean) => quantile(times(done.filter(isMeant)), 0.99);
  return {
    requests: done.length,
    perSecond: done.length / seconds,
    perCpuSecond: done.length / cpu,
    p50: quantile(times(done), 0.5),
    p99: quantile(times(done), 0.99),
    firstP99: p99(({ isFirst }) => isFirst),
    laterP99: p99(({ isFirst }) => !isFirst),
    p99ByStatus: Object.fromEntries(
      expected.map((wanted) => [wanted, p99(({ status }) => status === wanted)]),
    ),
    refused,
  };
}

const times = (answers: readonly Answer[]) => answers.map(({ milliseconds }) => milliseconds);

/** How many answers there were of each status. */
function countsOf(answers: readonly Answer[]): string {
  const statuses = [...new Set(answers.map(({ status }) => status))];
  return statuses
    .map((status) => `${answers.filter((answer) => answer.status === status).length} of ${status}`)
    .join(", ");
}
