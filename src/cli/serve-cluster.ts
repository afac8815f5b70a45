// Serves what one of several processes has beyond one that is alone: a port for what the others forward, and what it forwards itself.

import { type RunningServer, type ServerOptions, startServer } from "../http/server.ts";
import { OwnCosigner } from "../log/checkpointing/cosigner.ts";
import { parseTlogPolicy } from "../protocol/note/tlog-policy.ts";
import { currentTrustRoot } from "../protocol/registration/in-force.ts";
import { createForwardedApp } from "../service/cluster/forwarded-app.ts";
import type { Config } from "../service/config.ts";
import type { Service, ServiceCluster } from "../service/service.ts";
import type { CliContext } from "./context.ts";
import type { OpenedNode, Role } from "./open-node.ts";

/** Null for a process that is alone. */
export function serviceCluster(
  { node }: OpenedNode,
  { cluster }: Config,
  role: Role,
  secret: string | null,
  { fetch }: Pick<CliContext, "fetch">,
): ServiceCluster | null {
  if (cluster === undefined && role === "all") return null;
  const forwarding = cluster === undefined || secret === null ? null : { id: cluster.id, secret, fetch };
  return { node, forwarding };
}

/** The port for what others forward, where one is configured. */
export async function serveForwarded(
  service: Service,
  { cluster }: Config,
  secret: string | null,
  tls: Pick<ServerOptions, "tls">,
  graceMs: number,
): Promise<RunningServer | null> {
  if (cluster?.listen === undefined || secret === null) return null;
  const app = createForwardedApp(service, secret);
  return startServer({ app, ...cluster.listen, ...tls, close: async () => undefined, graceMs });
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
