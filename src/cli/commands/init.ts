// touchstone init: founds a log in a folder. Keys, trust root, configuration and database.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";

export function define(command: Command, context: CliContext): void {
  command
    .arguments("<dir>")
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
    .action(async (dir, options) => {
      const { runInit } = await import("../actions/init.ts");
      await runInit(dir, options, context);
    });
}
