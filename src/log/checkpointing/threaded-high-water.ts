// Keeps the high-water mark of a log that serves: it is written in a thread of its own (high-water-thread.ts).
import { Thread } from "../../node/thread.ts";
import { MarkMovedError, type StartRefusalCode, StartRefusedError } from "../errors.ts";
import type { HighWater, HighWaterMark } from "./high-water.ts";
import type { MarkCall, MarkSetup, Moved } from "./high-water-thread.ts";

export class ThreadedHighWater implements HighWater {
  readonly #file: string;
  #thread: Thread<MarkCall> | null = null;
  /** For the next thread: what this one has read or written last. */
  #last: string | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  async read(): Promise<HighWaterMark | undefined> {
    const mark = (await this.#call({ step: "read" })) as HighWaterMark | undefined;
    this.#last = mark?.note ?? null;
    return mark;
  }

  async swap(note: string): Promise<void> {
    const moved = (await this.#call({ note })) as Moved | undefined;
    if (moved !== undefined) throw new MarkMovedError(moved.movedTo);
    this.#last = note;
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = null;
    await thread?.call({ step: "close" });
    await thread?.close();
  }

  #call(call: MarkCall): Promise<unknown> {
    const setup: MarkSetup = { file: this.#file, last: this.#last };
    this.#thread ??= new Thread(new URL("./high-water-thread.ts", import.meta.url), setup, revive);
    return this.#thread.call(call);
  }
}

function revive({ name, message, code = "" }: { name: string; message: string; code?: string }): Error {
  if (name === "StartRefusedError") return new StartRefusedError(code as StartRefusalCode, message);
  return Object.assign(new Error(message), { name, code });
}
