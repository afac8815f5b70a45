// Implements `touchstone trust-root`: draft the successor of the trust root in force, collect signatures, publish it, and write the new
// pin.
import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import { ALLOW_EXPIRED, collect, DEFAULT_URL, parsePositive, parseUrl } from "../options.ts";
import { addPublishTo } from "../publish-command.ts";
import { addSignTo } from "../sign-command.ts";

const DRAFT_EXAMPLES = `
Examples:
  touchstone trust-root draft -o root-2.json
  touchstone trust-root draft --replace-key a8f1…=publisher-2.pub -o root-2.json
  touchstone trust-root draft --set-role root=2:ann.pub,bob.pub,cy.pub -o root-2.json
  touchstone trust-root draft --set-role identity-keys=2:ann.pub,bob.pub --add-identity release.json -o root-2.json
  touchstone trust-root draft --add-witness witness.example.net=witness.example.net+77d1c1e2+BBx… --witness-url https://witness.example.net --quorum 1 -o root-2.json`;

export function define(trustRoot: Command, context: CliContext): void {
  trustRoot
    .command("draft")
    .description(
      "write the successor of the trust root in force, the same but for version, expiry and what the options change; then seal and sign it",
    )
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .option("--days <number>", "until it expires", parsePositive, 5 * 365)
    .option(
      "--set-role <role=k:file,…>",
      "give a role to the holders of these public keys, k of whom must sign",
      collect,
      [],
    )
    .option(
      "--replace-key <id=file>",
      "put a public key in the place of the one with this id, in every role",
      collect,
      [],
    )
    .option("--add-witness <name=key>", "name one more witness, whose key is NAME+ID+BASE64")
    .option("--witness-url <url>", "where the log reaches that witness: its submission prefix", parseUrl)
    .option("--quorum <number>", "how many of the witnesses must cosign then", parsePositive)
    .option(
      "--add-identity <file>",
      "name an identity rule (docs/formats.md), by which publishers' releases are published without a key",
      collect,
      [],
    )
    .option("--add-receipt-key <file>", "list one more public key that signs receipts", collect, [])
    .option("--remove-receipt-key <id>", "list the receipt key with this id no longer", collect, [])
    .addOption(
      new Option(
        "--index <on-or-off>",
        "whether statuses commit to an index, by which lookups are proven",
      ).choices(["on", "off"]),
    )
    .option("--add-log-key <key>", "name one more key of the log, such as one of ML-DSA-44")
    .requiredOption("-o, --output <file>", "where to write the statement")
    .addHelpText("after", DRAFT_EXAMPLES)
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
