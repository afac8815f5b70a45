// Reads and writes expected.toml: the names, keys and kinds that an owner watches in a log, and the entries that are the owner's own
// (docs/monitoring.md). Whatever else appears there is a stranger's.
import { parse, TomlError } from "smol-toml";
import * as z from "zod";
import { readAs } from "../../protocol/encoding/shape.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { KINDS } from "../../protocol/entry/kinds.ts";
import { MAX_NAME_BYTES, NAME, NAME_PATTERN } from "../../protocol/entry/name.ts";
import { MalformedError } from "../../protocol/errors.ts";

const FORMAT = "file of expected entries";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: "expected 64 lower-case hex digits" });
const kind = z.enum(KINDS);
const name = z.string().max(MAX_NAME_BYTES).regex(NAME);
const namePattern = z.string().max(MAX_NAME_BYTES).regex(NAME_PATTERN);

/** A status says what the replay of the log says, so nobody can publish a strange one. */
const watchedKind = kind.refine((text) => text !== "status", {
  error: "a status is recomputed by every replay: there is no strange one",
});

const expectedFile = z.strictObject({
  watch: z.strictObject({
    /** Names, folders as `acme/*`, or `*`. */
    names: z.array(namePattern).default([]),
    /** Key ids (hex): what they sign is to be known, whatever it is called. */
    keys: z.array(sha256).default([]),
    kinds: z.array(watchedKind).default([]),
  }),
  entry: z
    .array(
      z.strictObject({
        kind,
        name,
        version: z.string().min(1).max(128),
        /** SHA-256 of the statement. */
        digest: sha256,
      }),
    )
    .default([]),
});
export type ExpectedFile = z.infer<typeof expectedFile>;
export type ExpectedEntry = ExpectedFile["entry"][number];

/** @throws MalformedError */
export function parseExpected(bytes: Uint8Array): ExpectedFile {
  return readAs(expectedFile, readToml(decodeUtf8(bytes)), FORMAT);
}

/**
 * Adds entries to the text of such a file; comments and what is in it stay. A new file watches the names of its first entries.
 * @param text null where there is no file yet.
 * @throws MalformedError when it is none.
 */
export function addExpected(text: string | null, entries: readonly ExpectedEntry[]): string {
  const start = text ?? newFile(entries);
  const { entry: known } = readAs(expectedFile, readToml(start), FORMAT);
  const added = entries.filter(({ digest }) => !known.some((one) => one.digest === digest));
  const separator = start === "" || start.endsWith("\n") ? "" : "\n";
  return start + separator + added.map(entryTable).join("");
}

function newFile(entries: readonly ExpectedEntry[]): string {
  const names = [...new Set(entries.map((entry) => entry.name))].map((text) => JSON.stringify(text));
  return `# What \`touchstone monitor --expected\` holds the log against.\n[watch]\nnames = [${names.join(", ")}]\nkeys = []\nkinds = []\n`;
}

/** None of these values holds a character that a TOML string would need to escape but those that JSON escapes alike. */
function entryTable({ kind, name, version, digest }: ExpectedEntry): string {
  const line = (key: string, value: string) => `${key} = ${JSON.stringify(value)}\n`;
  return `\n[[entry]]\n${line("kind", kind)}${line("name", name)}${line("version", version)}${line("digest", digest)}`;
}

function readToml(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new MalformedError(FORMAT, error.message.split("\n")[0] ?? "not TOML", `line ${error.line}`);
  }
}
