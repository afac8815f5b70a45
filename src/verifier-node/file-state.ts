// Keeps what a verifier remembers in one file. For programs on Node; web pages use createBrowserStore.
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { followLink, writeDurably } from "../node/durable-file.ts";
import { FileError } from "../node/file-error.ts";
import { withFileLock } from "../node/file-lock.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { mergeStates } from "../verifier/bundle/merge-states.ts";
import { formatState, parseState, type RememberedState } from "../verifier/bundle/remembered-state.ts";
import { refuseFork, type StateStore } from "../verifier/bundle/state-store.ts";

/**
 * A store for one log. The file is replaced as a whole, so that a crash leaves the old state or the new one, and under a lock, so that of
 * two processes that end at once neither forgets what the other saw.
 * Its methods throw FileError when the file is damaged or of another log, LogForkedError when a fork is kept in it, and the system's error
 * when it cannot be read or written; `save` throws StateChangedError when another process saw another tree meanwhile.
 * @example
 * ```ts
 * import { createFileStore } from "touchstone/verifier/node";
 * const store = createFileStore("touchstone-state.json");
 * ```
 */
export function createFileStore(path: string): StateStore {
  return {
    load: async (origin) => refuseFork(readState(path, origin), path),
    async save(state, since) {
      mkdirSync(dirname(path), { recursive: true });
      const merged = withFileLock(path, () => {
        const joined = mergeStates(readState(path, state.origin), state, since);
        writeDurably(followLink(path), utf8(formatState(joined)), { mode: 0o600 });
        return joined;
      });
      refuseFork(merged, path);
    },
  };
}

function readState(path: string, origin: string): RememberedState | null {
  const text = readIfThere(path);
  if (text === null) return null;
  const state = parseFile(path, text);
  if (state.origin !== origin)
    throw new FileError(path, `remembers ${state.origin}, not ${origin}; use one state file for each log`);
  return state;
}

/** What is wrong with our own memory must not be taken for a fault of the log's. */
function parseFile(path: string, text: string): RememberedState {
  try {
    return parseState(text);
  } catch (error) {
    throw new FileError(
      path,
      `is no state of a verifier, or was cut: ${error instanceof Error ? error.message : "unreadable"}; put a copy of it back, or remove it, and what was seen of the log is forgotten`,
    );
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
