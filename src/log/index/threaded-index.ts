// Calls the file of the index, which is in a thread of its own (index-thread.ts).
import { FileError } from "../../node/file-error.ts";
import { SqliteMissingError } from "../../node/sqlite.ts";
import { Thread, type ThreadError } from "../../node/thread.ts";
import type { IndexState, KeyFound } from "./index-file.ts";
import type { IndexCall } from "./index-thread.ts";
import { IndexDamagedError } from "./sealed-row.ts";
import { PARTS } from "./staged-keys.ts";

export class ThreadedIndex {
  readonly #file: string;
  #thread: Thread<IndexCall>;

  constructor(file: string) {
    this.#file = file;
    this.#thread = startThread(file);
  }

  /** Whether the thread is not there any more: the file is to be opened again. */
  get hasEnded(): boolean {
    return this.#thread.hasEnded;
  }

  /** Opens the file, in a new thread where the one before has ended. @param anew throws away what is in it. @throws FileError, IndexDamagedError. */
  async open(anew: boolean): Promise<IndexState> {
    if (this.hasEnded) this.#thread = startThread(this.#file);
    return (await this.#thread.call({ step: "open", anew })) as IndexState;
  }

  /** As IndexFile.add. */
  async add(call: Omit<Extract<IndexCall, { step: "add" }>, "step">): Promise<IndexState> {
    return (await this.#thread.call({ step: "add", ...call })) as IndexState;
  }

  /** As IndexFile.stage. */
  async stage(first: number, leaves: readonly Uint8Array[]): Promise<void> {
    await this.#thread.call({ step: "stage", first, leaves });
  }

  /**
   * Builds the entries that were staged, in steps between which whatever else was asked has its turn.
   * @param treeRoot as of IndexFile.add. @returns null where the signal was aborted.
   */
  async build(size: number, treeRoot: Uint8Array, signal: AbortSignal): Promise<IndexState | null> {
    for (let part = 0; part < PARTS && !signal.aborted; )
      if ((await this.#thread.call({ step: "buildSome", part, size })) === false) part++;
    if (signal.aborted) return null;
    return (await this.#thread.call({ step: "endBuilding", size, treeRoot })) as IndexState;
  }

  /** As IndexFile.rootWith. */
  async rootWith(first: number, leaves: readonly Uint8Array[]): Promise<Uint8Array> {
    return (await this.#thread.call({ step: "rootWith", first, leaves })) as Uint8Array;
  }

  /** As IndexFile.unmark. */
  async unmark(sizes: readonly number[]): Promise<IndexState> {
    return (await this.#thread.call({ step: "unmark", sizes })) as IndexState;
  }

  /** As IndexFile.find. */
  async find(key: Uint8Array, size: number, limit: number): Promise<KeyFound> {
    return (await this.#thread.call({ step: "find", key, size, limit })) as KeyFound;
  }

  async close(): Promise<void> {
    await this.#thread.call({ step: "close" }).catch(() => undefined);
    await this.#thread.close();
  }
}

function startThread(file: string): Thread<IndexCall> {
  const revive = (error: ThreadError) => revived(file, error);
  return new Thread(new URL("./index-thread.ts", import.meta.url), file, revive);
}

/** An error of the thread with the class by which it is told apart; what SQLite or a page says of broken bytes is damage. */
function revived(file: string, { name, message, code = "" }: ThreadError): Error {
  if (name === "IndexDamagedError" || name === "MalformedError" || /^SQLITE_(?:CORRUPT|NOTADB)/.test(code))
    return new IndexDamagedError(message);
  if (name === "FileError") return new FileError(file, message.slice(message.indexOf(" ", file.length) + 1));
  if (name === "SqliteMissingError") return new SqliteMissingError(message);
  return Object.assign(new Error(message), { name, code });
}
