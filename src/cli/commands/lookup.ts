// Implements `touchstone lookup`: which entries of a log have a term, or proof that none has.
import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import { judgeOnce } from "../judge-once.ts";
import { DEFAULT_URL, parseTime, parseUrl } from "../options.ts";

export function define(command: Command, context: CliContext): void {
  command
    .argument("<type>", "measurement, digest, name, payload or signer")
    .argument(
      "<value>",
      "measurement: PART/VALUE, of mrtd, rtmr0, rtmr1, rtmr2, rim, rim-table, vbios, driver; name: KIND/NAME; signer: key id or identity/RULE; else hex",
    )
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .option("--file <file>", "ask no log: verify this answer, which --output wrote")
    .requiredOption("--trust <file>", "trust-root.json of the log: what you pin")
    .option("--state <file>", "what was remembered of this log; created on the first visit")
    .option("--now <time>", "verify as of this time (RFC 3339) instead of now", parseTime)
    .addOption(
      new Option("--expect <what>", "end with 1 unless there is such an entry, or is none").choices([
        "some",
        "none",
      ]),
    )
    .option("-o, --output <file>", "keep the log's answer, for whoever wants to verify it offline")
    .addHelpText(
      "after",
      "\nBoth answers are proven, for the entries that the log's newest status covers: exactly these, or none. Both end with 0.\n" +
        "\nExamples:\n  touchstone lookup measurement mrtd/$MRTD --to https://log.example.com --trust trust-root.json\n" +
        "  touchstone lookup name os-image/acme/guest --to https://log.example.com --trust trust-root.json -o answer.json\n" +
        "  touchstone lookup digest $DIGEST --file answer.json --trust trust-root.json --expect none",
    )
    .action(async (type, value, options) => {
      judgeOnce();
      const { runLookup } = await import("../actions/lookup.ts");
      await runLookup(type, value, options, context);
    });
}
