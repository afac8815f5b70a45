// Calls a thread, which answers one call after the other: what would hold the event loop is done there. The thread keeps no process
// alive but while it has something to answer, and ends with its process, however that ends.
import { parentPort, type ResourceLimits, type Transferable, Worker } from "node:worker_threads";
import { packagePath } from "./package-root.ts";

/** An error as it crosses over. */
export interface ThreadError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
}

/** For a thread that handles bytes, which lie outside of its heap; Node would let that grow to hundreds of megabytes before it tidies up. */
export const SMALL_HEAP: ResourceLimits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

interface Question<Call> {
  readonly id: number;
  readonly call: Call;
}
interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: ThreadError;
}
interface Waiter {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class Thread<Call> {
  readonly #worker: Worker;
  readonly #revive: (error: ThreadError) => Error;
  readonly #waiting = new Map<number, Waiter>();
  readonly #ended: Promise<void>;
  #calls = 0;
  #failure: Error | null = null;

  /**
   * @param source the source of the thread, which calls `answerCalls`.
   * @param data cloned; the thread has it as `workerData`.
   * @param revive makes an error of what the thread threw.
   */
  constructor(
    source: URL,
    data: unknown,
    revive: (error: ThreadError) => Error,
    resourceLimits: ResourceLimits = SMALL_HEAP,
  ) {
    this.#revive = revive;
    this.#worker = new Worker(fileOf(source), {
      workerData: data,
      resourceLimits,
      ...(isSource && { execArgv: READING_TYPES }),
    });
    this.#worker.unref();
    this.#worker.on("message", (answer: Answer) => this.#settle(answer));
    this.#worker.on("error", (error) => this.#fail(error as Error));
    this.#ended = new Promise((resolve) => this.#worker.once("exit", () => resolve()));
    void this.#ended.then(() => this.#fail(new Error("the thread has ended")));
  }

  /** Whether it is not there any more, such as for want of memory: nothing that it had is left, and no call reaches it. */
  get hasEnded(): boolean {
    return this.#failure !== null;
  }

  /** @returns what the thread answered. @throws what it threw, or why it is not there any more. */
  call(call: Call, transfer: readonly Transferable[] = []): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      const id = this.#calls++;
      const question: Question<Call> = { id, call };
      this.#worker.postMessage(question, transfer);
      this.#waiting.set(id, { resolve, reject });
      this.#worker.ref();
    });
  }

  /** Ends the thread once it has answered everything. */
  async close(): Promise<void> {
    this.#worker.ref();
    this.#worker.postMessage(null);
    await this.#ended;
  }

  #settle({ id, value, error }: Answer): void {
    const waiter = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (error === undefined) waiter?.resolve(value);
    else waiter?.reject(this.#revive(error));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

/**
 * In a thread: answers each call, in their order, with what the function returns or throws.
 * @param transferred which parts of a value are handed over instead of copied.
 */
export function answerCalls<Call, Value>(
  answer: (call: Call) => Value | Promise<Value>,
  transferred: (value: Value) => readonly Transferable[] = () => [],
): void {
  let last: Promise<void> = Promise.resolve();
  parentPort?.on("message", (question: Question<Call> | null) => {
    last = last.then(async () => {
      if (question === null) return parentPort?.close();
      const reply = await answerTo(question, answer);
      parentPort?.postMessage(reply, "value" in reply ? transferred(reply.value as Value) : []);
    });
  });
}

async function answerTo<Call, Value>(
  { id, call }: Question<Call>,
  answer: (call: Call) => Value | Promise<Value>,
): Promise<Answer> {
  try {
    return { id, value: await answer(call) };
  } catch (thrown) {
    const { name, message, code } = thrown as Error & { code?: string };
    return { id, error: { name, message, ...(typeof code === "string" && { code }) } };
  }
}

const isSource = import.meta.url.endsWith(".ts");
/** Node before 22.18 reads TypeScript only where it is told to, which only those need who run this from its source. */
const READING_TYPES = ["--experimental-strip-types", "--no-warnings"];

/** The source itself, where it runs as it is; else what scripts/build-program.ts made of it. */
function fileOf(source: URL): URL | string {
  const [, name = ""] = /\/([^/]+)\.[jt]s$/.exec(source.pathname) ?? [];
  return isSource ? source : packagePath("dist", "cli", "threads", `${name}.js`);
}
