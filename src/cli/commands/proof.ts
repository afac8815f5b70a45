// Implements `touchstone proof`: checks that an envelope is in a log, by the tlog-proof file that `publish` wrote beside it.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { judgeOnce } from "../judge-once.ts";

export function define(command: Command, context: CliContext): void {
  command
    .command("verify <envelope> <proof>")
    .description("verify offline that the envelope is in the log that the trust root names")
    .requiredOption("--trust <file>", "trust-root.json of the log: its key, witnesses and quorum")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone proof verify os-image.dsse.json os-image.tlog-proof --trust trust-root.json",
    )
    .action(async (envelopeFile, proofFile, options) => {
      judgeOnce();
      const { runVerify } = await import("../actions/proof.ts");
      await runVerify(envelopeFile, proofFile, options, context);
    });
}
