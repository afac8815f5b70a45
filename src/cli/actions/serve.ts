// Runs the service of a log, or of those in a folder, until it is told to stop, and then loses nothing that it acknowledged.
import { type Logger, pino, stdTimeFunctions } from "pino";
import { type CliContext, show } from "../context.ts";
import { configurationsIn, isFolder } from "../log-folder.ts";
import { readConfig } from "../open-log.ts";
import type { Role } from "../open-node.ts";
import { serveLog } from "../serve-log.ts";
import { serveLogs } from "../serve-logs.ts";
import { untilStopped } from "../until-stopped.ts";

interface ServeOptions {
  /** A configuration, or a folder of them. */
  readonly config: string;
  readonly port?: number;
  readonly role: Role;
  readonly json?: boolean;
}

export async function runServe(options: ServeOptions, context: CliContext): Promise<void> {
  const { config, port, role } = options;
  const files = isFolder(config) ? configurationsIn(config) : null;
  const logger = loggerOf(files?.[0] ?? config, context);
  const server = await (files === null
    ? serveLog(config, port, logger, context, role)
    : serveLogs(files, port, logger, context, role));
  // Before the line: whoever has read it may stop the service at once.
  const stopped = untilStopped(server, logger);
  show(context, options, { url: server.address }, [server.address]);
  await stopped;
}

/** The level is the same in all configurations of a folder. */
function loggerOf(file: string, context: CliContext): Logger {
  return pino({ level: readConfig(file, context).logLevel, timestamp: stdTimeFunctions.isoTime });
}
