// Runs the log service until it is told to stop, and then loses nothing that it acknowledged.
import { pino, stdTimeFunctions } from "pino";
import { type CliContext, show } from "../context.ts";
import { readConfig } from "../open-log.ts";
import type { Role } from "../open-node.ts";
import { serveLog } from "../serve-log.ts";
import { untilStopped } from "../until-stopped.ts";

interface ServeOptions {
  readonly config: string;
  readonly port?: number;
  readonly role: Role;
  readonly json?: boolean;
}

export async function runServe(options: ServeOptions, context: CliContext): Promise<void> {
  const { logLevel } = readConfig(options.config, context);
  const logger = pino({ level: logLevel, timestamp: stdTimeFunctions.isoTime });
  const server = await serveLog(options.config, options.port, logger, context, options.role);
  show(context, options, { url: server.address }, [server.address]);
  await untilStopped(server, logger);
}
