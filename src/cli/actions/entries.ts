// Looks entries up in a log and shows what the log says.
import * as z from "zod";
import { askLog } from "../../publisher/client/log-client.ts";
import { searchEntries } from "../../publisher/client/lookup.ts";
import { type CliContext, show } from "../context.ts";
import { entryLines } from "../entry-lines.ts";
import { logClient } from "../log-client.ts";

/** How many `find` shows. */
const FOUND = 20;

interface ListOptions {
  readonly to: string;
  readonly kind?: string;
  readonly name?: string;
  readonly limit: string;
  readonly json?: boolean;
}

export async function runList(
  { to, kind, name, limit, json }: ListOptions,
  context: CliContext,
): Promise<void> {
  const query = { ...(kind && { kind }), ...(name && { name }) };
  await listEntries(to, query, Number(limit), { ...(json && { json }) }, context);
}

export async function runFind(
  value: string,
  { to, json }: { to: string; json?: boolean },
  context: CliContext,
): Promise<void> {
  const query: Record<string, string> = value.startsWith("key:")
    ? { publisher: value.slice(4) }
    : { digest: value };
  await listEntries(to, query, FOUND, { ...(json && { json }) }, context);
}

export async function runShow(
  index: string,
  { to, json }: { to: string; json?: boolean },
  context: CliContext,
): Promise<void> {
  const path = `/v1/entries/${encodeURIComponent(index)}`;
  const { entry, lines } = await askLog(logClient(to, context), path, (answer) => ({
    entry: answer,
    lines: entryLines(answer),
  }));
  show(context, { ...(json && { json }) }, entry, lines);
}

const summary = z.object({
  index: z.int(),
  kind: z.string(),
  name: z.string(),
  version: z.string(),
  payloadDigest: z.string(),
  revoked: z.boolean(),
});

async function listEntries(
  url: string,
  query: Record<string, string>,
  limit: number,
  options: { json?: boolean },
  context: CliContext,
): Promise<void> {
  const found = await searchEntries(logClient(url, context), query, limit, summary);
  const lines = found.entries.map(
    ({ index, kind, name, version, payloadDigest, revoked }) =>
      `${String(index).padStart(6)}  ${`${kind}/${name}@${version}`.padEnd(56)} sha256:${payloadDigest.slice(0, 16)}…${revoked ? "  REVOKED" : ""}`,
  );
  show(context, options, found, lines.length === 0 ? ["no entry"] : lines);
}
