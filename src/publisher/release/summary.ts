// Summarises what a release came to, as JSON for programs and as Markdown for the page of a build.

export interface SummaryEntry {
  readonly table: string;
  /** "kind/name@version". */
  readonly entry: string;
  readonly index: number;
  /** "known": it was in the log before. */
  readonly outcome: "new" | "known";
  readonly treeSize: number;
  /** SHA-256 of the statement, hex: what others refer to. */
  readonly payloadDigest: string;
  /** RFC 6962 leaf hash, hex. */
  readonly leafHash: string;
  readonly artefacts: readonly { readonly name: string; readonly sha256: string }[];
  /** Files in the folder of the summary. */
  readonly envelope: string;
  readonly proof: string;
}

export interface ReleaseSummary {
  readonly log: { readonly url: string; readonly origin: string };
  /** Entries that the log did not have before. */
  readonly added: number;
  readonly entries: readonly SummaryEntry[];
  readonly policy: SummaryEntry | null;
  /** File of the policy that nobody has signed yet. */
  readonly policyDraft: string | null;
}

/** Markdown: one table of entries, one of artefacts. */
export function formatSummary(summary: ReleaseSummary): string {
  const { log, entries, policy } = summary;
  const all = policy === null ? entries : [...entries, policy];
  return [
    `# Release in ${cell(log.origin)}`,
    "",
    conclusion(summary),
    "",
    "| entry | index | statement, SHA-256 | leaf hash | proof |",
    "| --- | ---: | --- | --- | --- |",
    ...all.map(
      ({ entry, index, payloadDigest, leafHash, proof }) =>
        `| ${cell(entry)} | ${index} | \`${payloadDigest}\` | \`${leafHash}\` | ${cell(proof)} |`,
    ),
    "",
    "| artefact | SHA-256 | entry |",
    "| --- | --- | --- |",
    ...entries.flatMap(({ entry, artefacts }) =>
      artefacts.map(({ name, sha256 }) => `| ${cell(name)} | \`${sha256}\` | ${cell(entry)} |`),
    ),
    "",
  ].join("\n");
}

/** One sentence: what was added, and what is left to do. */
export function conclusion({ log, added, policyDraft }: ReleaseSummary): string {
  const done = added === 0 ? "Nothing added: everything is in the log already" : `${added} entries added`;
  const left =
    policyDraft === null ? "" : ` ${policyDraft} is a draft: review it, sign it, and run this again.`;
  return `${done} (${log.url}).${left}`;
}

/** Text of others in a table cell: it neither ends the cell nor starts markup. */
function cell(text: string): string {
  return text.replace(/[\\|`*_<>[\]]/g, (character) => `\\${character}`);
}
