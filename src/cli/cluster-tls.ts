// Has the processes of a cluster show each other certificates, where the configuration names them: the client's half, and the server's.
import type { TLSSocket } from "node:tls";
import type { Logger } from "pino";
import type { ServerOptions } from "../http/server.ts";
import { type Credentials, readCredentials } from "../node/mutual-tls/credentials.ts";
import { failedCheckOf, refusalOf } from "../node/mutual-tls/failed-check.ts";
import type { Config } from "../service/config.ts";
import type { CliContext } from "./context.ts";

export const CLUSTER_TLS = "cluster.tls";

/** Null where they speak HTTP without TLS. @throws MalformedError, which repeats nothing of a key. */
export function readClusterTls(
  { cluster }: Pick<Config, "cluster">,
  context: Pick<CliContext, "environment" | "warn">,
): Credentials | null {
  return cluster?.tls === undefined ? null : readCredentials(cluster.tls, CLUSTER_TLS, context);
}

/** What others are asked with. It says which check failed where that is why one was not reached: somebody has to repair it. */
export async function fetchOthers(
  tls: Credentials | null,
  { fetch }: Pick<CliContext, "fetch">,
  logger: Logger,
): Promise<typeof globalThis.fetch> {
  const asking = tls === null ? fetch : (await import("../node/mutual-tls/fetch.ts")).fetchShowing(tls);
  return async function fetchOthers(input, init) {
    try {
      return await asking(input, init);
    } catch (error) {
      const check = failedCheckOf(error);
      const address = new URL(String(input)).origin;
      if (check !== null) logger.error({ address, check }, `another process is not connected to: ${check}`);
      throw error;
    }
  };
}

/** How the port for the others ends TLS. */
export function tlsForOthers(tls: Credentials | null, logger: Logger): Pick<ServerOptions, "tls"> {
  if (tls === null) return {};
  const { key, certificate, ca } = tls;
  const onRefused = (error: Error, socket: TLSSocket) => {
    const check = failedCheckOf(refusalOf(error, socket));
    const address = socket.remoteAddress;
    if (check !== null) logger.error({ address, check }, `another process is not let in: ${check}`);
  };
  return { tls: { key, certificate, clients: { ca, onRefused } } };
}
