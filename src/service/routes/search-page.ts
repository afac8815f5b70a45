// Serves the search page: takes what people paste, says what it took it for, and looks it up.
import * as z from "zod";
import type { PublishedLog } from "../../log/published-log.ts";
import type { SearchQuery } from "../../log/store/log-store.ts";
import { isName } from "../../protocol/entry/name.ts";
import type { Term } from "../../protocol/lookup/term.ts";
import { currentTrustRoot } from "../../protocol/registration/in-force.ts";
import { readNamed, requirePublished } from "../entries/read-entry.ts";
import { cursor, readDecimal } from "../http/parameters.ts";
import type { Api } from "../openapi.ts";
import { answerPage } from "../pages/answer.ts";
import { type SearchView, searchPage } from "../pages/search.ts";
import type { Service } from "../service.ts";
import { describePage } from "./describe-page.ts";
import { findEntries } from "./find-entries.ts";

const PAGE = 20;
const MAX_QUERY = 256;

export function addSearchPage(api: Api, service: Service): void {
  const { read: log } = service.log;
  describePage(api, {
    path: "/search",
    operationId: "getSearchPage",
    summary: "Search, for people",
    description:
      "Takes a digest, a measurement, a name, a key or an index, and says what it took the query for.",
    type: "text/html",
    query: z.strictObject({
      q: z
        .string()
        .optional()
        .describe(
          `A digest, a measurement, a name, key:<key id>, or an index; no more than ${MAX_QUERY} characters are looked at`,
        ),
      cursor: cursor.optional().describe("Cursor of the page before"),
    }),
  });
  api.get("/search", async (c) => {
    const query = (c.req.query("q") ?? "").trim().slice(0, MAX_QUERY);
    const before = c.req.query("cursor");
    return answerPage(c, service, 0, async () => searchPage(service, await viewOf(log, query, before)));
  });
}

/** What a query is taken for. */
interface Reading {
  readonly takenFor: string;
  /** The same question to the index, all with the value of the first; none where it answers no such one. */
  readonly terms: readonly Term[];
  readonly query: Omit<SearchQuery, "before" | "limit"> | { readonly index: number };
}

const HEX: Readonly<Record<number, string>> = { 64: "SHA-256", 96: "SHA-384 or measurement", 128: "SHA-512" };

/** @returns null for what could be none of these. */
function read(text: string): Reading | null {
  const key = /^key:([0-9a-f]{64})$/i.exec(text)?.[1];
  if (key !== undefined) {
    const value = key.toLowerCase();
    return {
      takenFor: "entries that this key signed",
      terms: [{ type: "signer", value }],
      query: { publisher: value },
    };
  }
  const hex = /^(?:sha(?:256|384|512):)?([0-9a-f]+)$/i.exec(text)?.[1]?.toLowerCase();
  const what = HEX[hex?.length ?? 0];
  if (hex !== undefined && what !== undefined)
    return {
      takenFor: `entries that state this ${what}`,
      terms: digestTerms(hex),
      query: { digest: hex },
    };
  if (/^\d{1,15}$/.test(text))
    return { takenFor: `entry ${text}`, terms: [], query: { index: Number(text) } };
  const [, name = "", version] = /^([^@]*)(?:@(.*))?$/.exec(text.replace(/^[a-z-]+:/, "")) ?? [];
  if (!isName(name)) return null;
  return {
    takenFor:
      version === undefined ? `entries of exactly this name` : "entries of exactly this name and version",
    terms: [],
    query: { name, ...(version === undefined ? {} : { version }) },
  };
}

/** A search for a SHA-256 finds the entry whose payload has it, too. */
function digestTerms(value: string): Term[] {
  const types = value.length === 64 ? (["digest", "payload"] as const) : (["digest"] as const);
  return types.map((type) => ({ type, value }));
}

async function viewOf(log: PublishedLog, query: string, cursor: string | undefined): Promise<SearchView> {
  const before = cursor === undefined ? undefined : readDecimal(cursor, "cursor");
  if (query === "") return { query, takenFor: null, entries: [], terms: [], next: null };
  const reading = read(query);
  const nothing = { query, entries: [], terms: [], next: null };
  if (reading === null)
    return { ...nothing, takenFor: "nothing: it is no digest, no index, no key and no name" };
  const { takenFor } = reading;
  const { checkpoint, inForce } = requirePublished(log);
  const { size } = checkpoint;
  const terms = currentTrustRoot(inForce)?.root.index === true ? reading.terms : [];
  if ("index" in reading.query) {
    const { index } = reading.query;
    return index < size
      ? { query, takenFor, entries: [await readNamed(log, index)], terms, next: null }
      : { ...nothing, takenFor };
  }
  const { entries, next } = await findEntries(log, {
    ...reading.query,
    before: Math.min(before ?? size, size),
    limit: PAGE,
  });
  return {
    query,
    takenFor,
    entries: await Promise.all(entries.map(({ index }) => readNamed(log, index))),
    terms,
    next,
  };
}
