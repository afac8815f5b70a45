// Keeps a few items under way beyond the one that is in the consumer's hands.

/** @param count how many; each is taken from the source, which starts it, before it is asked for. */
export function* ahead<T>(items: Iterable<T>, count: number): Generator<T> {
  const queue: T[] = [];
  for (const item of items) {
    queue.push(item);
    if (queue.length > count) yield queue.shift() as T;
  }
  yield* queue;
}
