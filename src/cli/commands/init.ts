// touchstone init: founds a log in a folder. Keys, trust root, configuration and database.
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { createLog } from "../../log/log.ts";
import { foundLog, ROLES } from "../../publisher/trust-root/found-log.ts";
import { formatConfig } from "../../service/config.ts";
import { formatTrustFile } from "../../verifier/bundle/trust-pin.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { writeOutput } from "../files.ts";
import { openLogConfig, readConfig } from "../open-log.ts";

const PRIVATE = 0o600;

export interface InitOptions {
  readonly origin: string;
  readonly url: string;
  readonly port: number;
}

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

/** Founds a log in a folder that is empty or not there yet. */
export async function initLog(
  dir: string,
  { origin, url, port }: InitOptions,
  context: CliContext,
): Promise<void> {
  if (existsSync(dir) && readdirSync(dir).length > 0) throw new UsageError(`${dir} is not empty`);
  mkdirSync(join(dir, "keys"), { recursive: true, mode: 0o700 });
  const founded = await foundLog(origin, context.now());
  for (const role of ROLES) writeOutput(join(dir, "keys", `${role}.pem`), founded.roleKeys[role], PRIVATE);
  writeOutput(join(dir, "keys", "log.key"), `${founded.logKey}\n`, PRIVATE);
  writeOutput(join(dir, "keys", "cosigner.key"), `${founded.cosignerKey}\n`, PRIVATE);
  writeOutput(join(dir, "trust-root.json"), formatTrustFile(founded.trustRoot));
  const configFile = join(dir, "touchstone.toml");
  writeOutput(
    configFile,
    formatConfig({
      origin,
      url,
      listen: { host: "127.0.0.1", port },
      storage: { database: "log.db", highWater: "high-water" },
      keys: { log: "keys/log.key", cosigner: "keys/cosigner.key", status: "keys/status.pem" },
    }),
  );
  const logConfig = await openLogConfig(readConfig(configFile, context), context);
  const log = await createLog(logConfig, founded.trustRoot);
  await log.close();
}
