// Implements `touchstone proof`: checks that an envelope is in a log, by the tlog-proof file that `publish` wrote beside it or by a receipt,
// and fetches either.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { judgeOnce } from "../judge-once.ts";
import { DEFAULT_URL, parsePositive, parseUrl } from "../options.ts";

const VERIFY_EXAMPLES = `
Examples:
  touchstone proof verify os-image.dsse.json os-image.tlog-proof --trust trust-root.json
  touchstone proof verify os-image.dsse.json os-image.receipt --receipt --trust trust-root.json`;

const EXPORT_EXAMPLE = `
Example:
  touchstone proof export os-image.dsse.json --receipt --trust trust-root.json -o os-image.receipt`;

export function define(command: Command, context: CliContext): void {
  command
    .command("verify <envelope> <proof>")
    .description("verify offline that the envelope is in the log that the trust root names")
    .requiredOption("--trust <file>", "trust-root.json of the log: its keys, witnesses and quorum")
    .option("--receipt", "the proof is a receipt (RFC 9942), which no witness signed")
    .addHelpText("after", VERIFY_EXAMPLES)
    .action(async (envelopeFile, proofFile, { receipt, ...options }) => {
      judgeOnce();
      if (receipt) {
        const { runVerifyReceipt } = await import("../actions/proof/receipt.ts");
        return runVerifyReceipt(envelopeFile, proofFile, options, context);
      }
      const { runVerify } = await import("../actions/proof.ts");
      await runVerify(envelopeFile, proofFile, options, context);
    });
  command
    .command("export <envelope>")
    .description("fetch the proof that the envelope is in the log, verify it, and write it")
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .requiredOption("--trust <file>", "trust-root.json of the log: its keys, witnesses and quorum")
    .option("--receipt", "as a receipt (RFC 9942) instead of a tlog-proof")
    .option("--key-output <file>", "where to write the receipt key as PEM, for other readers")
    .option("--size <number>", "in the tree of this size, which a checkpoint must have", parsePositive)
    .requiredOption("-o, --output <file>", "where to write it")
    .addHelpText("after", EXPORT_EXAMPLE)
    .action(async (envelopeFile, options) => {
      const { runExport } = await import("../actions/proof/export.ts");
      await runExport(envelopeFile, options, context);
    });
}
