// Founds a witness in a folder, and runs it until it is told to stop.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Logger, pino, stdTimeFunctions } from "pino";
import { type RunningServer, startServer } from "../../http/server.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import {
  COSIGNATURE_ED25519,
  COSIGNATURE_ML_DSA_44,
  createPrivateKey,
  ED25519,
  formatPrivateKey,
  formatVerifierKey,
  type NotePrivateKey,
} from "../../protocol/note/key.ts";
import { createWitnessApp } from "../../witness/app.ts";
import { formatWitnessConfig, parseWitnessConfig, type WitnessServiceConfig } from "../../witness/config.ts";
import { type KnownLog, mergeLogs, parseLogList } from "../../witness/log-list.ts";
import { createWitnessMetrics } from "../../witness/metrics.ts";
import { Witness } from "../../witness/witness.ts";
import { WitnessStore } from "../../witness/witness-store.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { readOwn, writeOutput } from "../files.ts";
import { readNoteKey } from "../open-log.ts";
import { untilStopped } from "../until-stopped.ts";

const PRIVATE = 0o600;
const PORT = 8090;
/** Time that open connections get to end when the witness stops, milliseconds. */
const GRACE_MS = 10_000;

const ALGORITHMS: ReadonlyArray<readonly [name: string, type: number]> = [
  ["ed25519", COSIGNATURE_ED25519],
  ["ml-dsa-44", COSIGNATURE_ML_DSA_44],
];

const EMPTY_LIST = `# Logs that this witness may cosign, in the format of the public witness network:
#
#   vkey log.example.com/production+01234567+AbCd…
#   qpd 86400
#   contact operators@example.com
logs/v0
`;

interface InitOptions {
  readonly name: string;
  readonly only?: string;
  readonly json?: boolean;
}

export async function runWitnessInit(dir: string, options: InitOptions, context: CliContext): Promise<void> {
  if (existsSync(dir) && readdirSync(dir).length > 0) throw new UsageError(`${dir} is not empty`);
  const chosen = ALGORITHMS.filter(([name]) => (options.only ?? name) === name);
  if (chosen.length === 0) throw new UsageError("--only: expected ed25519 or ml-dsa-44");
  const keys = await Promise.all(
    chosen.map(async ([algorithm, type]) => ({
      file: join("keys", `${algorithm}.key`),
      key: await createPrivateKey(options.name, type, randomBytes(32)),
    })),
  );
  mkdirSync(join(dir, "keys"), { recursive: true, mode: 0o700 });
  for (const { file, key } of keys) writeOutput(join(dir, file), `${formatPrivateKey(key)}\n`, PRIVATE);
  writeOutput(join(dir, "logs.txt"), EMPTY_LIST);
  const config = join(dir, "witness.toml");
  writeOutput(
    config,
    formatWitnessConfig({
      listen: { port: PORT },
      database: "witness.db",
      keys: keys.map(({ file }) => file),
      logs: ["logs.txt"],
    }),
  );
  WitnessStore.create(join(dir, "witness.db")).close();
  const verifierKeys = keys.map(({ key }) => formatVerifierKey(key.verifierKey));
  show(context, options, { config, verifierKeys }, [
    `${dir}: witness ${options.name}; these are its keys, for the policies of logs and verifiers:`,
    ...verifierKeys,
    `next: list logs in ${join(dir, "logs.txt")}, then: touchstone witness serve --config ${config}`,
  ]);
}

interface ServeOptions {
  readonly config: string;
  readonly port?: number;
  readonly json?: boolean;
}

export async function runWitnessServe(options: ServeOptions, context: CliContext): Promise<void> {
  const config = readOwn(options.config, (bytes) => parseWitnessConfig(decodeUtf8(bytes), options.config));
  const logger = pino({ level: config.logLevel, timestamp: stdTimeFunctions.isoTime });
  const server = await serveWitness({ config, port: options.port ?? config.listen.port }, logger, context);
  show(context, options, { url: server.address }, [server.address]);
  await untilStopped(server, logger);
}

async function serveWitness(
  { config, port }: { readonly config: WitnessServiceConfig; readonly port: number },
  logger: Logger,
  context: CliContext,
): Promise<RunningServer> {
  const keys = await Promise.all(config.keys.map((source) => readWitnessKey(source, context)));
  const logs = readLogs(config.logs);
  const store = WitnessStore.open(config.database);
  try {
    const metrics = createWitnessMetrics(store, logs.length, true);
    const onInconsistent = (cosigned: string, shown: string) => {
      metrics.countInconsistent();
      logger.error({ cosigned, shown }, "a log signed two trees of one size: keep both notes, they prove it");
    };
    const perDay = config.limits.checkpointsPerDay;
    const witness = new Witness({ keys, logs, store, perDay, clock: context.now, onInconsistent });
    return await startServer({
      app: createWitnessApp({ witness, store, metrics, logger, limits: config.limits }),
      host: config.listen.host,
      port,
      close: async () => store.close(),
      graceMs: GRACE_MS,
    });
  } catch (error) {
    store.close();
    throw error;
  }
}

async function readWitnessKey(source: string, context: CliContext): Promise<NotePrivateKey> {
  const key = await readNoteKey(source, context);
  if (key.verifierKey.type === ED25519)
    throw new MalformedError(
      "configuration",
      "a log's key cannot cosign: make one with 'touchstone witness init'",
      "keys",
    );
  return key;
}

function readLogs(files: readonly string[]): KnownLog[] {
  return mergeLogs(files.flatMap((file) => readOwn(file, (bytes) => parseLogList(decodeUtf8(bytes)))));
}
