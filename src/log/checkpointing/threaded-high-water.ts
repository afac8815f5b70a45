// Keeps the high-water mark of a log that serves: it is written in a thread of its own (high-water-thread.ts).
import { Thread } from "../../node/thread.ts";
import { type StartRefusalCode, StartRefusedError } from "../errors.ts";
import { type HighWater, HighWaterFile, type HighWaterMark } from "./high-water.ts";
import type { MarkCall } from "./high-water-thread.ts";

export class ThreadedHighWater implements HighWater {
  readonly #file: string;
  #thread: Thread<MarkCall> | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  read(): Promise<HighWaterMark | undefined> {
    return new HighWaterFile(this.#file).read();
  }

  async write(note: string): Promise<void> {
    this.#thread ??= new Thread(new URL("./high-water-thread.ts", import.meta.url), this.#file, revive);
    await this.#thread.call({ note });
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = null;
    await thread?.call({ step: "close" });
    await thread?.close();
  }
}

function revive({ name, message, code = "" }: { name: string; message: string; code?: string }): Error {
  if (name === "StartRefusedError") return new StartRefusedError(code as StartRefusalCode, message);
  return Object.assign(new Error(message), { name, code });
}
