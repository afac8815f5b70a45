// Opens the log that a configuration describes: its keys from files or the environment, its database, its high-water file.
import { join } from "node:path";
import { OwnCosigner } from "../log/checkpointing/cosigner.ts";
import { HttpWitness } from "../log/checkpointing/http-witness.ts";
import type { MarkThread } from "../log/checkpointing/mark-thread.ts";
import type { LogConfig } from "../log/config.ts";
import { openStore } from "../log/store/open-store.ts";
import { signingNatively } from "../node/ed25519.ts";
import { openSigner } from "../node/signing/open-signer.ts";
import type { Signer } from "../node/signing/signer.ts";
import { MalformedError } from "../protocol/errors.ts";
import { createMlDsaLogSigner } from "../protocol/note/cosignature.ts";
import { COSIGNATURE_ML_DSA_44, type NotePrivateKey } from "../protocol/note/key.ts";
import { type Config, indexOf, parseConfig } from "../service/config.ts";
import { type CliContext, UsageError } from "./context.ts";
import { readOwn } from "./files.ts";
import { isFolder } from "./log-folder.ts";
import { openLogSigner } from "./log-signer.ts";
import { readNoteKey } from "./note-key.ts";
import { openServedHighWater } from "./open-high-water.ts";
import { storeOf } from "./store-of.ts";

export type LogContext = Pick<CliContext, "environment" | "now" | "fetch" | "warn">;

export function readConfig(file: string, { environment }: Pick<CliContext, "environment">): Config {
  if (isFolder(file))
    throw new UsageError(
      `${file}: a folder. Name the file of one log, such as ${join(file, "touchstone.toml")}`,
    );
  return readOwn(file, (bytes) => parseConfig(new TextDecoder().decode(bytes), file, environment));
}

/** The log's configuration with the store open for writing: whoever gets it must close it, through the log or by itself. */
export async function openLogConfig(config: Config, context: LogContext): Promise<LogConfig> {
  const led = await openLed(config, context);
  const store = await openStore(storeOf(config, context), context.now());
  return { ...led, reader: store, writer: store };
}

/** What a log is led with, apart from its store: keys, witnesses, high-water marks. @param markThread writes those that are files. */
export async function openLed(
  config: Config,
  context: LogContext,
  markThread?: MarkThread,
): Promise<Omit<LogConfig, "reader" | "writer">> {
  const { now, fetch } = context;
  const { keys, storage } = config;
  const { signer } = await openLogSigner(keys.log, config.origin, context);
  const own =
    keys.cosigner === undefined ? [] : [new OwnCosigner(await readNoteKey(keys.cosigner, context), now)];
  const witnessAt = (name: string, url: string) => new HttpWitness({ name, url, fetch });
  const mlDsaKey = keys.logMlDsa44 === undefined ? undefined : await readNoteKey(keys.logMlDsa44, context);
  const status = keys.status === undefined ? undefined : await openSigner(keys.status, context);
  return {
    signer,
    ...(mlDsaKey && { mlDsaSigner: createMlDsaLogSigner(signingNatively(requireMlDsa44(mlDsaKey))) }),
    cosigners: [...own, ...config.witnesses.map(({ name, url }) => witnessAt(name, url))],
    witnessAt,
    ...(status && { statusSigner: status }),
    highWater: await openServedHighWater(storage, context, markThread),
    index: indexOf(storage),
    clock: now,
    limits: { maxPendingEntries: config.limits.maxPendingEntries },
  };
}

/** What signs receipts and views; undefined where the configuration names nothing. */
export async function openReceiptSigner(
  { keys }: Config,
  context: Pick<CliContext, "environment" | "warn">,
): Promise<Signer | undefined> {
  return keys.receipt === undefined ? undefined : openSigner(keys.receipt, context);
}

/** @throws MalformedError for a key of another type, such as the log's other one. */
function requireMlDsa44(key: NotePrivateKey): NotePrivateKey {
  if (key.verifierKey.type !== COSIGNATURE_ML_DSA_44)
    throw new MalformedError(
      "configuration",
      "expected an ML-DSA-44 key, as 'touchstone key generate --log ORIGIN --ml-dsa-44' writes it",
      "keys.logMlDsa44",
    );
  return key;
}
