// touchstone serve: runs the log service until it is told to stop, and then loses nothing that it acknowledged.
import type { Command } from "commander";
import { type Logger, pino, stdTimeFunctions } from "pino";
import { openLog } from "../../log/log.ts";
import { createApp } from "../../service/app.ts";
import { createService } from "../../service/create-service.ts";
import { createMetrics } from "../../service/metrics/metrics.ts";
import { type RunningServer, startServer } from "../../service/server.ts";
import { type CliContext, show } from "../context.ts";
import { openLogConfig, readConfig } from "../open-log.ts";
import { parsePort } from "../options.ts";
import { packageVersion } from "../version.ts";

/** Time that open connections get to end when the service stops, milliseconds. */
const GRACE_MS = 10_000;

interface ServeOptions {
  readonly config: string;
  readonly port?: number;
  readonly json?: boolean;
}

export function addServe(program: Command, context: CliContext): void {
  program
    .command("serve")
    .description("run the log service; prints one line with its URL when it is ready")
    .option("--config <file>", "configuration that `init` wrote", "touchstone.toml")
    .option(
      "--port <number>",
      "port to listen on instead of the configured one; 0 takes a free one",
      parsePort,
    )
    .addHelpText("after", "\nExample:\n  touchstone serve --config log/touchstone.toml")
    .action(async (options: ServeOptions) => {
      const { logLevel } = readConfig(options.config, context);
      const logger = pino({ level: logLevel, timestamp: stdTimeFunctions.isoTime });
      const server = await serve(options.config, options.port, logger, context);
      show(context, options, { url: server.address }, [server.address]);
      await untilStopped(server, logger);
    });
}

/** Opens the log of a configuration and serves it. */
export async function serve(
  configFile: string,
  port: number | undefined,
  logger: Logger,
  context: CliContext,
): Promise<RunningServer> {
  const config = readConfig(configFile, context);
  const metrics = createMetrics(true);
  const log = await openLog(await openLogConfig(config, context, { logger, measure: metrics.measure }));
  const service = createService({
    log,
    metrics,
    logger,
    clock: context.now,
    origin: config.origin,
    url: config.url,
    version: packageVersion(),
    limits: config.limits,
  });
  try {
    return await startServer({
      app: createApp(service),
      host: config.listen.host,
      port: port ?? config.listen.port,
      closeLog: () => log.close(),
      graceMs: GRACE_MS,
    });
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** Ends when SIGTERM or SIGINT asked for it and everything accepted is finished. */
async function untilStopped(server: RunningServer, logger: Logger): Promise<void> {
  const signal = await new Promise<string>((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"]) process.once(name, () => resolve(name));
  });
  logger.info({ signal }, "stopping");
  await server.stop();
}
