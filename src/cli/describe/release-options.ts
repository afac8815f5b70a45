// What every `touchstone describe KIND` takes and does alike: the options that identify the release, and writing the
// statement. Nothing is written before the whole statement exists, so that a failed describe leaves no file behind.
import { rename, rm, writeFile } from "node:fs/promises";
import { type Command, InvalidArgumentError } from "commander";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";

/** The options of `addReleaseOptions`, as commander hands them to the action. */
export interface ReleaseOptions {
  readonly name: string;
  readonly version: string;
  readonly channel: string;
  readonly svn: number;
  /** URI or name of who built it. */
  readonly builder: string;
  /** Where the source is. */
  readonly source: string;
  readonly sourceCommit?: string;
  /** Path of the source archive, to be digested. */
  readonly sourceArchive?: string;
  /** Path of a SLSA v1 provenance in a DSSE envelope. */
  readonly provenance?: string;
  /** Path of the public key of the provenance's builder. */
  readonly provenanceKey?: string;
  /** Path to write the statement to. */
  readonly output: string;
}

/** Adds the options of `ReleaseOptions`. The program must have called `enablePositionalOptions()`, or
 * its own `--version` swallows this one. */
export function addReleaseOptions(command: Command): Command {
  return command
    .requiredOption("--name <name>", "name of the release: a-z 0-9 . _ / -")
    .requiredOption("--version <version>", "version of the release; never reused for other content")
    .requiredOption("--channel <channel>", "channel of the release, such as stable")
    .requiredOption(
      "--svn <number>",
      "security version number: raised when older releases must be refused",
      parseCount,
    )
    .requiredOption("--builder <id>", "URI or name of the build service or person")
    .requiredOption("--source <uri>", "where the source is")
    .option("--source-commit <hex>", "git commit of the source")
    .option("--source-archive <file>", "source archive, digested")
    .option("--provenance <file>", "SLSA v1 provenance (DSSE envelope), checked and linked by digest")
    .option("--provenance-key <file>", "public key of the provenance's builder, PEM")
    .requiredOption("-o, --output <file>", "where to write the statement");
}

/** A whole number from 0 to 2^53 − 1, for commander's option parsing. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (!/^(?:0|[1-9][0-9]*)$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError("expected a whole number from 0 to 2^53 - 1");
  return value;
}

/** For an option that may be given several times. */
export function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}

/** Writes the statement's RFC 8785 form, all of it or nothing. */
export async function writeStatement(path: string, statement: unknown): Promise<void> {
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(unfinished, canonicalize(statement), { flag: "wx" });
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
