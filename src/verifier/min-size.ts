// Names the header with which a client says how large a tree it has seen, so that no process of the log answers it from a smaller one
// (docs/cluster.md). In a page it would cost a preflight: a verifier there says the same with `since`.

/** Its value is a tree size. Mirrors, and logs that are one process, need not know it. */
export const MIN_SIZE = "touchstone-min-size";

/** What is asked for, by somebody who has seen a tree of that size. */
export function askedAfter(size: number, init: RequestInit = {}): RequestInit {
  if (size === 0) return init;
  const headers = new Headers(init.headers);
  headers.set(MIN_SIZE, String(size));
  return { ...init, headers };
}
