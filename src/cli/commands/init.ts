// touchstone init: founds a log in a folder. Keys, trust root, configuration and database.
import { join } from "node:path";
import type { Command } from "commander";
import { type CliContext, show } from "../context.ts";
import { initLog } from "../init-log.ts";

export function addInit(program: Command, context: CliContext): void {
  program
    .command("init <dir>")
    .description("found a log: keys, trust root, configuration, database")
    .option(
      "--origin <origin>",
      "origin of the log: a host and path that stay yours; it never changes",
      "localhost/touchstone",
    )
    .option("--url <url>", "where clients will reach the service", "http://127.0.0.1:8080")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone init log --origin log.example.com/production --url https://log.example.com",
    )
    .action(async (dir: string, options: { origin: string; url: string; json?: boolean }) => {
      await initLog(dir, { ...options, port: 8080 }, context);
      const trust = join(dir, "trust-root.json");
      show(context, options, { config: join(dir, "touchstone.toml"), trust, origin: options.origin }, [
        `${dir}: log ${options.origin} founded`,
        `  ${trust} is what verifiers pin`,
        `  ${join(dir, "keys")} holds the private keys: move root.pem, policy.pem and revocation.pem off this machine`,
        `next: touchstone serve --config ${join(dir, "touchstone.toml")}`,
      ]);
    });
}
