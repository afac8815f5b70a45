// touchstone trust-root: draft the successor of the trust root in force, collect signatures, publish it, and write the new pin.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { ALLOW_EXPIRED, DEFAULT_URL, parsePositive } from "../options.ts";
import { addPublishTo } from "../publish-command.ts";
import { addSignTo } from "../sign-command.ts";

export function define(trustRoot: Command, context: CliContext): void {
  trustRoot
    .command("draft")
    .description(
      "write the successor of the trust root in force, the same but for version and expiry: edit it, then sign it",
    )
    .option("--to <url>", "base URL of the log", DEFAULT_URL)
    .option("--days <number>", "until it expires", parsePositive, 5 * 365)
    .requiredOption("-o, --output <file>", "where to write the statement")
    .addHelpText("after", "\nExample:\n  touchstone trust-root draft -o root-2.json")
    .action(async (options) => {
      const { runDraft } = await import("../actions/trust-root.ts");
      await runDraft(options, context);
    });
  trustRoot
    .command("seal <file>")
    .description("turn an edited trust root into the statement that is signed; says what is wrong with it")
    .requiredOption("-o, --output <file>", "where to write the statement")
    .option(...ALLOW_EXPIRED)
    .addHelpText("after", "\nExample:\n  touchstone trust-root seal root-2.json -o root-2.statement.json")
    .action(async (file, options) => {
      const { runSeal } = await import("../actions/trust-root.ts");
      await runSeal(file, options, context);
    });
  addSignTo(trustRoot, context, "touchstone trust-root sign root-2.statement.json --key keys/root.pem");
  addPublishTo(trustRoot, context, "touchstone trust-root publish root-2.statement.dsse.json");
  trustRoot
    .command("pin <envelope>")
    .description("write trust-root.json for this trust root: what verifiers pin from now on")
    .requiredOption("-o, --output <file>", "where to write it")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone trust-root pin root-2.statement.dsse.json -o trust-root.json",
    )
    .action(async (file, options) => {
      const { runPin } = await import("../actions/trust-root.ts");
      await runPin(file, options, context);
    });
}
