// Defines the Prometheus metrics. Names and labels are an interface: dashboards and alerts are built on them.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Measure } from "../../log/observer.ts";

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const ENTRIES = [1, 2, 5, 10, 20, 50, 100, 200, 500];

export interface Metrics {
  /** What is measured elsewhere registers here. */
  readonly registry: Registry;
  /** For the log's observer. */
  measure(measure: Measure, value: number): void;
  observeRequest(method: string, route: string, status: number, seconds: number): void;
  countProblem(code: string): void;
  /** A counter of one kind of hot read: the cheapest thing that can be said of it. */
  hotReads(kind: string): () => void;
  countProofFailure(): void;
  /** How many keys of a provider of identities the log lacks. */
  setMissingKeys(issuer: string, count: number): void;
}

/** @param withProcess adds memory, CPU and event loop of the process, which a process may do once. */
export function createMetrics(withProcess: boolean): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (withProcess) collectDefaultMetrics({ register: registry });
  const log = registerLogMetrics(registers);
  const requests = new Histogram({
    name: "touchstone_http_request_seconds",
    help: "Time to answer, by route and status; hot reads are only counted",
    labelNames: ["method", "route", "status"],
    buckets: SECONDS,
    registers,
  });
  const reads = new Map<string, { count: number }>();
  new Counter({
    name: "touchstone_http_hot_reads_total",
    help: "Requests for tiles, checkpoints, bundles, proofs, receipts and CoSERV",
    labelNames: ["kind"],
    registers,
    collect() {
      this.reset();
      for (const [kind, { count }] of reads) this.inc({ kind }, count);
    },
  });
  const refusals = refusalsCounter(registers);
  const proofFailures = new Counter({
    name: "touchstone_proof_failures_total",
    help: "Proofs or bundles of our own that did not verify: the log is damaged, act at once",
    registers,
  });
  const missingKeys = new Gauge({
    name: "touchstone_identity_keys_missing",
    help: "Keys of a provider of identities that the log lacks, where the service is told to ask for them",
    labelNames: ["issuer"],
    registers,
  });
  return {
    registry,
    measure: (measure, value) => log[measure](value),
    observeRequest: (method, route, status, seconds) => requests.observe({ method, route, status }, seconds),
    countProblem: (code) => refusals.inc({ code }),
    hotReads(kind) {
      const read = reads.get(kind) ?? { count: 0 };
      reads.set(kind, read);
      return () => {
        read.count++;
      };
    },
    countProofFailure: () => proofFailures.inc(),
    setMissingKeys: (issuer, count) => missingKeys.set({ issuer }, count),
  };
}

/** Of a process that serves several logs: what it measures itself, and which requests no log has taken. Each log has metrics of its own. */
export function createProcessMetrics(): Pick<Metrics, "registry" | "countProblem"> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const refusals = refusalsCounter([registry]);
  return { registry, countProblem: (code) => refusals.inc({ code }) };
}

function refusalsCounter(registers: Registry[]): Counter<"code"> {
  return new Counter({
    name: "touchstone_refusals_total",
    help: "Requests that ended with a problem, by its code",
    labelNames: ["code"],
    registers,
  });
}

function registerLogMetrics(registers: Registry[]): Record<Measure, (value: number) => void> {
  const batch = new Histogram({
    name: "touchstone_batch_size",
    help: "Entries a commit",
    buckets: ENTRIES,
    registers,
  });
  const latency = (name: string, help: string) => {
    const histogram = new Histogram({ name, help, buckets: SECONDS, registers });
    return (milliseconds: number) => histogram.observe(milliseconds / 1000);
  };
  return {
    "batch-size": (value) => batch.observe(value),
    "commit-ms": latency("touchstone_commit_seconds", "Time of the durable transaction"),
    "index-ms": latency("touchstone_index_seconds", "Time that a status waited for the root of its index"),
    "sign-ms": latency("touchstone_sign_seconds", "Time to sign a checkpoint and write its high-water mark"),
    "cosign-ms": latency("touchstone_cosign_seconds", "Time until the quorum had cosigned"),
  };
}
