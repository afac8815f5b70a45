// Implements `touchstone init`: founds a log in a folder. Keys, trust root, configuration and database.
import { type Command, InvalidArgumentError } from "commander";
import { ROLES } from "../../publisher/trust-root/roles.ts";
import type { CliContext } from "../context.ts";
import { collect, parsePositive, parseUrl } from "../options.ts";

const HELP = `
Examples:
  touchstone init log --origin log.example.com/production --url https://log.example.com

In a PostgreSQL database, for a log that several machines serve:
  touchstone init log --origin log.example.com/production --postgres env:DATABASE_URL

Where people keep the root role, and no private key of theirs meets another:
  touchstone init log --root-key ann.pub --root-key bob.pub --root-key cy.pub --root-threshold 2
  touchstone sign log/root.json --key ann.pem      # at Ann's, then the envelope at Bob's
  touchstone init log --signed log/root.dsse.json`;

export function define(command: Command, context: CliContext): void {
  command
    .arguments("<dir>")
    .option(
      "--origin <origin>",
      "origin of the log: a host and path that stay yours; it never changes",
      "localhost/touchstone",
    )
    .option("--url <url>", "where clients will reach the service", parseUrl, "http://127.0.0.1:8080")
    .option(
      "--status-days <days>",
      "how long a status is good, 1 to 7 (default: 2, and the service issues one a day)",
      parseStatusDays,
    )
    .option(
      "--log-key <key>",
      "what keeps the Ed25519 key that signs checkpoints, instead of a new one in a file: cmd: or pkcs11:",
    )
    .option(
      "--receipt-key [key]",
      "give receipts (RFC 9942), by a new key in a file or by what keeps one elsewhere: cmd: or pkcs11:",
    )
    .option(
      "--postgres <source>",
      "keep the log in a PostgreSQL database instead of a file beside its configuration: env:NAME or a file with its URL",
      parseUrlSource,
    )
    .option(
      "--schema <name>",
      "schema of the log in that database (default: called after the origin)",
      parseSchema,
    )
    .option("--ml-dsa-44", "give the log a second key: it signs its checkpoints with ML-DSA-44, too")
    .option(
      "--index",
      "commit to an index in each status: lookups prove which entries there are, and that there are none",
    )
    .option("--offline-status-key", "you issue the statuses, and the service does not have their key");
  for (const role of ROLES) {
    command
      .option(
        `--${role}-key <file>`,
        `public key that holds the ${role} role, several times for several`,
        collect,
        [],
      )
      .option(`--${role}-threshold <number>`, "how many of them must sign", parsePositive, 1);
  }
  command
    .option("--signed <envelope>", "go on with the signed trust root, where the root keys are people's")
    .addHelpText("after", HELP)
    .action(async (dir, options) => {
      const { runInit } = await import("../actions/init.ts");
      await runInit(dir, options, context);
    });
}

/** A URL may have a password in it, and stands in the shell's history. */
function parseUrlSource(text: string): string {
  if (text.includes("://"))
    throw new InvalidArgumentError(
      "the URL itself was given: give env:NAME, or the path of a file that has it",
    );
  return text;
}

function parseSchema(text: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(text) || text.startsWith("pg_"))
    throw new InvalidArgumentError("expected a-z, 0-9 and _, at most 63");
  return text;
}

/** For commander's option parsing. */
function parseStatusDays(text: string): number {
  if (!/^[1-7]$/.test(text)) throw new InvalidArgumentError("expected a whole number of days from 1 to 7");
  return Number(text);
}
