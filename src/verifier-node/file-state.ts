// What a verifier remembers, in one file. For programs on Node; web pages use createBrowserStore.
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { writeDurably } from "../node/durable-file.ts";
import { FileError } from "../node/file-error.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import {
  formatState,
  mergeStates,
  parseState,
  type RememberedState,
  type StateStore,
} from "../verifier/bundle/remembered-state.ts";

/**
 * A store for one log. The file is replaced as a whole, so that a crash leaves the old state or the new one.
 * Its methods throw FileError when the file is damaged or of another log, and the system's error when it cannot be read or written.
 * @example
 * ```ts
 * import { createFileStore } from "touchstone/verifier/node";
 * const store = createFileStore("touchstone-state.json");
 * ```
 */
export function createFileStore(path: string): StateStore {
  return {
    load: async (origin) => readState(path, origin),
    async save(state) {
      mkdirSync(dirname(path), { recursive: true });
      const text = formatState(mergeStates(readState(path, state.origin), state));
      writeDurably(path, utf8(text), { mode: 0o600 });
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
      `is no state of a verifier: ${error instanceof Error ? error.message : "unreadable"}`,
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
