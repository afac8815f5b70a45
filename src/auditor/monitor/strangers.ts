// Finds strangers: entries under a watched name, key or kind that are not among the expected ones.
import { describeReference } from "../../protocol/entry/reference.ts";
import { matchesName } from "../../protocol/registration/authorisation.ts";
import type { EntryRecord } from "../../protocol/registration/references.ts";
import type { AuditState } from "../audit-state.ts";
import type { ExpectedFile } from "./expected-entries.ts";
import type { Finding } from "./finding.ts";
import type { MonitorStore, WatchedEntry } from "./monitor-store.ts";

/** Looks through what is new in the replayed log, or through all of it where other things are watched than before. */
export function findStrangers(store: MonitorStore, state: AuditState, expected: ExpectedFile): Finding[] {
  lookThrough(store, state, expected.watch);
  const own = new Set(expected.entry.map(({ digest }) => digest));
  return store
    .watched()
    .filter(({ digest }) => !own.has(digest))
    .map(({ index, digest, entry, why }) => ({
      class: "stranger",
      code: "not-expected",
      subject: `entry ${index}`,
      message: `entry ${index}, ${entry}, statement ${digest}, is not among the expected ones (${why})`,
    }));
}

function lookThrough(store: MonitorStore, state: AuditState, watched: ExpectedFile["watch"]): void {
  const { size } = state.memory.head;
  const watch = JSON.stringify(watched);
  const from = store.lookedThrough(watch);
  if (from === size) return;
  const found: WatchedEntry[] = [];
  for (const record of state.records.since(from)) {
    const why = whyWatched(record, watched);
    if (why !== undefined)
      found.push({ index: record.index, digest: record.digest, entry: describeReference(record), why });
  }
  store.lookThrough(watch, from, size, found);
}

/** A status is what every replay recomputes, so nobody can publish a strange one. */
function whyWatched(
  { kind, name, signers }: EntryRecord,
  { names, keys, kinds }: ExpectedFile["watch"],
): string | undefined {
  if (kind === "status") return undefined;
  const pattern = names.find((each) => matchesName(each, name));
  if (pattern !== undefined) return `watched name ${pattern}`;
  const key = keys.find((each) => signers.includes(each));
  if (key !== undefined) return `signed with watched key ${key}`;
  return kinds.includes(kind) ? `watched kind ${kind}` : undefined;
}
