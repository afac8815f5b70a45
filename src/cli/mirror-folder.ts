// Opens the folder that a mirror or an export writes into: one process at a time, and none that has something else in it.
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { formatSplitView } from "../auditor/split-view.ts";
import { CopyTarget, MIRROR_STATE } from "../mirror/copy-target.ts";
import type { ForkedError } from "../mirror/mirror.ts";
import { holdLock } from "../node/hold-lock.ts";
import { FolderStore } from "../node/objects/folder-store.ts";
import { type CliContext, UsageError } from "./context.ts";
import { writeOutput } from "./files.ts";

const LOCK = ".lock";

export interface OpenMirrorFolder {
  readonly target: CopyTarget;
  /** Lets other processes have it. */
  release(): void;
}

/** @throws UsageError when the folder is of something else; FileError when another process writes to it. */
export async function openMirrorFolder(
  folder: string,
  options: { readonly gzip?: boolean },
): Promise<OpenMirrorFolder> {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new UsageError(`${folder}: ${error instanceof Error ? error.message : "cannot be made"}`);
  }
  if (!isMirror(folder)) throw new UsageError(`${folder} is not empty, and what is in it is no mirror`);
  const release = holdLock(join(folder, LOCK), "is held: another process writes to this mirror");
  const store = new FolderStore(folder, options);
  await store.removeUnfinished();
  return { target: new CopyTarget(store), release };
}

/** Also one whose first round was interrupted. */
function isMirror(folder: string): boolean {
  return (
    [MIRROR_STATE, LOCK].some((name) => existsSync(join(folder, name))) || readdirSync(folder).length === 0
  );
}

export function progressOf(
  what: string,
  { interactive, warn, now }: CliContext,
): (done: number, all: number) => void {
  let last = 0;
  return (done, all) => {
    if (!interactive || now().getTime() - last < 1000) return;
    last = now().getTime();
    warn(`${what} ${done} of ${all} entries`);
  };
}

/** Two signed checkpoints that contradict each other convict the log before anyone who has its key (docs/formats.md, "Split view"). */
export function writeForkEvidence(folder: string, { splitView, sizes }: ForkedError): void {
  if (splitView === null) return;
  writeOutput(join(folder, `split-view-${sizes.kept}-${sizes.shown}.json`), formatSplitView(splitView));
}
