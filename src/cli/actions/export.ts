// Exports one's own log from its database into a folder, in the layout of a mirror.
import { readStoredLog } from "../../log/maintenance/stored-log.ts";
import { openSnapshot } from "../../log/store/open-store.ts";
import { type Mirrored, mirrorLog } from "../../mirror/mirror.ts";
import { type CliContext, show } from "../context.ts";
import { keepMirroring, mirroredLine, untilStopped } from "../keep-mirroring.ts";
import { openMirrorFolder, progressOf } from "../mirror-folder.ts";
import { readConfig } from "../open-log.ts";
import { existingStoreOf } from "../store-of.ts";

interface ExportOptions {
  readonly config: string;
  readonly every?: number;
  readonly gzip?: boolean;
  readonly json?: boolean;
}

export async function runExport(folder: string, options: ExportOptions, context: CliContext): Promise<void> {
  const location = await existingStoreOf(readConfig(options.config, context), context);
  const { target, release } = await openMirrorFolder(folder, options);
  const onProgress = progressOf("exported", context);
  /** From one moment of the database, also while a service writes to it. */
  const round = async (): Promise<Mirrored> => {
    const store = await openSnapshot(location);
    try {
      const read = readStoredLog(store);
      return await mirrorLog({ read, target, trust: null, now: context.now(), onProgress });
    } finally {
      await store.close();
    }
  };
  try {
    if (options.every !== undefined)
      return await keepMirroring(round, options.every, untilStopped(), context);
    const exported = await round();
    show(context, options, exported, [mirroredLine(exported)]);
  } finally {
    release();
  }
}
