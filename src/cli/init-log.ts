// Founds a log in a folder: its keys, trust root, configuration and database.
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createLog } from "../log/open-or-create.ts";
import { foundLog, ROLES } from "../publisher/trust-root/found-log.ts";
import { formatConfig } from "../service/config.ts";
import { formatTrustFile } from "../verifier/bundle/trust-pin.ts";
import { type CliContext, UsageError } from "./context.ts";
import { writeOutput } from "./files.ts";
import { openLogConfig, readConfig } from "./open-log.ts";

const PRIVATE = 0o600;

export interface InitOptions {
  readonly origin: string;
  readonly url: string;
  readonly port: number;
  /** How long a status is good, 1 to 7 days; 2 unless given. */
  readonly statusDays?: number;
  /** Statuses are issued by hand: the service is not given their key. */
  readonly offlineStatusKey?: boolean;
}

/** Founds a log in a folder that is empty or not there yet. */
export async function initLog(
  dir: string,
  { origin, url, port, statusDays, offlineStatusKey }: InitOptions,
  context: CliContext,
): Promise<void> {
  if (existsSync(dir) && readdirSync(dir).length > 0) throw new UsageError(`${dir} is not empty`);
  mkdirSync(join(dir, "keys"), { recursive: true, mode: 0o700 });
  const founded = await foundLog(origin, context.now(), statusDays);
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
      keys: {
        log: "keys/log.key",
        cosigner: "keys/cosigner.key",
        ...(offlineStatusKey !== true && { status: "keys/status.pem" }),
      },
    }),
  );
  const logConfig = await openLogConfig(readConfig(configFile, context), context);
  const log = await createLog(logConfig, founded.trustRoot);
  await log.close();
}
