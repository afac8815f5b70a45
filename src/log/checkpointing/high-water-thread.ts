// Writes the high-water mark in a thread of its own: the event loop does not wait for the disk, and the mark waits for no signature check
// of the thread pool.
import { workerData } from "node:worker_threads";
import { answerCalls } from "../../node/thread.ts";
import { HighWaterFile } from "./high-water.ts";

/** What the thread is asked for: to write a note, or to close the file. */
export type MarkCall = { readonly note: string } | { readonly step: "close" };

const mark = new HighWaterFile(workerData as string);

answerCalls((call: MarkCall) => ("note" in call ? mark.write(call.note) : mark.close()));
