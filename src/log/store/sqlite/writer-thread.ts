// Runs the writer of a database in a thread of its own, so that nobody else waits for the disk.
import { workerData } from "node:worker_threads";
import { answerCalls } from "../../../node/thread.ts";
import type { Candidate } from "../leadership.ts";
import type { PublishedCheckpoint } from "../log-store.ts";
import { openForWriting } from "./open.ts";
import { type PackedAppend, unpackAppend } from "./packed-append.ts";
import { SqliteWriter } from "./sqlite-writer.ts";

export interface WriterSetup {
  readonly file: string;
  readonly now: Date;
  readonly candidate: Candidate;
}

/** What the thread is asked for. */
export type WriterCall =
  | { readonly append: PackedAppend; readonly expectedSize: number }
  | { readonly checkpoint: PublishedCheckpoint }
  | { readonly step: "open" | "probe" | "renew" | "close" };

const { file, now, candidate } = workerData as WriterSetup;
let writer: SqliteWriter | undefined;

answerCalls((call: WriterCall) => {
  if ("step" in call && call.step === "open") return open();
  if (writer === undefined) throw new TypeError("the database is opened first");
  if ("append" in call) writer.append(call.expectedSize, unpackAppend(call.append));
  else if ("checkpoint" in call) writer.addCheckpoint(call.checkpoint);
  else if (call.step === "probe") writer.probe();
  else if (call.step === "renew") writer.renew();
  else writer.close();
  return undefined;
});

/** @returns the epoch that has begun. */
function open(): number {
  const database = openForWriting(file, { now });
  try {
    writer = new SqliteWriter(database, candidate);
    return writer.epoch;
  } catch (error) {
    database.close();
    throw error;
  }
}
