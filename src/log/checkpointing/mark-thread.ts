// Runs the thread in which high-water marks are written: of one log, or one after the other of several of a process, where a thread for each
// would cost more memory than everything else of an idle log.
import { Thread } from "../../node/thread.ts";
import { type StartRefusalCode, StartRefusedError } from "../errors.ts";
import type { MarkCall } from "./high-water-thread.ts";

export class MarkThread {
  #thread: Thread<MarkCall> | null = null;
  /** Files that the thread has open. */
  readonly #files = new Set<string>();

  /** @throws what reading or writing a HighWaterFile throws. */
  call(call: MarkCall): Promise<unknown> {
    this.#files.add(call.file);
    // Each call says what was written last, so another thread goes on where one has ended.
    if (this.#thread?.hasEnded === true) this.#thread = null;
    this.#thread ??= new Thread(new URL("./high-water-thread.ts", import.meta.url), null, revive);
    return this.#thread.call(call);
  }

  /** Lets a file go, and the thread with the last of them. */
  async release(file: string): Promise<void> {
    const thread = this.#thread;
    if (!this.#files.delete(file) || thread === null || thread.hasEnded) return;
    const isLast = this.#files.size === 0;
    if (isLast) this.#thread = null;
    await thread.call({ file, step: "close" });
    if (isLast) await thread.close();
  }
}

function revive({ name, message, code = "" }: { name: string; message: string; code?: string }): Error {
  if (name === "StartRefusedError") return new StartRefusedError(code as StartRefusalCode, message);
  return Object.assign(new Error(message), { name, code });
}
