// Implements `touchstone release`: one file that names a release; described, signed, published in one batch, with the policy over it and
// the proofs.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { addIdentityOptions } from "../identity-options.ts";
import { RECORD } from "../options.ts";

const HELP = `
Example:
  touchstone release release.toml --dry-run
  touchstone release release.toml

Where another machine signs:
  touchstone release release.toml --prepare out
  touchstone sign out/kernel.json --key publisher.pem      # there, for each statement
  touchstone release release.toml --publish out

In a pipeline that has no key, such as a job of GitHub Actions:
  touchstone release release.toml --identity github --publish-claims

Run again after any failure, it adds only what is missing. docs/release-pipeline.md explains the file.`;

export function define(command: Command, context: CliContext): void {
  addIdentityOptions(command)
    .arguments("<file>")
    .option("-o, --output <dir>", "folder for statements, proofs and summary (default: <file> with .d)")
    .option("--dry-run", "describe everything, say what the log would do, write and publish nothing")
    .option("--prepare <dir>", "only describe into this folder, for others to sign")
    .option("--publish <dir>", "only publish what was prepared in this folder and signed")
    .option(...RECORD)
    .addHelpText("after", HELP)
    .action(async (file, options) => {
      const { runReleaseFile } = await import("../actions/release.ts");
      await runReleaseFile(file, options, context);
    });
}
