// Defines the options that identify a release, which every `touchstone describe KIND` takes.
import type { Command } from "commander";
import type { ReleaseInput } from "../publisher/describe/release-fields.ts";
import { parseCount, parseName } from "./options.ts";

/** The options of `addReleaseOptions`, as commander hands them to the action. */
export interface ReleaseOptions extends ReleaseInput {
  /** Path to write the statement to. */
  readonly output: string;
}

/** Adds the options of `ReleaseOptions`. The program must have called `enablePositionalOptions()`, or its own `--version` swallows this one. */
export function addReleaseOptions(command: Command): Command {
  return command
    .requiredOption("--name <name>", "name of the release, such as acme/guest", parseName)
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
    .option(
      "--provenance <file>",
      "SLSA v1 provenance (DSSE envelope or sigstore bundle), checked and linked by digest",
    )
    .option("--provenance-key <file>", "public key of the provenance's builder, PEM")
    .requiredOption("-o, --output <file>", "where to write the statement");
}
