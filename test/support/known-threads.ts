// Lets a test end the threads that the code under test has started, as the want of memory would:
//   vi.mock(import("node:worker_threads"), async (original) =>
//     (await import("../../support/known-threads.ts")).knownThreads(await original()));
import type { Worker } from "node:worker_threads";

type Threads = typeof import("node:worker_threads");

const started: Worker[] = [];

/** The module with threads that `endThread` knows. */
export function knownThreads(module: Threads): Threads {
  class KnownWorker extends module.Worker {
    constructor(...args: ConstructorParameters<Threads["Worker"]>) {
      super(...args);
      started.push(this);
    }
  }
  return { ...module, Worker: KnownWorker };
}

/** Ends the thread that was started last. */
export async function endThread(): Promise<void> {
  await started.at(-1)?.terminate();
}

/** How many have been started, and how many of them have not ended. */
export function countThreads(): { readonly started: number; readonly running: number } {
  return { started: started.length, running: started.filter(({ threadId }) => threadId !== -1).length };
}
