// Keeps the book of findings: what was found now against what was known, and the message that each change is worth. Nobody is told twice.
import { createHash } from "node:crypto";
import { formatTime } from "../../protocol/entry/fields.ts";
import { endsByItself, type Finding, keyOf } from "./finding.ts";
import type { Round } from "./monitor.ts";
import type { KeptFinding, MonitorStore } from "./monitor-store.ts";

/** One change, as lines and the webhook tell it. */
export interface MonitorEvent {
  /** Of this change and no other; a receiver that has seen it drops it. */
  readonly id: string;
  readonly type: "opened" | "ended";
  readonly at: string;
  readonly origin: string;
  readonly finding: KeptFinding;
}

/** Enters a round, and queues a message for each change where `queue` wants it. It is one transaction. */
export function enterRound(
  store: MonitorStore,
  round: Round,
  queue: (event: MonitorEvent) => string | null,
): MonitorEvent[] {
  const events: MonitorEvent[] = [];
  const tell = (type: MonitorEvent["type"], finding: KeptFinding): void => {
    store.keep(finding);
    const event = makeEvent(type, finding, round);
    events.push(event);
    const body = queue(event);
    if (body !== null) store.post(event.id, body);
  };
  store.atOnce(() => {
    const found = new Map(round.findings.map((finding) => [keyOf(finding), finding]));
    for (const known of [...store.findings("open"), ...store.findings("suspected")]) {
      if (found.has(known.key) || !round.assessed.includes(known.class)) continue;
      if (known.state === "suspected") store.forget(known.key);
      else if (endsByItself(known.class))
        tell("ended", { ...known, state: "ended", since: round.at.getTime() });
    }
    for (const finding of found.values()) enter(store, finding, round, tell);
  });
  return events;
}

type Tell = (type: MonitorEvent["type"], finding: KeptFinding) => void;

function enter(store: MonitorStore, finding: Finding, { at }: Round, tell: Tell): void {
  const key = keyOf(finding);
  const known = store.finding(key);
  if (known?.state === "open" || known?.state === "acknowledged" || isToldOf(store, finding)) return;
  const since = known?.state === "suspected" ? known.since : at.getTime();
  const lasted = (at.getTime() - since) / 1000 >= (finding.patience ?? 0);
  const openings = known?.openings ?? 0;
  const { class: kind, code, subject, message, proof = null } = finding;
  const kept = { key, class: kind, code, subject, message, proof };
  if (lasted) tell("opened", { ...kept, state: "open", since, openings: openings + 1 });
  else store.keep({ ...kept, state: "suspected", since, openings });
}

/** Whether a deed of the same kind and subject is open already. */
function isToldOf(store: MonitorStore, { class: kind, code, subject, instance }: Finding): boolean {
  if (instance === undefined) return false;
  return store
    .findings("open")
    .some((open) => open.class === kind && open.code === code && open.subject === subject);
}

function makeEvent(type: MonitorEvent["type"], finding: KeptFinding, { at, origin }: Round): MonitorEvent {
  // The same after a restart: a change is named by what changed and by how often it has.
  const name = JSON.stringify([origin, finding.key, finding.openings, type]);
  const id = createHash("sha256").update(name).digest("hex").slice(0, 32);
  return { id, type, at: formatTime(at), origin, finding };
}

/** Says that somebody has looked at an open finding. @returns whether there is one of this id. */
export function acknowledge(store: MonitorStore, id: string): boolean {
  const finding = store.findings("open").find((open) => findingId(open) === id);
  if (finding === undefined) return false;
  store.keep({ ...finding, state: "acknowledged" });
  return true;
}

/** A short name of a finding, for `--acknowledge` and the names of files. */
export function findingId({ key }: Pick<KeptFinding, "key">): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 12);
}
