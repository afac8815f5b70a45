// Measures what the log holds now, read from it when somebody asks.
import { Gauge, type Registry } from "prom-client";
import type { PublishedLog } from "../../log/published-log.ts";
import type { ServedLog } from "../../log/served-log.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { currentTrustRoot } from "../../protocol/registration/in-force.ts";
import { readLoggedEntry } from "../entries/read-entry.ts";

const DAY_MS = 86_400_000;

export function registerGauges(registry: Registry, whole: ServedLog, clock: () => Date): void {
  const registers = [registry];
  const { read: log } = whole;
  new Gauge({
    name: "touchstone_queue_depth",
    help: "Entries that wait now: let in, and neither recorded nor refused yet",
    registers,
    collect() {
      this.set(whole.pending);
    },
  });
  new Gauge({
    name: "touchstone_tree_size",
    help: "Entries under the published checkpoint",
    registers,
    collect() {
      this.set(log.published()?.checkpoint.size ?? 0);
    },
  });
  new Gauge({
    name: "touchstone_index_size",
    help: "Entries that the index covers, where this process keeps one; it follows touchstone_tree_size",
    registers,
    collect() {
      this.reset();
      if (whole.indexSize !== null) this.set(whole.indexSize);
    },
  });
  new Gauge({
    name: "touchstone_checkpoint_age_seconds",
    help: "Time since the published checkpoint was cosigned; see touchstone_seconds_ahead_of_clock where it is negative",
    registers,
    collect() {
      const published = log.published();
      if (published !== null) this.set((clock().getTime() - published.cosignedAt.getTime()) / 1000);
    },
  });
  new Gauge({
    name: "touchstone_seconds_ahead_of_clock",
    help: "How far the time of the published checkpoint and of the status in force is ahead of this machine's clock; 0 where it is not",
    labelNames: ["document"],
    registers,
    async collect() {
      const times = await timesOf(log);
      this.reset();
      for (const [document, time] of times)
        this.set({ document }, Math.max(0, (time.getTime() - clock().getTime()) / 1000));
    },
  });
  new Gauge({
    name: "touchstone_days_until_expiry",
    help: "Days until the trust root, the status and each policy in force expire; negative once they have",
    labelNames: ["document"],
    registers,
    async collect() {
      const expiries = await expiriesOf(log);
      this.reset();
      for (const [document, expires] of expiries) {
        this.set({ document }, (Date.parse(expires) - clock().getTime()) / DAY_MS);
      }
    },
  });
}

/** What must not be of the future, and when it is from. */
async function timesOf(log: PublishedLog): Promise<Array<[document: string, time: Date]>> {
  const published = log.published();
  const found: Array<[string, Date]> = published === null ? [] : [["checkpoint", published.cosignedAt]];
  if (log.inForce.status !== null) {
    const { envelope } = await readLoggedEntry(log, log.inForce.status.index);
    found.push(["status", new Date((envelope.statement as StatementOf<"status">).predicate.issuedAt)]);
  }
  return found;
}

/** Every document in force and when it expires. */
async function expiriesOf(log: PublishedLog): Promise<Array<[document: string, expires: string]>> {
  const { inForce } = log;
  const root = currentTrustRoot(inForce)?.root;
  const found: Array<[string, string]> = root === undefined ? [] : [["trust-root", root.expires]];
  if (inForce.status !== null) {
    const { envelope } = await readLoggedEntry(log, inForce.status.index);
    found.push(["status", (envelope.statement as StatementOf<"status">).predicate.expires]);
  }
  for (const [name, { index }] of inForce.policies) {
    const { envelope } = await readLoggedEntry(log, index);
    found.push([`policy/${name}`, (envelope.statement as StatementOf<"policy">).predicate.expires]);
  }
  return found;
}
