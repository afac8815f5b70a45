// Waits for something, and no longer than it may take.
import { setTimeout as sleep } from "node:timers/promises";

/** Resolves when the promise does, or after so many milliseconds; rejects as it does before. What is late is nobody's business any more. */
export async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const waiting = new AbortController();
  const patience = sleep(ms, undefined, { signal: waiting.signal, ref: false }).catch(() => undefined);
  try {
    await Promise.race([promise, patience]);
  } finally {
    waiting.abort();
  }
}
