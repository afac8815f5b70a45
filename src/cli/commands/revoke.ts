// Implements `touchstone revoke`: says for ever that a release, a policy, or what a stolen key signed is not to be trusted.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { DEFAULT_URL, KEY_FORMS, parseName, parseUrl, RECORD } from "../options.ts";

export function define(command: Command, context: CliContext): void {
  command
    .arguments("<target...>")
    .requiredOption("--name <name>", "name of the revocation, such as an advisory's", parseName)
    .requiredOption("--reason <text>", "why, for whoever is refused because of it")
    .option("--advisory <id>", "such as CVE-2026-12345")
    .requiredOption("--key <key...>", `keys of the revocation role: ${KEY_FORMS}`)
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .option("--trust <file>", "trust-root.json: the log that is meant, and whose proof is verified")
    .option(...RECORD)
    .option("--dry-run", "say what would stop being served, and revoke nothing")
    .option("--yes", "do not ask at a terminal")
    .addHelpText(
      "after",
      '\nExample:\n  touchstone revoke os-image/example/inference@2026.11.1 --name 2026-11-escape --reason "guest escape" --key keys/revocation.pem',
    )
    .action(async (targets, options) => {
      const { runRevoke } = await import("../actions/revoke.ts");
      await runRevoke(targets, options, context);
    });
}
