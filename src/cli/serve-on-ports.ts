// Gives what a process serves its ports: one for clients, and one for what others forward, where there are others.
import { type RunningServer, type ServerOptions, startServer } from "../http/server.ts";
import type { Config } from "../service/config.ts";
import { type Others, serveForwarded } from "./serve-cluster.ts";

/** Time that open connections get to end when the service stops, milliseconds. */
const GRACE_MS = 10_000;

export interface PortOptions extends Pick<ServerOptions, "app" | "close" | "onConnection"> {
  readonly config: Pick<Config, "listen" | "cluster">;
  /** Instead of the configured one. */
  readonly port: number | undefined;
  readonly others: Others;
  readonly makeForwarded: (secret: string) => ServerOptions["app"];
  /** Gives the lead to other processes, before nothing is taken any more. */
  readonly resign: () => Promise<void>;
}

/** @throws the error of listening, when everything is closed. */
export async function serveOnPorts({
  config,
  port,
  others,
  ...options
}: PortOptions): Promise<RunningServer> {
  let forwarded: RunningServer | null = null;
  const close = async () => {
    await forwarded?.stop();
    await options.close();
  };
  try {
    forwarded = await serveForwarded(options.makeForwarded, config, others, GRACE_MS);
    const { host } = config.listen;
    const server = await startServer({
      ...options,
      host,
      port: port ?? config.listen.port,
      close,
      graceMs: GRACE_MS,
    });
    return { ...server, stop: () => options.resign().finally(server.stop) };
  } catch (error) {
    await close();
    throw error;
  }
}
