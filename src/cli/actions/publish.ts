// Publishes files and shows where they are in the log.
import { describeReference } from "../../protocol/entry/reference.ts";
import { requireConfirmed } from "../../publisher/client/require-confirmed.ts";
import { type CliContext, show } from "../context.ts";
import { STANDARD } from "../files.ts";
import { type PublishOptions, publishFiles } from "../publish-files.ts";

export async function runPublish(
  files: string[],
  options: PublishOptions & { readonly json?: boolean },
  context: CliContext,
): Promise<void> {
  const published = await publishFiles(files, options, context);
  const facts = published.map(({ index, outcome, treeSize, envelope }) => ({
    index,
    outcome,
    treeSize,
    entry: describeReference(envelope.statement),
  }));
  const known = (outcome: string) => (outcome === "known" ? " (was in the log already)" : "");
  const lines = facts.map(({ entry, index, outcome }) => `${entry}: entry ${index}${known(outcome)}`);
  const output = files.includes(STANDARD) ? STANDARD : undefined;
  show(context, { ...options, output }, facts, lines);
  requireConfirmed(published);
}
