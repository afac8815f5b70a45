// Says where the store of a configuration is, and reads the URLs of a database from where the configuration says that they are.
import { refuseMissing } from "../log/start-checks.ts";
import { storeExists } from "../log/store/open-store.ts";
import { describeLocation, type StoreLocation, schemaOf } from "../log/store/store-location.ts";
import { readKeyText } from "../node/signing/key-source.ts";
import { MalformedError } from "../protocol/errors.ts";
import type { Config } from "../service/config.ts";
import type { CliContext } from "./context.ts";
import { openHighWater } from "./open-high-water.ts";

type Reading = Pick<CliContext, "environment" | "warn">;

/** @throws MalformedError where a URL is not where it should be, or is none. */
export function storeOf(
  { origin, storage, cluster }: Pick<Config, "origin" | "storage"> & Partial<Pick<Config, "cluster">>,
  context: Reading,
): StoreLocation {
  const { database, postgres, schema = schemaOf(origin), reader, replication = "warn" } = storage;
  // The configuration has one of them.
  if (postgres === undefined) return database as string;
  return {
    url: readDatabaseUrl(postgres, context),
    schema,
    ...(reader && { readerUrl: readDatabaseUrl(reader, context) }),
    replication,
    ...(cluster && { lease: cluster.lease }),
  };
}

/** The same, of a log that is there: what reads or serves one makes none. @throws StartRefusedError "database-missing", "database-behind". */
export async function existingStoreOf(
  config: Pick<Config, "origin" | "storage">,
  context: Pick<CliContext, "environment" | "warn" | "fetch" | "now">,
): Promise<StoreLocation> {
  const location = storeOf(config, context);
  if (!(await storeExists(location)))
    await refuseMissing(describeLocation(location), await openHighWater(config.storage, context));
  return location;
}

/** @param source a file, or env:NAME. @throws MalformedError, which repeats nothing of the URL. */
export function readDatabaseUrl(source: string, { environment, warn }: Reading): string {
  const { text, where } = readKeyText(source, environment, warn);
  const url = text.trim();
  if (!/^postgres(?:ql)?:\/\//.test(url) || !URL.canParse(url))
    throw new MalformedError(
      "configuration",
      `${where}: expected a URL such as postgres://user@host/database`,
    );
  return url;
}
