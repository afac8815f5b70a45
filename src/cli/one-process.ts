// Holds the configurations of logs that one process is to serve against each other, before anything of them is opened: each log has things of
// its own, and what belongs to the process is the same in all.
import { realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { MalformedError } from "../protocol/errors.ts";
import { BUCKET_FORM, type Config, indexOf, isInBucket, type ObjectsConfig } from "../service/config.ts";
import { placeOf } from "../service/several/log-router.ts";
import { readClusterTls } from "./cluster-tls.ts";
import { type CliContext, UsageError } from "./context.ts";
import { readSecret } from "./open-node.ts";
import { storeOf } from "./store-of.ts";

/** A configuration, and the file that it stands in. */
export interface ConfigFile {
  readonly config: Config;
  readonly file: string;
}

type Reading = Pick<CliContext, "environment" | "now" | "fetch" | "warn">;

/** Environment variables that give a log what is its own: with several logs it is not said whose. */
const OF_ONE_LOG = ["TOUCHSTONE_URL", "TOUCHSTONE_DATABASE", "TOUCHSTONE_HIGH_WATER", "TOUCHSTONE_INDEX"];

/** What belongs to the process, by its name in a configuration. */
const OF_THE_PROCESS: Readonly<Record<string, (config: Config) => unknown>> = {
  "listen.host": ({ listen }) => listen.host,
  "listen.port": ({ listen }) => listen.port,
  "cluster.id": ({ cluster }) => cluster?.id,
  "cluster.advertise": ({ cluster }) => cluster?.advertise,
  "cluster.listen.host": ({ cluster }) => cluster?.listen?.host,
  "cluster.listen.port": ({ cluster }) => cluster?.listen?.port,
  "cluster.lease": ({ cluster }) => cluster?.lease,
  "cluster.staleAfter": ({ cluster }) => cluster?.staleAfter,
  "limits.trustedProxies": ({ limits }) => limits.trustedProxies,
  logLevel: ({ logLevel }) => logLevel,
};

/** What it shows others, which stands in files: each configuration may name its own, with the same in it. */
const OF_THE_CLUSTER = [
  ["cluster.secret", readSecret],
  ["cluster.tls", readClusterTls],
] as const;

/** @throws UsageError naming both files, and the value. Of what is secret nothing is said. */
export function requireOneProcess(files: readonly ConfigFile[], context: Reading): void {
  const overridden = OF_ONE_LOG.find((name) => context.environment[name] !== undefined);
  if (overridden !== undefined && files.length > 1)
    throw new UsageError(`${overridden} is for one log, and ${files.length} are to be served: unset it`);
  const [first, ...others] = files;
  if (first === undefined) return;
  for (const other of others) requireSame(first, other, context);
  const taken = new Map<string, string>();
  for (const { config, file } of files) {
    for (const thing of naming(file, () => ownThings(config, context))) {
      const before = taken.get(thing);
      if (before !== undefined)
        throw new UsageError(`${file} and ${before} name the same ${thing}: each log has its own`);
      taken.set(thing, file);
    }
  }
}

function requireSame(first: ConfigFile, other: ConfigFile, context: Reading): void {
  for (const [name, of] of Object.entries(OF_THE_PROCESS)) {
    const [a, b] = [of(first.config), of(other.config)];
    if (a !== b)
      throw new UsageError(
        `${name} is ${spell(a)} in ${first.file}, and ${spell(b)} in ${other.file}: it belongs to the process, so all logs of one say the same`,
      );
  }
  for (const [name, read] of OF_THE_CLUSTER) {
    const [a, b] = [first, other].map(({ config, file }) => naming(file, () => read(config, context)));
    if (JSON.stringify(a) !== JSON.stringify(b))
      throw new UsageError(
        `${name} is another one in ${first.file} and in ${other.file}: it belongs to the process, so all logs of one say the same`,
      );
  }
}

function spell(value: unknown): string {
  return value === undefined ? "not given" : JSON.stringify(value);
}

/** What no two logs may share, in words. The index and the bundles' copy belong to it: who has them would be taken for the other log. */
function ownThings(config: Config, context: Reading): string[] {
  const { origin, storage, url } = config;
  const { host, prefix } = placeOf(url);
  return [
    `origin, ${origin}`,
    `url, ${host}${prefix}`,
    storeName(config, context),
    ...storage.highWater.map((place) => `high-water mark, ${placeName(place, storage.objects)}`),
    `index, ${realPath(indexOf(storage).file)} (give each log a folder of its own, or storage.index)`,
    ...(storage.objects?.export ? [`place in a bucket, ${bucketName(storage.objects)}`] : []),
  ];
}

/** A database by its server and name: whoever connects, and with which password. */
function storeName(config: Config, context: Reading): string {
  const location = storeOf(config, context);
  if (typeof location === "string") return `database, ${realPath(location)}`;
  const { hostname, port, pathname, searchParams } = new URL(location.url);
  const host = searchParams.get("host") ?? hostname.toLowerCase();
  const server = `${host}:${searchParams.get("port") ?? (port || "5432")}`;
  return `schema, ${location.schema} of ${server}${pathname}`;
}

function placeName(place: string, objects: ObjectsConfig | undefined): string {
  return isInBucket(place)
    ? `${objects && bucketName(objects)}${place.slice(BUCKET_FORM.length)}`
    : realPath(place);
}

function bucketName({ endpoint, bucket, prefix }: ObjectsConfig): string {
  return `${new URL(endpoint).href.replace(/\/+$/, "")}/${bucket}/${prefix}`;
}

/** The path without symbolic links, where there is one already, and of its folder where there is not. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const folder = dirname(path);
    return folder === path ? path : join(realPath(folder), basename(path));
  }
}

/** @throws UsageError with the file in front of what a configuration is refused for. */
function naming<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof MalformedError ? new UsageError(`${file}: ${error.message}`) : error;
  }
}
