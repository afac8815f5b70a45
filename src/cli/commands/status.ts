// Implements `touchstone status`: issues the next status with a key that is kept away from the log. The signer believes nothing that the
// log says: it replays the log, computes what is in force, and signs that.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { DEFAULT_URL, KEY_FORMS, parseUrl } from "../options.ts";

export function define(command: Command, context: CliContext): void {
  command
    .command("publish")
    .description("replay the log, sign what is in force, publish it (where the service has no status key)")
    .requiredOption("--key <key...>", `keys of the status role: ${KEY_FORMS}`)
    .requiredOption("--trust <file>", "trust-root.json of the log: what the replay starts from")
    .option("--to <url>", "base URL of the log", parseUrl, DEFAULT_URL)
    .option("--state <file>", "state file of the replay, so that the next one goes on from here")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone status publish --key keys/status.pem --trust trust-root.json --state status.audit",
    )
    .action(async (options) => {
      const { runPublish } = await import("../actions/status.ts");
      await runPublish(options, context);
    });
}
