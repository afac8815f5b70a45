// Defines the Prometheus metrics of the local proxy. Names and labels are an interface: dashboards and alerts are built on them.
import { Counter, Gauge, Registry } from "prom-client";
import type { Gate } from "../gate.ts";

/** `forwarded`, `refused` by the gate, `failed` on the way to or from a trusted machine, `forbidden` to its caller. */
export type Outcome = "forwarded" | "refused" | "failed" | "forbidden";

export interface ProxyMetrics {
  readonly registry: Registry;
  count(outcome: Outcome): void;
  countVerdict(verdict: "trusted" | "rejected"): void;
}

export function createProxyMetrics(gate: Pick<Gate, "verdict">, underWay: () => number): ProxyMetrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: "touchstone_gate_requests_total",
    help: "Requests that ended: forwarded, refused by the gate, failed behind it, or forbidden to their caller",
    labelNames: ["outcome"],
    registers,
  });
  const verdicts = new Counter({
    name: "touchstone_gate_appraisals_total",
    help: "Verdicts that were made",
    labelNames: ["verdict"],
    registers,
  });
  new Gauge({
    name: "touchstone_gate_requests",
    help: "Requests under way",
    registers,
    collect() {
      this.set(underWay());
    },
  });
  new Gauge({
    name: "touchstone_gate_verdict_until_seconds",
    help: "Until when the newest verdict counts, POSIX seconds; 0 where none does",
    registers,
    collect() {
      this.set(Date.parse(gate.verdict()?.until ?? new Date(0).toISOString()) / 1000);
    },
  });
  return {
    registry,
    count: (outcome) => requests.inc({ outcome }),
    countVerdict: (verdict) => verdicts.inc({ verdict }),
  };
}
