// touchstone init: founds a log in a folder. Keys, trust root, configuration and database.
import { type Command, InvalidArgumentError } from "commander";
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
    .option(
      "--status-days <days>",
      "how long a status is good, 1 to 7 (default: 2, and the service issues one a day)",
      parseStatusDays,
    )
    .option("--offline-status-key", "you issue the statuses, and the service does not have their key")
    .addHelpText(
      "after",
      "\nExample:\n  touchstone init log --origin log.example.com/production --url https://log.example.com",
    )
    .action(async (dir, options) => {
      const { runInit } = await import("../actions/init.ts");
      await runInit(dir, options, context);
    });
}

/** For commander's option parsing. */
function parseStatusDays(text: string): number {
  if (!/^[1-7]$/.test(text)) throw new InvalidArgumentError("expected a whole number of days from 1 to 7");
  return Number(text);
}
