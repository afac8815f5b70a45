// What every `touchstone describe KIND` takes and does alike: the options that identify the release, and writing the
// statement. Nothing is written before the whole statement exists, so that a failed describe leaves no file behind.
import { dirname, join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { attachmentFileName, type Described } from "../../../publisher/describe/described.ts";
import type { ReleaseInput } from "../../../publisher/describe/release-fields.ts";
import { writeOutput } from "../../files.ts";

/** The options of `addReleaseOptions`, as commander hands them to the action. */
export interface ReleaseOptions extends ReleaseInput {
  /** Path to write the statement to. */
  readonly output: string;
}

/** Adds the options of `ReleaseOptions`. The program must have called `enablePositionalOptions()`, or its own `--version` swallows this one. */
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

/** Where the attachment with that SHA-256 lies beside the statement at `output`. */
export function attachmentPath(output: string, sha256: string): string {
  return join(dirname(output), attachmentFileName(sha256));
}

/** Writes the statement's payload to `output`, its attachments beside it first, so that a statement never lacks one. */
export function writeDescribed(output: string, { payload, attachments }: Described): void {
  for (const { reference, bytes } of attachments)
    writeOutput(attachmentPath(output, reference.digest), bytes);
  writeOutput(output, payload);
}
