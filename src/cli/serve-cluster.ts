// Serves what one of several processes has beyond one that is alone: a port for what the others forward, and what it forwards itself.

import type { Logger } from "pino";
import { type RunningServer, type ServerOptions, startServer } from "../http/server.ts";
import { OwnCosigner } from "../log/checkpointing/cosigner.ts";
import { parseTlogPolicy } from "../protocol/note/tlog-policy.ts";
import { currentTrustRoot } from "../protocol/registration/in-force.ts";
import type { Config } from "../service/config.ts";
import type { ServiceCluster } from "../service/service.ts";
import { fetchOthers, readClusterTls, tlsForOthers } from "./cluster-tls.ts";
import type { CliContext } from "./context.ts";
import { type OpenedNode, type Role, readSecret } from "./open-node.ts";

/** What a process shows the others of its cluster, and how it asks them. */
export interface Others extends Pick<ServerOptions, "tls">, Pick<CliContext, "fetch"> {
  /** What all of them know; null where there are none. */
  readonly secret: string | null;
}

/** @throws MalformedError, which repeats nothing of a secret. */
export async function readOthers(config: Config, context: CliContext, logger: Logger): Promise<Others> {
  const tls = readClusterTls(config, context);
  const secret = readSecret(config, context);
  return { secret, fetch: await fetchOthers(tls, context, logger), ...tlsForOthers(tls, logger) };
}

/** Null for a process that is alone. */
export function serviceCluster(
  { node }: OpenedNode,
  { cluster }: Config,
  role: Role,
  { secret, fetch }: Others,
): ServiceCluster | null {
  if (cluster === undefined && role === "all") return null;
  const forwarding = cluster === undefined || secret === null ? null : { id: cluster.id, secret, fetch };
  return { node, forwarding };
}

/** The port for what others forward, where one is configured. @param makeApp of the secret that they share. */
export async function serveForwarded(
  makeApp: (secret: string) => ServerOptions["app"],
  { cluster }: Pick<Config, "cluster">,
  { secret, tls }: Others,
  graceMs: number,
): Promise<RunningServer | null> {
  if (cluster?.listen === undefined || secret === null) return null;
  const app = makeApp(secret);
  return startServer({
    app,
    ...cluster.listen,
    ...(tls && { tls }),
    close: async () => undefined,
    graceMs,
  });
}

/** Names of the witnesses that the log runs itself. A process without keys knows them by nobody else being asked for them. */
export function ownWitnesses({ node, led }: OpenedNode, { witnesses }: Config): string[] {
  if (led !== null)
    return led.cosigners.filter((cosigner) => cosigner instanceof OwnCosigner).map(({ name }) => name);
  const root = currentTrustRoot(node.registered)?.root;
  if (root === undefined) return [];
  return parseTlogPolicy(root.logPolicy)
    .witnesses.filter(({ name, url }) => url === undefined && !witnesses.some((one) => one.name === name))
    .map(({ key }) => key.name);
}
