// Opens what an audit replays: a log over HTTP, the folder of a mirror, or the file of a backup.
import { statSync } from "node:fs";
import { openSource } from "../auditor/log-source.ts";
import type { ReadPath } from "../log/maintenance/recover.ts";
import { readStoredLog } from "../log/maintenance/stored-log.ts";
import { mayBePartial, openSnapshot } from "../log/store/open-store.ts";
import type { CliContext } from "./context.ts";

export interface AuditSource {
  readonly read: ReadPath;
  /** What cannot be told from this source alone; null where nothing is to be said. */
  readonly note: string | null;
  close(): Promise<void>;
}

/** @throws StartRefusedError for a file that is no log's database. */
export async function openAuditSource(
  source: string,
  { fetch }: Pick<CliContext, "fetch">,
): Promise<AuditSource> {
  if (!isFile(source))
    return { read: openSource(source, { fetch }), note: null, close: async () => undefined };
  const note = mayBePartial(source)
    ? `${source} was copied from a database that may have been in use, and may lack the newest entries`
    : null;
  const store = await openSnapshot(source);
  return { read: readStoredLog(store), note, close: () => store.close() };
}

function isFile(source: string): boolean {
  return !/^https?:\/\//.test(source) && statSync(source, { throwIfNoEntry: false })?.isFile() === true;
}
