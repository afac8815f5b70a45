// What a verifier remembers, in one file. For programs on Node; web pages use createBrowserStore.
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { writeDurably } from "../node/durable-file.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import {
  formatState,
  mergeStates,
  parseState,
  type RememberedState,
  type StateStore,
} from "../verifier/bundle/remembered-state.ts";

/** A store for one log. The file is replaced as a whole, so that a crash leaves the old state or the new one. */
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
  const state = parseState(text);
  if (state.origin !== origin)
    throw new Error(`${path} remembers ${state.origin}, not ${origin}; use one state file for each log`);
  return state;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
