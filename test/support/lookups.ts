// Answers lookups in the small log, as an honest service does.
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import type { Predicate } from "../../src/protocol/entry/kinds.ts";
import type { StatementOf } from "../../src/protocol/envelope/statement.ts";
import type { LookupAnswer } from "../../src/protocol/lookup/lookup-answer.ts";
import { hashEntries } from "../../src/protocol/lookup/prefix-tree.ts";
import { addToTree, proveKey } from "../../src/protocol/lookup/stored-tree.ts";
import { keyOfTerm, parseTerm, termsOf } from "../../src/protocol/lookup/term.ts";
import { proveConsistency } from "../../src/protocol/merkle/consistency.ts";
import { FoundedLog } from "./founded-log.ts";
import type { SmallLog } from "./small-log.ts";
import { ORIGIN } from "./witnesses.ts";

/** The index of the first entries of a log. */
export function indexOf(log: SmallLog, size: number): { pages: Map<string, Uint8Array>; root: Uint8Array } {
  const pages = new Map<string, Uint8Array>();
  const additions = log.envelopes
    .slice(0, size)
    .flatMap((envelope, index) => termsOf(envelope).map((term) => ({ key: keyOfTerm(term), index })));
  return { pages, root: addToTree(pages, additions) };
}

/** What a status says of the index now. */
export function indexNow(log: SmallLog): NonNullable<Predicate<"status">["index"]> {
  const size = log.envelopes.length;
  return { size, root: encodeHex(indexOf(log, size).root) };
}

/** A log with an index, a release, a policy over it and a status. */
export async function indexedLog(): Promise<FoundedLog> {
  const log = await FoundedLog.found({ index: true });
  await log.publishPolicy(await log.publishRelease());
  await log.publishStatus({ index: indexNow(log) });
  return log;
}

/** @param newest shows no more entries than these. @param change what a dishonest service does. */
export async function answerLookup(
  log: SmallLog,
  [type, value]: readonly [type: string, value: string],
  { newest = Infinity, since = null, change = {} }: AnswerOptions = {},
): Promise<LookupAnswer> {
  const term = parseTerm(type, value);
  const status = log.logged(log.inForce.status!.index);
  const { treeSize } = (status.envelope.statement as StatementOf<"status">).predicate;
  const found = log.envelopes
    .slice(0, treeSize)
    .flatMap((envelope, index) =>
      termsOf(envelope).some((one) => one.type === type && one.value === value) ? [index] : [],
    );
  const older = found.slice(0, Math.max(0, found.length - newest));
  const size = log.envelopes.length;
  return {
    origin: ORIGIN,
    term,
    indices: found.slice(older.length),
    before: older.length === 0 ? null : hashEntries(older),
    proof: proveKey(indexOf(log, treeSize).pages, keyOfTerm(term)).proof,
    trustRoots: log.inForce.trustRoots.map(({ index }) => log.logged(index)),
    status,
    checkpoint: await log.checkpoint(),
    consistency:
      since === null ? null : { from: since, proof: proveConsistency(since, size, log.tree().readNode) },
    ...change,
  };
}

interface AnswerOptions {
  readonly newest?: number;
  readonly since?: number | null;
  readonly change?: Partial<LookupAnswer>;
}
