// Reads what the text before a patch's first hunk says: RFC 5322 fields as git format-patch writes them, DEP-3 fields
// (https://dep-team.pages.debian.net/deps/dep3/), the stable kernel's two ways to name an upstream commit, and git's and Ubuntu's.
// The author's name is left out: entries are public for ever.
import type { Patch } from "../../../protocol/entry/patch-series.ts";

const MAX_HEADER = 64 * 1024;
const MAX_SUBJECT = 512;
const MAX_DATE = 64;
const CHANGES_BEGIN = /^(?:diff --git |diff -|Index: |--- \S|---$)/m;
const FIELD = /^([A-Za-z][A-Za-z-]*):[ \t]*(.*(?:\n[ \t]+\S.*)*)/gm;
const SHA = "([0-9a-f]{40})";
/** A full object name or its first digits. */
const ID = "([0-9a-f]{7,40})\\b";
/** Fewer digits than entries state name too little. */
const MIN_ID = 12;
const BACKPORTED_FROM = [`^\\s*commit ${ID} upstream\\b`, `^\\s*\\[ ?upstream commit ${ID} ?\\]`] as const;
const PICKED_FROM = `^\\s*\\((?:cherry[- ]picked|back[- ]?ported) from commit ${ID}[^()\\n]*\\)`;

const ENCODED_WORD = /=\?([^?\s*]{1,40})(?:\*[^?\s]{1,40})?\?([bq])\?([^?\s]*)\?=/i;
const ENCODED_WORDS = new RegExp(`${ENCODED_WORD.source}(?:\\s+${ENCODED_WORD.source})*`, "gi");
/** Those that every Node decodes in the same way. */
const CHARSETS: ReadonlyMap<string, BufferEncoding> = new Map([
  ["utf-8", "utf8"],
  ["us-ascii", "utf8"],
  ["iso-8859-1", "latin1"],
]);

export type PatchHeader = Pick<Patch, "subject" | "authorDate" | "origin" | "upstreamCommit">;

/** Reads a patch's header. What it does not say is null, "unknown", or for the subject the file's name. */
export function readPatchHeader(patch: Uint8Array, fileName: string): PatchHeader {
  const text = decodeHeader(patch);
  const fields = readFields(text);
  const description = fields.get("subject") ?? fields.get("description") ?? firstSentence(text) ?? fileName;
  return {
    subject: toOneLine(stripPrefix(decodeWords(description)), MAX_SUBJECT) || fileName,
    authorDate: toOneLine(fields.get("date") ?? "", MAX_DATE) || null,
    ...readOrigin(text, fields),
  };
}

function decodeHeader(patch: Uint8Array): string {
  const start = patch.subarray(0, MAX_HEADER);
  // Cutting may split a character, and old patches are in Latin-1: neither may stop a describe.
  const text = new TextDecoder("utf-8").decode(start).replaceAll("\r\n", "\n");
  const end = CHANGES_BEGIN.exec(text);
  return end === null ? text : text.slice(0, end.index);
}

/** The first value of each field, by lower-case name. */
function readFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [, name = "", value = ""] of text.matchAll(FIELD)) {
    const key = name.toLowerCase();
    if (!fields.has(key)) fields.set(key, key === "description" ? (value.split("\n")[0] ?? "") : value);
  }
  return fields;
}

function firstSentence(text: string): string | undefined {
  return text
    .split("\n")
    .find((line) => /^\w/.test(line) && !/^(?:[A-Za-z-]+:\s|From [0-9a-f]{40} )/.test(line));
}

/** A stable patch names its commit in the message, DEP-3 in Origin or Applied-Upstream, git cherry-pick -x and Ubuntu at the end. */
function readOrigin(text: string, fields: Map<string, string>): Pick<Patch, "origin" | "upstreamCommit"> {
  const stable = BACKPORTED_FROM.map((pattern) => find(text, pattern)).find((id) => id !== undefined);
  if (stable !== undefined) return backportOf(stable);
  const origin = fields.get("origin") ?? "";
  const stated = /^(upstream|backport|vendor)\b/i.exec(origin)?.[1]?.toLowerCase() as
    | Patch["origin"]
    | undefined;
  const commit = find(origin, SHA) ?? find(fields.get("applied-upstream") ?? "", SHA);
  if (stated !== undefined) return { origin: stated, upstreamCommit: commit ?? null };
  if (commit !== undefined) return { origin: "upstream", upstreamCommit: commit };
  const picked = find(text, PICKED_FROM);
  if (picked !== undefined) return backportOf(picked);
  return { origin: "unknown", upstreamCommit: null };
}

function backportOf(id: string): Pick<Patch, "origin" | "upstreamCommit"> {
  return { origin: "backport", upstreamCommit: id.length < MIN_ID ? null : id };
}

function find(text: string, pattern: string): string | undefined {
  return new RegExp(pattern, "im").exec(text)?.[1]?.toLowerCase();
}

function stripPrefix(subject: string): string {
  return subject.replace(/^\s*(?:\[[^\]]*PATCH[^\]]*\]\s*)+/i, "");
}

/** RFC 2047 encoded words in UTF-8 or Latin-1, as git writes a subject that is not ASCII. */
function decodeWords(value: string): string {
  return value.replace(ENCODED_WORDS, decodeRun);
}

/** Space between two encoded words is none, and a mailer may have cut them between the bytes of a character. */
function decodeRun(run: string): string {
  const parts: { charset: string; bytes: Buffer }[] = [];
  for (const word of run.split(/\s+/)) {
    const [, name = "", encoding = "", content = ""] = ENCODED_WORD.exec(word) ?? [];
    const charset = name.toLowerCase();
    if (!CHARSETS.has(charset)) return run;
    const bytes = /b/i.test(encoding) ? Buffer.from(content, "base64") : decodeQ(content);
    const last = parts.at(-1);
    if (last?.charset === charset) last.bytes = Buffer.concat([last.bytes, bytes]);
    else parts.push({ charset, bytes });
  }
  return parts.map(({ charset, bytes }) => bytes.toString(CHARSETS.get(charset))).join("");
}

function decodeQ(word: string): Buffer {
  const text = word
    .replaceAll("_", " ")
    .replace(/=([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return Buffer.from(text, "latin1");
}

/** One line of what entries hold as text: no control characters, nor any that turn the direction of reading; at most `max` UTF-16 units. */
function toOneLine(value: string, max: number): string {
  const line = value
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this takes out.
    .replace(/[\u0000-\u0020\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, " ")
    .trim();
  return line.slice(0, max).replace(/[\ud800-\udbff]$/, "");
}
