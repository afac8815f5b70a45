// touchstone entries: look things up in a log. What is shown is what the log says; its proofs are checked by `proof` and `audit`.
import type { Command } from "commander";
import * as z from "zod";
import { readAs } from "../../protocol/encoding/shape.ts";
import { askLog } from "../../publisher/client/log-client.ts";
import { type CliContext, show } from "../context.ts";
import { logClient } from "../log-client.ts";
import { DEFAULT_URL } from "../options.ts";

const summary = z.object({
  index: z.int(),
  kind: z.string(),
  name: z.string(),
  version: z.string(),
  payloadDigest: z.string(),
  revoked: z.boolean(),
});
const page = z.object({ entries: z.array(summary), next: z.string().nullable().optional() });

interface ListOptions {
  readonly to: string;
  readonly kind?: string;
  readonly name?: string;
  readonly limit: string;
  readonly json?: boolean;
}

export function addEntries(program: Command, context: CliContext): void {
  const entries = program.command("entries").description("look up entries of a log");
  entries
    .command("list")
    .description("newest entries first")
    .option("--to <url>", "base URL of the log", DEFAULT_URL)
    .option("--kind <kind>", "only this kind")
    .option("--name <name>", "only this name")
    .option("--limit <number>", "how many", "20")
    .addHelpText("after", "\nExample:\n  touchstone entries list --kind os-image")
    .action(async ({ to, kind, name, limit, json }: ListOptions) => {
      const query = { limit, ...(kind && { kind }), ...(name && { name }) };
      await listEntries(to, query, { ...(json && { json }) }, context);
    });
  entries
    .command("find <value>")
    .description("entries that name a digest (sha256:… or sha384:…) or were signed by a key (key:…)")
    .option("--to <url>", "base URL of the log", DEFAULT_URL)
    .addHelpText(
      "after",
      "\nExample:\n  touchstone entries find sha256:26c1faa45ee2cdbef2b33695d97a03623eecc143e0312053e35c7b7502a74112",
    )
    .action(async (value: string, { to, json }: { to: string; json?: boolean }) => {
      const query: Record<string, string> = value.startsWith("key:")
        ? { publisher: value.slice(4) }
        : { digest: value };
      await listEntries(to, query, { ...(json && { json }) }, context);
    });
  entries
    .command("show <index>")
    .description("one entry: statement, signers, when it was logged, what revoked it")
    .option("--to <url>", "base URL of the log", DEFAULT_URL)
    .addHelpText("after", "\nExample:\n  touchstone entries show 3")
    .action(async (index: string, { to, json }: { to: string; json?: boolean }) => {
      const path = `/v1/entries/${encodeURIComponent(index)}`;
      const entry = await askLog(logClient(to, context), path, (json) => json);
      show(context, { ...(json && { json }) }, entry, [JSON.stringify(entry, null, 2)]);
    });
}

async function listEntries(
  url: string,
  query: Record<string, string>,
  options: { json?: boolean },
  context: CliContext,
): Promise<void> {
  const path = `/v1/entries?${new URLSearchParams(query)}`;
  const found = await askLog(logClient(url, context), path, (json) => readAs(page, json, "page"));
  const lines = found.entries.map(
    ({ index, kind, name, version, payloadDigest, revoked }) =>
      `${String(index).padStart(6)}  ${`${kind}/${name}@${version}`.padEnd(56)} sha256:${payloadDigest.slice(0, 16)}…${revoked ? "  REVOKED" : ""}`,
  );
  show(context, options, found, lines.length === 0 ? ["no entry"] : lines);
}
