// What a verifier remembers, in one file. For programs on Node; web pages use createBrowserStore.
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { utf8 } from "../protocol/encoding/text.ts";
import {
  formatState,
  mergeStates,
  parseState,
  type RememberedState,
  type StateStore,
} from "../verifier/bundle/remembered-state.ts";

/**
 * A store for one log. The file is replaced as a whole: written beside it, synced, renamed, and the folder synced, so that a
 * crash leaves the old state or the new one.
 */
export function createFileStore(path: string): StateStore {
  return {
    load: async (origin) => readState(path, origin),
    async save(state) {
      mkdirSync(dirname(path), { recursive: true });
      const temporary = `${path}.${process.pid}.tmp`;
      writeSynced(temporary, formatState(mergeStates(readState(path, state.origin), state)));
      renameSync(temporary, path);
      syncFolder(dirname(path));
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

function writeSynced(path: string, text: string): void {
  const file = openSync(path, "w", 0o600);
  try {
    writeSync(file, utf8(text));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
