// Writes the high-water mark in a thread of its own: the event loop does not wait for the disk, and the mark waits for no signature check
// of the thread pool.
import * as nodeFs from "node:fs";
import { workerData } from "node:worker_threads";
import { answerCalls } from "../../node/thread.ts";
import { MarkMovedError } from "../errors.ts";
import { HighWaterFile } from "./high-water.ts";

export interface MarkSetup {
  readonly file: string;
  /** What was read or written last. */
  readonly last: string | null;
}

/** What the thread is asked for: to write a note, to read what there is, or to close the file. */
export type MarkCall = { readonly note: string } | { readonly step: "read" | "close" };

/** What stands there in the place of what was expected: an error loses its note on the way. */
export interface Moved {
  readonly movedTo: string | null;
}

const { file, last } = workerData as MarkSetup;
const mark = new HighWaterFile(file, nodeFs, last);

answerCalls(async (call: MarkCall) => {
  if ("note" in call) return swap(call.note);
  return call.step === "read" ? mark.read() : mark.close();
});

async function swap(note: string): Promise<Moved | undefined> {
  try {
    await mark.swap(note);
    return undefined;
  } catch (error) {
    if (error instanceof MarkMovedError) return { movedTo: error.note };
    throw error;
  }
}
