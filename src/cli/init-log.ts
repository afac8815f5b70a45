// Founds a log in a folder: its keys, trust root, configuration and database.
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createLog } from "../log/open-or-create.ts";
import { isReplicated } from "../log/store/open-store.ts";
import { schemaOf } from "../log/store/store-location.ts";
import { openSigner } from "../node/signing/open-signer.ts";
import { generateSigningKey, parseSigningKey } from "../node/signing/signing-key.ts";
import { type Envelope, makeEnvelope, parseEnvelope } from "../protocol/envelope/dsse.ts";
import { signEnvelope } from "../publisher/signing/sign.ts";
import type { Holders } from "../publisher/trust-root/edit-trust-root.ts";
import { type DraftedLog, draftLog } from "../publisher/trust-root/found-log.ts";
import { ROLES, type RoleName } from "../publisher/trust-root/roles.ts";
import { type ConfigInput, formatConfig } from "../service/config.ts";
import { formatTrustFile } from "../verifier/bundle/trust-pin.ts";
import { type CliContext, UsageError } from "./context.ts";
import { readOwn, writeOutput } from "./files.ts";
import { openLogSigner } from "./log-signer.ts";
import { openLogConfig, readConfig } from "./open-log.ts";
import { readDatabaseUrl } from "./store-of.ts";

const PRIVATE = 0o600;

export interface InitOptions {
  readonly origin: string;
  readonly url: string;
  readonly port: number;
  /** Where the URL of a PostgreSQL database is, `env:NAME` or a file; the log is in a SQLite file without it. */
  readonly postgres?: string;
  /** The schema of the log in it; called after the origin unless given. */
  readonly schema?: string;
  /** How long a status is good, 1 to 7 days; 2 unless given. */
  readonly statusDays?: number;
  /** Statuses are issued by hand: the service is not given their key. */
  readonly offlineStatusKey?: boolean;
  /** What keeps the key of its checkpoints, `cmd:…` or `pkcs11:…`; a key is made without it. */
  readonly logKey?: string;
  /** Receipts are given: by a key that is made, or by what keeps one. */
  readonly receiptKey?: true | string;
  /** The log signs its checkpoints with ML-DSA-44, too. */
  readonly mlDsa44?: boolean;
  /** Statuses commit to an index. */
  readonly index?: boolean;
  /** Who holds which role by keys of their own; for the others keys are made. */
  readonly holders?: Readonly<Partial<Record<RoleName, Holders>>>;
}

/**
 * Founds a log in a folder that is empty or not there yet.
 * @returns the statement that has to be signed before `finishLog`, where the root keys are other people's.
 */
export async function initLog(
  dir: string,
  { origin, url, port, offlineStatusKey = false, holders = {}, logKey, receiptKey, ...options }: InitOptions,
  context: CliContext,
): Promise<string | undefined> {
  if (existsSync(dir) && readdirSync(dir).length > 0) throw new UsageError(`${dir} is not empty`);
  const storage = await storageOf(origin, options, context);
  const given = logKey === undefined ? undefined : await openLogSigner(logKey, origin, context);
  const receipt = await openReceiptKey(receiptKey, context);
  const drafted = await draftLog(origin, context.now(), holders, {
    url,
    ...(given && { logKey: given.verifierKey }),
    ...(receipt && { receiptKey: receipt.spki }),
    ...options,
  });
  writeKeys(join(dir, "keys"), drafted, receipt);
  const online = !offlineStatusKey && drafted.roleKeys.status !== undefined;
  writeOutput(
    configOf(dir),
    formatConfig({
      origin,
      url,
      listen: { host: "127.0.0.1", port },
      storage,
      keys: {
        log: logKey ?? "keys/log.key",
        ...(drafted.mlDsaKey !== undefined && { logMlDsa44: "keys/log-ml-dsa-44.key" }),
        cosigner: "keys/cosigner.key",
        ...(online && { status: "keys/status.pem" }),
        ...(receipt && { receipt: receipt.source }),
      },
    }),
  );
  const { payload, roleKeys } = drafted;
  if (roleKeys.root === undefined) {
    writeOutput(statementOf(dir), payload);
    return statementOf(dir);
  }
  const root = parseSigningKey(roleKeys.root);
  await createFrom(dir, await signEnvelope({ payload, signatures: [] }, [root]), context);
  return undefined;
}

/** What a server does not replicate is said in the configuration: it can be changed there. */
async function storageOf(
  origin: string,
  { postgres, schema = schemaOf(origin) }: Pick<InitOptions, "postgres" | "schema">,
  context: CliContext,
): Promise<ConfigInput["storage"]> {
  const highWater = "high-water";
  if (postgres === undefined) return { database: "log.db", highWater };
  const url = readDatabaseUrl(postgres, context);
  const isKept = await isReplicated({ url, schema, replication: "warn" });
  if (!isKept) context.warn(NOT_REPLICATED);
  return { postgres, schema, replication: isKept ? "required" : "warn", highWater };
}

const NOT_REPLICATED =
  'WARNING: the PostgreSQL server names no synchronous standby (synchronous_standby_names): a failover to another server could lose entries that publishers were told are in the log, and the log would then have to be recovered from a mirror. With a standby, set replication = "required" in touchstone.toml';

/** Goes on where `initLog` waited for signatures. @throws UsageError unless it is the trust root that was drafted there. */
export async function finishLog(dir: string, envelopeFile: string, context: CliContext): Promise<void> {
  const envelope = readOwn(envelopeFile, parseEnvelope);
  const drafted = readOwn(statementOf(dir), (payload) => makeEnvelope(payload, []));
  if (envelope.payloadDigest !== drafted.payloadDigest)
    throw new UsageError(`${envelopeFile} is not the envelope of ${statementOf(dir)}`);
  await createFrom(dir, envelope, context);
}

interface ReceiptKey {
  /** Base64 SPKI, as the trust root lists it. */
  readonly spki: string;
  /** As the configuration names it. */
  readonly source: string;
  /** PKCS#8, where it was made here. */
  readonly pem?: string;
}

async function openReceiptKey(
  given: true | string | undefined,
  context: CliContext,
): Promise<ReceiptKey | undefined> {
  if (given === undefined) return undefined;
  if (given !== true) return { spki: (await openSigner(given, context)).spki, source: given };
  const pem = generateSigningKey();
  return { spki: parseSigningKey(pem).spki, source: RECEIPT_KEY_FILE, pem };
}

const RECEIPT_KEY_FILE = "keys/receipt.pem";

export const configOf = (dir: string) => join(dir, "touchstone.toml");
export const trustFileOf = (dir: string) => join(dir, "trust-root.json");
const statementOf = (dir: string) => join(dir, "root.json");

function writeKeys(
  folder: string,
  { roleKeys, logKey, mlDsaKey, cosignerKey }: DraftedLog,
  receipt: ReceiptKey | undefined,
): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const role of ROLES) {
    const pem = roleKeys[role];
    if (pem !== undefined) writeOutput(join(folder, `${role}.pem`), pem, PRIVATE);
  }
  if (logKey !== undefined) writeOutput(join(folder, "log.key"), `${logKey}\n`, PRIVATE);
  if (mlDsaKey !== undefined) writeOutput(join(folder, "log-ml-dsa-44.key"), `${mlDsaKey}\n`, PRIVATE);
  if (receipt?.pem !== undefined) writeOutput(join(folder, "receipt.pem"), receipt.pem, PRIVATE);
  writeOutput(join(folder, "cosigner.key"), `${cosignerKey}\n`, PRIVATE);
}

/** The trust file comes last: with it the log is founded. */
async function createFrom(dir: string, trustRoot: Envelope, context: CliContext): Promise<void> {
  const log = await createLog(await openLogConfig(readConfig(configOf(dir), context), context), trustRoot);
  await log.close();
  writeOutput(trustFileOf(dir), formatTrustFile(trustRoot));
}
