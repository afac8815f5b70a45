// Opens the node that a configuration describes: the process that serves a log, alone or as one of several.
import type { MarkThread } from "../log/checkpointing/mark-thread.ts";
import { LogNode } from "../log/cluster/log-node.ts";
import type { ClusterConfig } from "../log/cluster/node-config.ts";
import type { LogConfig } from "../log/config.ts";
import { StartRefusedError } from "../log/errors.ts";
import type { Observer } from "../log/observer.ts";
import { ownId } from "../log/store/leadership.ts";
import type { LogReader } from "../log/store/log-store.ts";
import { openCluster } from "../log/store/open-store.ts";
import type { SharedSessions } from "../log/store/shared-sessions.ts";
import { readKeyText } from "../node/signing/key-source.ts";
import { MalformedError } from "../protocol/errors.ts";
import { type Config, indexOf, isInBucket } from "../service/config.ts";
import { type LogContext, openLed } from "./open-log.ts";
import { storeOf } from "./store-of.ts";

/** What a process does for a log: everything when it is its turn, or answering reads alone. */
export type Role = "all" | "read";

export interface OpenedNode {
  readonly node: LogNode;
  /** What it leads with, where it may. */
  readonly led: Omit<LogConfig, "reader" | "writer"> | null;
  readonly reader: LogReader;
}

/** What a node is opened with; the last two by a process that serves several logs, and shares them between these. */
export interface NodeParts {
  readonly observer: Observer;
  /** How many connections were accepted. */
  readonly arrivals: () => number;
  /** Writes high-water files. */
  readonly markThread?: MarkThread | undefined;
  readonly sessions?: SharedSessions | undefined;
}

/** @throws StartRefusedError */
export async function openNode(
  config: Config,
  role: Role,
  context: LogContext,
  parts: NodeParts,
): Promise<OpenedNode> {
  if (role === "all") requireAddress(config);
  requireSharedMark(config);
  const led = role === "all" ? await openLed(config, context, parts.markThread) : null;
  const location = storeOf(config, context);
  const store = await openCluster(location, context.now, parts.sessions).catch(async (error: unknown) => {
    await led?.highWater.close();
    throw error;
  });
  const { arrivals, observer } = parts;
  const id = config.cluster?.id ?? ownId();
  const candidate = { id, address: config.cluster?.advertise ?? null };
  const leading = led && { ...led, arrivals, candidate };
  const cluster = role === "all" ? clusterOf(config) : (clusterOf(config) ?? ALONE_READING);
  return {
    node: await LogNode.start({ store, leading, cluster, observer, index: indexOf(config.storage) }),
    led,
    reader: store.reader,
  };
}

/** The others forward to whoever leads. @throws MalformedError */
function requireAddress({ cluster }: Config): void {
  for (const name of ["advertise", "listen", "secret"] as const)
    if (cluster !== undefined && cluster[name] === undefined)
      throw new MalformedError(
        "configuration",
        "a process of a cluster that may lead takes what the others forward, and forwards to them; give cluster.advertise, cluster.listen and cluster.secret, or serve with --role read",
        `cluster.${name}`,
      );
}

/** Whoever leads next has to know what was signed. On SQLite all of them are on one machine. @throws StartRefusedError "mark-not-shared" */
function requireSharedMark({ cluster, storage }: Config): void {
  if (cluster === undefined || storage.postgres === undefined || storage.highWater.some(isInBucket)) return;
  throw new StartRefusedError(
    "mark-not-shared",
    'every high-water mark is a file of this machine, where the next leader does not see it: name one that all of them share, storage.highWater = ["s3:high-water", …] with storage.objects',
  );
}

/** A process that only reads is one of several, whatever the others are. */
const ALONE_READING: ClusterConfig = { leaseMs: 5_000, staleAfterMs: 10_000 };

function clusterOf({ cluster }: Config): ClusterConfig | null {
  return cluster === undefined
    ? null
    : { leaseMs: cluster.lease * 1000, staleAfterMs: cluster.staleAfter * 1000 };
}

/** At least as long as nobody guesses it. */
const MIN_SECRET = 32;

/** What the nodes know of each other, or null. @throws MalformedError */
export function readSecret({ cluster }: Config, { environment, warn }: LogContext): string | null {
  if (cluster?.secret === undefined) return null;
  const secret = readKeyText(cluster.secret, environment, warn).text.trim();
  if (secret.length >= MIN_SECRET && /^[\x21-\x7e]+$/.test(secret)) return secret;
  throw new MalformedError(
    "configuration",
    `expected a secret of at least ${MIN_SECRET} characters without spaces, such as 'openssl rand -hex 32' makes`,
    "cluster.secret",
  );
}
