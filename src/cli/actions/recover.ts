// Brings an old copy of the database up to what the log has signed.
import { recover } from "../../log/maintenance/recover.ts";
import { openStore } from "../../log/store/open-store.ts";
import { type CliContext, judging, show } from "../context.ts";
import { openLogSigner } from "../log-signer.ts";
import { openHighWater } from "../open-high-water.ts";
import { readConfig } from "../open-log.ts";
import { openRecoverySource } from "../recovery-source.ts";
import { storeOf } from "../store-of.ts";

interface RecoverOptions {
  readonly from: string;
  readonly config: string;
  readonly json?: boolean;
}

export async function runRecover(options: RecoverOptions, context: CliContext): Promise<void> {
  const { added, size } = await recoverFrom(options, context);
  show(context, options, { added, size }, [`${added} entries added; the log has ${size}`]);
}

async function recoverFrom({ from, config: file }: RecoverOptions, context: CliContext) {
  const config = readConfig(file, context);
  const { keys, origin, storage } = config;
  const { verifierKey } = await openLogSigner(keys.log, origin, context);
  const read = await openRecoverySource(from, config, context);
  const highWater = await openHighWater(storage, context);
  const store = await openStore(storeOf(config, context), context.now());
  try {
    return await judging(() =>
      recover({
        store,
        highWater,
        logKey: verifierKey,
        fetch: read,
        ...(context.interactive && {
          onProgress: (recovered: number, missing: number) =>
            context.warn(`recovered ${recovered} of ${missing}`),
        }),
      }),
    );
  } finally {
    await store.close();
  }
}
