// Serves the page of one entry, and its statement and envelope as files.
import type { PublishedLog, ReadEntry } from "../../log/published-log.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { signersOf } from "../../protocol/envelope/dsse.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { MAX_CONFIRMATION_DELAY } from "../../protocol/identity/confirmation.ts";
import { authorise } from "../../protocol/registration/authorisation.ts";
import type { InForce } from "../../protocol/registration/in-force.ts";
import { referencesOf } from "../../protocol/registration/references.ts";
import {
  coverageOf,
  type NamedEntry,
  readLoggedEntry,
  readNamed,
  revokedBy,
  statementJson,
} from "../entries/read-entry.ts";
import { BASE_HEADERS, IMMUTABLE } from "../http/headers.ts";
import { readDecimal } from "../http/parameters.ts";
import type { Api } from "../openapi.ts";
import { answerPage } from "../pages/answer.ts";
import { differences } from "../pages/differences.ts";
import { type EntryView, entryPage } from "../pages/entry.ts";
import { renderOnce } from "../pages/rendered-once.ts";
import type { Service } from "../service.ts";
import { describePage } from "./describe-page.ts";

/** Entries that refer to it, which the page lists. */
const USED_BY = 20;

export function addEntryPage(api: Api, service: Service): void {
  const once = renderOnce<string>(service);
  const { read: log } = service.log;
  describe(api);
  api.get("/entries/:index", (c) =>
    answerPage(c, service, 1, async () => {
      const index = readDecimal(c.req.param("index"), "index");
      return once(String(index), async () =>
        String(await entryPage(service, await viewOf(log, await readLoggedEntry(log, index)))),
      );
    }),
  );
  const file = (name: string, bytesOf: (entry: ReadEntry) => Uint8Array) =>
    api.get(`/entries/:index/${name}`, async (c) => {
      const entry = await readLoggedEntry(log, readDecimal(c.req.param("index") ?? "", "index"));
      return c.body(Uint8Array.from(bytesOf(entry)), 200, FILE_HEADERS);
    });
  file("statement.json", ({ envelope }) => envelope.payload);
  file("envelope.dsse.json", ({ leaf }) => leaf);
}

const FILE_HEADERS = { ...BASE_HEADERS, "content-type": "application/json", "cache-control": IMMUTABLE };

async function viewOf(log: PublishedLog, entry: ReadEntry): Promise<EntryView> {
  const { index, envelope, leafHash } = entry;
  const { statement, payloadDigest, recordedAt } = envelope;
  const usedBy = await usedByOf(log, payloadDigest);
  const loggedBy = await coverageOf(log, index);
  return {
    index,
    statement,
    json: statementJson(envelope),
    payloadDigest,
    leafHash: encodeHex(leafHash),
    ...signersOf(envelope),
    recordedAt,
    isUnconfirmed: isUnconfirmed(recordedAt, loggedBy.cosignedAt),
    loggedBy,
    revokedBy: await reasonsOf(log, entry),
    allowedBy: allowedBy(log.inForce, entry),
    places: await placesOf(log, referencesOf(statement)),
    usedBy,
    inForceIn: policiesIn(log.inForce, usedBy.entries),
    ...(await versionsOf(log, entry)),
  };
}

/** By the log's own account of its first checkpoint over it. */
function isUnconfirmed(recordedAt: string | null, cosignedAt: string): boolean {
  if (recordedAt === null) return false;
  return Date.parse(cosignedAt) > Date.parse(recordedAt) + MAX_CONFIRMATION_DELAY * 1000;
}

async function reasonsOf(log: PublishedLog, entry: ReadEntry): Promise<EntryView["revokedBy"]> {
  const indexes = await revokedBy(log, entry);
  return Promise.all(
    indexes.map(async (index) => {
      const { envelope } = await readLoggedEntry(log, index);
      return { index, reason: (envelope.statement as StatementOf<"revocation">).predicate.reason };
    }),
  );
}

/** The rule that its signatures satisfied, by the trust root that was in force at its index. */
function allowedBy({ trustRoots }: InForce, { index, envelope }: ReadEntry): EntryView["allowedBy"] {
  const { statement } = envelope;
  if (statement.kind === "trust-root") return null;
  const placed = trustRoots.findLast((candidate) => candidate.index < index);
  if (placed === undefined) throw new Error(`no trust root stands before entry ${index}`);
  const rule = authorise(placed.root, { ...statement, ...signersOf(envelope) });
  return { trustRoot: placed.root.version, at: placed.index, rule };
}

/** Where the entries that a document names are. */
export async function placesOf(
  log: PublishedLog,
  references: ReadonlyArray<{ readonly digest: string }>,
): Promise<Map<string, number>> {
  const places = new Map<string, number>();
  for (const digest of new Set(references.map((reference) => reference.digest))) {
    const found = await log.findByDigest(digest);
    if (found !== undefined) places.set(digest, found.index);
  }
  return places;
}

/** What names this payload: references are among the digests that the log is searched by. */
async function usedByOf(log: PublishedLog, digest: string): Promise<EntryView["usedBy"]> {
  const { indexes, next } = await log.search({ digest, limit: USED_BY });
  const entries = await Promise.all(indexes.map((index) => readNamed(log, index)));
  return { entries, more: next !== null };
}

function policiesIn({ policies }: InForce, entries: readonly NamedEntry[]): string[] {
  return entries.flatMap(({ kind, name, index }) =>
    kind === "policy" && policies.get(name)?.index === index ? [name] : [],
  );
}

/** The one of the same kind and name before it, and the newest. */
async function versionsOf(
  log: PublishedLog,
  { index, envelope }: ReadEntry,
): Promise<Pick<EntryView, "before" | "newer">> {
  const { kind, name } = envelope.statement;
  const [older] = (await log.search({ kind, name, before: index, limit: 1 })).indexes;
  const [newest] = (await log.search({ kind, name, limit: 1 })).indexes;
  const newer = newest === undefined || newest === index ? null : await readNamed(log, newest);
  if (older === undefined) return { before: null, newer };
  const previous = await readLoggedEntry(log, older);
  return {
    before: {
      index: older,
      version: previous.envelope.statement.version,
      differences: differences(previous.envelope.statement.predicate, envelope.statement.predicate),
    },
    newer,
  };
}

function describe(api: Api): void {
  const calls = [
    [
      "",
      "getEntryPage",
      "An entry, for people",
      "In plain words, with what refers to it and a check of its proof in the browser.",
      "text/html",
    ],
    [
      "/statement.json",
      "getStatementFile",
      "The statement of an entry",
      "The payload as it was signed, as a file.",
      "application/json",
    ],
    [
      "/envelope.dsse.json",
      "getEnvelopeFile",
      "The envelope of an entry",
      "The bytes of its leaf, as a file: what `touchstone proof verify` takes.",
      "application/json",
    ],
  ] as const;
  for (const [ending, operationId, summary, description, type] of calls) {
    const path = `/entries/{index}${ending}`;
    describePage(api, { path, operationId, summary, description, type, params: ["index"] });
  }
}
