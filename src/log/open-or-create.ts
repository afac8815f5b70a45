// Opens a log that is there, or begins one with its first trust root.
import type { Envelope } from "../protocol/envelope/dsse.ts";
import type { NoteSigner } from "../protocol/note/signed-note.ts";
import { logKeyOf } from "../protocol/note/tlog-policy.ts";
import type { LogConfig } from "./config.ts";
import { StartRefusedError } from "./errors.ts";
import { Log } from "./log.ts";
import { type Loaded, loadLog, requireFounded } from "./start-checks.ts";

/**
 * Opens an existing log, publishes what a crash left unpublished, and keeps its checkpoint and status fresh until it is closed.
 * The store is closed with it.
 * @throws StartRefusedError
 */
export async function openLog(config: LogConfig): Promise<Log> {
  return closingOnRefusal(config, async () => Log.start(config, await loadToLead(config)));
}

/** What every take-over checks before anything is signed. @throws StartRefusedError */
export async function loadToLead(
  config: Pick<LogConfig, "reader" | "highWater" | "signer">,
): Promise<Loaded> {
  const loaded = await loadLog(config.reader, config.highWater);
  requireLogKey(config.signer, requireFounded(loaded.state).logPolicy);
  return loaded;
}

/**
 * Begins a log with its first trust root as entry 0. The store is closed with it.
 * @throws StartRefusedError "log-not-empty" | "wrong-log-key"; PolicyError, VerificationError where the trust root is not acceptable.
 */
export async function createLog(config: LogConfig, trustRoot: Envelope): Promise<Log> {
  const log = await closingOnRefusal(config, async () => {
    const loaded = await loadLog(config.reader, config.highWater);
    if (loaded.state.head.size > 0) {
      throw new StartRefusedError("log-not-empty", "there is a log in this database already");
    }
    const { statement } = trustRoot;
    if (statement.kind === "trust-root") requireLogKey(config.signer, statement.predicate.logPolicy);
    return Log.start(config, loaded);
  });
  try {
    await log.publish([trustRoot]);
    return log;
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** A log that does not start must not keep its database locked. */
async function closingOnRefusal(
  { highWater, reader, writer }: LogConfig,
  start: () => Promise<Log>,
): Promise<Log> {
  try {
    return await start();
  } catch (error) {
    await highWater.close();
    await reader.close();
    await writer.close();
    throw error;
  }
}

function requireLogKey({ name, keyId }: NoteSigner, logPolicy: string): void {
  const named = logKeyOf(logPolicy);
  if (named.name === name && named.keyId === keyId) return;
  throw new StartRefusedError(
    "wrong-log-key",
    `the trust root names log key ${named.name}+${named.keyId}, the service was given ${name}+${keyId}`,
  );
}
