// Looks up what a draft builds on. What the log answers here is not proven; a draft made from a lie is refused when it is published.
import * as z from "zod";
import { readAs } from "../../protocol/encoding/shape.ts";
import { releaseVersion } from "../../protocol/entry/fields.shape.ts";
import type { Kind } from "../../protocol/entry/kinds.ts";
import { isName } from "../../protocol/entry/name.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { type Envelope, envelopeFromJson } from "../../protocol/envelope/dsse.ts";
import type { StatementOf } from "../../protocol/envelope/statement.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { type AnswerCode, askLog, type LogClient } from "./log-client.ts";

const indexed = z.object({ index: z.int().min(0) });
const entry = z.object({ index: z.int().min(0), envelope: z.unknown() });
const inForce = z.object({ entry: z.unknown() });

export interface FoundEntry<K extends Kind = Kind> {
  readonly index: number;
  readonly envelope: Envelope;
  /** The envelope's. */
  readonly statement: StatementOf<K>;
}

/**
 * The newest entry of a kind and name, or the one of a version; undefined where there is none.
 * @throws VerificationError "answer" when the log answers with another entry.
 */
export async function findEntry<K extends Kind>(
  client: LogClient,
  { kind, name, version }: { readonly kind: K; readonly name: string; readonly version?: string },
): Promise<FoundEntry<K> | undefined> {
  const query = { kind, name, ...(version && { version }) };
  const [found] = (await searchEntries(client, query, 1, indexed)).entries;
  if (found === undefined) return undefined;
  const answered = await getEntry(client, found.index);
  const asked = `${kind}/${name}@${version ?? answered.statement.version}`;
  if (describeReference(answered.statement) !== asked)
    throw new VerificationError<AnswerCode>(
      "answer",
      `asked for ${asked}, the log answered with ${describeReference(answered.statement)}`,
    );
  return answered as FoundEntry<K>;
}

/** Entries that a log answers with at once. */
const MAX_PAGE = 100;

export interface Found<T> {
  readonly entries: readonly T[];
  /** Cursor of what follows, or null. */
  readonly next: string | null;
}

/**
 * The newest entries that match, as many as were asked for. One answer may hold fewer, or none, though there are more: it says where to
 * go on.
 * @param query filters as in openapi.yaml, without `cursor` and `limit`.
 * @throws VerificationError "answer" for what is no page, or one that leads nowhere.
 */
export async function searchEntries<T extends { readonly index: number }>(
  client: LogClient,
  query: Readonly<Record<string, string>>,
  limit: number,
  entry: z.ZodType<T>,
): Promise<Found<T>> {
  const page = z.object({
    entries: z.array(entry),
    next: z
      .string()
      .regex(/^\d{1,16}$/)
      .nullish(),
  });
  const entries: T[] = [];
  let next: string | null = null;
  do {
    const before: string | null = next;
    const size = String(Math.min(limit - entries.length, MAX_PAGE));
    const asked = new URLSearchParams({ ...query, limit: size, ...(before && { cursor: before }) });
    const path: string = `/v1/entries?${asked}`;
    const found = await askLog(client, path, (json) => readAs(page, json, "page"));
    entries.push(...found.entries);
    next = found.next ?? null;
    if (before !== null && next !== null && Number(next) >= Number(before))
      throw new VerificationError<AnswerCode>(
        "answer",
        `${path}: the log's next page is no older than this one`,
      );
  } while (next !== null && entries.length < limit);
  return { entries, next };
}

export async function getEntry(client: LogClient, index: number): Promise<FoundEntry> {
  return askLog(client, `/v1/entries/${index}`, parseFoundEntry);
}

/** The trust root in force. @throws VerificationError "answer" when the log answers with none. */
export async function getTrustRoot(client: LogClient): Promise<FoundEntry<"trust-root">> {
  const answered = await askLog(client, "/v1/trust-root", (json) =>
    parseFoundEntry(readAs(inForce, json, "trust root").entry),
  );
  if (answered.statement.kind !== "trust-root")
    throw new VerificationError<AnswerCode>(
      "answer",
      `asked for the trust root, the log answered with ${describeReference(answered.statement)}`,
    );
  return answered as FoundEntry<"trust-root">;
}

const REFERENCE = /^([a-z-]+)\/([^@]+)@([^@]+)$/;

/** Reads "kind/name@version". @throws MalformedError */
export function parseReference(text: string): { kind: string; name: string; version: string } {
  const [, kind, name, version] = REFERENCE.exec(text) ?? [];
  const valid = name !== undefined && isName(name) && releaseVersion.safeParse(version).error === undefined;
  if (!valid || kind === undefined || name === undefined || version === undefined)
    throw new MalformedError("reference", `${JSON.stringify(text.slice(0, 200))} is not kind/name@version`);
  return { kind, name, version };
}

function parseFoundEntry(json: unknown): FoundEntry {
  const answered = readAs(entry, json, "entry");
  const envelope = envelopeFromJson(answered.envelope);
  return { index: answered.index, envelope, statement: envelope.statement };
}
