// Keeps what a verifier remembers: in memory or in a browser's storage. touchstone/verifier/node has one in a file.
import { LogForkedError } from "./forked-log.ts";
import { mergeStates } from "./merge-states.ts";
import { formatState, parseState, type RememberedState } from "./remembered-state.ts";

/**
 * Keeps one state for each log. `save` is told what the state was verified against, as `load` gave it. It joins the state with the
 * stored one (mergeStates), since another visit may have ended in between, and returns once it is durable; a store that loses it forgets
 * that the log must not go back. Where the other visit saw another tree it saves nothing and throws StateChangedError: between loading
 * and saving, two visits could else be shown one fork each. A state that cannot be read must throw, never read as "nothing remembered".
 * A state with a fork in it is kept like any other, and from then on both methods throw LogForkedError.
 * @example
 * ```ts
 * import { formatState, mergeStates, parseState, type StateStore } from "touchstone/verifier";
 * const texts = new Map<string, string>();
 * const load = (origin: string) => (texts.has(origin) ? parseState(texts.get(origin) ?? "") : null);
 * const store: StateStore = {
 *   load: async (origin) => load(origin),
 *   save: async (state, since) =>
 *     void texts.set(state.origin, formatState(mergeStates(load(state.origin), state, since))),
 * };
 * ```
 */
export interface StateStore {
  load(origin: string): Promise<RememberedState | null>;
  save(state: RememberedState, since: RememberedState | null): Promise<void>;
}

/**
 * What Web Locks are used for: one page at a time joins states. `navigator.locks` in browsers.
 * @example
 * ```ts
 * import { createBrowserStore, type Locks } from "touchstone/verifier";
 * const storeWith = (locks: Locks) => createBrowserStore(localStorage, locks);
 * ```
 */
export interface Locks {
  request<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** Pages that write at once, without locks, give up after so many turns. */
const MAX_TURNS = 100;

/** @throws LogForkedError when the state has a fork in it. @param keptIn the name of the place that holds it. */
export function refuseFork<State extends RememberedState | null>(state: State, keptIn: string): State {
  if (state !== null && state.fork !== null) throw new LogForkedError(state, keptIn);
  return state;
}

/**
 * For one process only: remembers nothing after it ends.
 * @example
 * ```ts
 * import { createMemoryStore } from "touchstone/verifier";
 * const store = createMemoryStore(); // remembers nothing across visits: a rollback before the first one goes unnoticed
 * ```
 */
export function createMemoryStore(): StateStore {
  const states = new Map<string, RememberedState>();
  return {
    load: async (origin) => refuseFork(states.get(origin) ?? null, "memory"),
    async save(state, since) {
      const merged = mergeStates(states.get(state.origin) ?? null, state, since);
      states.set(state.origin, merged);
      refuseFork(merged, "memory");
    },
  };
}

/**
 * For web pages: one item of `localStorage` (or any Storage) for each log. Tabs share it: a lock keeps them apart where there are locks,
 * and everywhere a page looks again, after the others had their turn, whether what it wrote is still in there.
 * @example
 * ```ts
 * import { createBrowserStore } from "touchstone/verifier";
 * const store = createBrowserStore(localStorage);
 * ```
 */
export function createBrowserStore(
  storage: Pick<Storage, "getItem" | "setItem">,
  locks: Locks | undefined = globalThis.navigator?.locks,
): StateStore {
  const keyOf = (origin: string) => `touchstone:${origin}`;
  const read = (key: string) => {
    const text = storage.getItem(key);
    return text === null ? null : parseState(text);
  };
  return {
    load: async (origin) => refuseFork(read(keyOf(origin)), keyOf(origin)),
    async save(state, since) {
      const key = keyOf(state.origin);
      const join = () => joinInto(storage, key, (stored) => mergeStates(stored, state, since));
      await (locks === undefined ? join() : locks.request(key, join));
      refuseFork(read(key), key);
    },
  };
}

async function joinInto(
  storage: Pick<Storage, "getItem" | "setItem">,
  key: string,
  merge: (stored: RememberedState | null) => RememberedState,
): Promise<void> {
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    const stored = storage.getItem(key);
    const joined = formatState(merge(stored === null ? null : parseState(stored)));
    if (joined === stored) return;
    // Swapped only where nobody came between, and looked at once more when everybody else had a turn.
    if (storage.getItem(key) === stored) storage.setItem(key, joined);
    await new Promise((resolve) => setTimeout(resolve));
  }
  throw new Error(`${key}: other pages keep writing it; close them and try again`);
}
