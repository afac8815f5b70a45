// Waits until a service is told to stop, and stops it.
import type { Logger } from "pino";
import type { RunningServer } from "../http/server.ts";

/** Ends when SIGTERM or SIGINT asked for it and everything accepted is finished. */
export async function untilStopped(server: RunningServer, logger: Logger): Promise<void> {
  const signal = await new Promise<string>((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"]) process.once(name, () => resolve(name));
  });
  logger.info({ signal }, "stopping");
  await server.stop();
}
