// Keeps the high-water mark of a log that serves: it is written in a thread (mark-thread.ts).
import { MarkMovedError } from "../errors.ts";
import type { HighWater, HighWaterMark } from "./high-water.ts";
import type { Moved } from "./high-water-thread.ts";
import { MarkThread } from "./mark-thread.ts";

export class ThreadedHighWater implements HighWater {
  readonly #file: string;
  readonly #thread: MarkThread;
  /** What was read or written last: the thread does not know it after the file was closed. */
  #last: string | null = null;

  /** @param thread its own unless given. */
  constructor(file: string, thread = new MarkThread()) {
    this.#file = file;
    this.#thread = thread;
  }

  async read(): Promise<HighWaterMark | undefined> {
    const read = await this.#thread.call({ file: this.#file, last: this.#last, step: "read" });
    const mark = read as HighWaterMark | undefined;
    this.#last = mark?.note ?? null;
    return mark;
  }

  async swap(note: string): Promise<void> {
    const swapped = await this.#thread.call({ file: this.#file, last: this.#last, note });
    const moved = swapped as Moved | undefined;
    if (moved !== undefined) throw new MarkMovedError(moved.movedTo);
    this.#last = note;
  }

  close(): Promise<void> {
    return this.#thread.release(this.#file);
  }
}
