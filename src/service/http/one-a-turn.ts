// Spreads work that takes milliseconds over the turns of the event loop: one piece in each, so that a crowd of clients who ask for it
// delays everybody else by one piece and not by the crowd.
import { setImmediate as turn } from "node:timers/promises";

/** Gives a queue. What is put into it runs in its order, the first piece in the next turn. */
export function oneATurn(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(() => turn()).then(work);
    last = result.catch(() => undefined);
    return result;
  };
}
