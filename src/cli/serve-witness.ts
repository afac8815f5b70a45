// Opens the memory of a witness and serves it. On SIGHUP its lists of logs are read again.
import type { Logger } from "pino";
import { type RunningServer, startServer } from "../http/server.ts";
import { decodeUtf8 } from "../protocol/encoding/text.ts";
import { MalformedError } from "../protocol/errors.ts";
import { ED25519, type NotePrivateKey } from "../protocol/note/key.ts";
import { createWitnessApp } from "../witness/app.ts";
import type { WitnessServiceConfig } from "../witness/config.ts";
import { type KnownLog, parseLogList } from "../witness/log-list.ts";
import { createWitnessMetrics } from "../witness/metrics.ts";
import { Witness } from "../witness/witness.ts";
import { WitnessStore } from "../witness/witness-store.ts";
import type { CliContext } from "./context.ts";
import { readOwn } from "./files.ts";
import { readNoteKey } from "./note-key.ts";

/** Time that open connections get to end when the witness stops, milliseconds. */
const GRACE_MS = 10_000;

export async function serveWitness(
  config: WitnessServiceConfig,
  logger: Logger,
  context: CliContext,
): Promise<RunningServer> {
  const keys = await Promise.all(config.keys.map((source) => readWitnessKey(source, context)));
  const logs = readLogs(config.logs);
  const store = WitnessStore.open(config.database);
  try {
    const metrics = createWitnessMetrics(store, () => witness.knownLogs, true);
    const onInconsistent = (cosigned: string, shown: string) => {
      metrics.countInconsistent();
      logger.error({ cosigned, shown }, "a log signed two trees of one size: keep both notes, they prove it");
    };
    const perDay = config.limits.checkpointsPerDay;
    const witness = new Witness({ keys, logs, store, perDay, clock: context.now, onInconsistent });
    const server = await startServer({
      app: createWitnessApp({ witness, store, metrics, logger, limits: config.limits }),
      ...config.listen,
      close: async () => store.close(),
      graceMs: GRACE_MS,
    });
    process.on("SIGHUP", () => learnAgain(witness, config.logs, logger));
    return server;
  } catch (error) {
    store.close();
    throw error;
  }
}

/** A list that cannot be read changes nothing: the witness goes on with what it knows. */
function learnAgain(witness: Witness, files: readonly string[], logger: Logger): void {
  try {
    witness.learn(readLogs(files));
    logger.info({ logs: witness.knownLogs }, "read the lists of logs again");
  } catch (error) {
    logger.error({ err: error }, "the lists of logs cannot be read; those that were read before stay");
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
  return files.flatMap((file) => readOwn(file, (bytes) => parseLogList(decodeUtf8(bytes))));
}
