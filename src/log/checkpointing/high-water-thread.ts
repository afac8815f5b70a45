// Writes high-water marks in a thread of their own: the event loop does not wait for the disk, and a mark waits for no signature check
// of the thread pool.
import * as nodeFs from "node:fs";
import { answerCalls } from "../../node/thread.ts";
import { MarkMovedError } from "../errors.ts";
import { HighWaterFile } from "./high-water.ts";

/** What the thread is asked for: to write a note, to read what there is, or to close the file. */
export type MarkCall = { readonly file: string } & (
  | { readonly note: string; readonly last: string | null }
  | { readonly step: "read"; readonly last: string | null }
  | { readonly step: "close" }
);

/** What stands there in the place of what was expected: an error loses its note on the way. */
export interface Moved {
  readonly movedTo: string | null;
}

const marks = new Map<string, HighWaterFile>();

answerCalls(async (call: MarkCall) => {
  if (!("last" in call)) return close(call.file);
  const mark = opened(call.file, call.last);
  return "note" in call ? swap(mark, call.note) : mark.read();
});

/** @param last what was read or written last, where the file is not open. */
function opened(file: string, last: string | null): HighWaterFile {
  const mark = marks.get(file) ?? new HighWaterFile(file, nodeFs, last);
  marks.set(file, mark);
  return mark;
}

async function close(file: string): Promise<void> {
  await marks.get(file)?.close();
  marks.delete(file);
}

async function swap(mark: HighWaterFile, note: string): Promise<Moved | undefined> {
  try {
    await mark.swap(note);
    return undefined;
  } catch (error) {
    if (error instanceof MarkMovedError) return { movedTo: error.note };
    throw error;
  }
}
