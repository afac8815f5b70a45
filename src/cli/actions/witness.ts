// Founds a witness in a folder, and runs it until it is told to stop.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pino, stdTimeFunctions } from "pino";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import {
  COSIGNATURE_ED25519,
  COSIGNATURE_ML_DSA_44,
  createPrivateKey,
  formatPrivateKey,
  formatVerifierKey,
} from "../../protocol/note/key.ts";
import { formatWitnessConfig, parseWitnessConfig } from "../../witness/config.ts";
import { WitnessStore } from "../../witness/witness-store.ts";
import { type CliContext, show, UsageError } from "../context.ts";
import { readOwn, writeOutput } from "../files.ts";
import { serveWitness } from "../serve-witness.ts";
import { untilStopped } from "../until-stopped.ts";

const PRIVATE = 0o600;
const PORT = 8090;

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
  const port = options.port ?? config.listen.port;
  const server = await serveWitness({ ...config, listen: { ...config.listen, port } }, logger, context);
  show(context, options, { url: server.address }, [server.address]);
  await untilStopped(server, logger);
}
