// What a verifier remembers between visits, so that nobody can show it an older or another log than before.
import * as z from "zod";
import { readAs } from "../../protocol/encoding/shape.ts";
import { integer, name, positive, sha256, text } from "../../protocol/entry/fields.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";

const rememberedState = z.strictObject({
  origin: text(255),
  trustRootVersion: positive.describe("Newest trust root seen"),
  statusSequence: positive.describe("Newest status seen"),
  checkpoint: z.strictObject({ size: positive, root: sha256 }).describe("Largest tree seen"),
  policies: z.record(name, integer).describe("Newest version seen of each policy"),
});
/**
 * @example
 * ```ts
 * import type { RememberedState } from "touchstone/verifier";
 * const sizeOf = (state: RememberedState): number => state.checkpoint.size;
 * ```
 */
export type RememberedState = z.infer<typeof rememberedState>;

/**
 * Keeps one state for each log. `save` joins the state with the stored one (mergeStates), since another visit may have ended in
 * between, and returns once it is durable; a store that loses it forgets that the log must not go back. A state that cannot be
 * read must throw, never read as "nothing remembered".
 * @example
 * ```ts
 * import { formatState, parseState, type StateStore } from "touchstone/verifier";
 * const texts = new Map<string, string>();
 * const store: StateStore = {
 *   load: async (origin) => (texts.has(origin) ? parseState(texts.get(origin) ?? "") : null),
 *   save: async (state) => void texts.set(state.origin, formatState(state)),
 * };
 * ```
 */
export interface StateStore {
  load(origin: string): Promise<RememberedState | null>;
  save(state: RememberedState): Promise<void>;
}

/**
 * @throws MalformedError
 * @example
 * ```ts
 * import { parseState } from "touchstone/verifier";
 * const sizeSeen = (text: string): number => parseState(text).checkpoint.size;
 * ```
 */
export function parseState(text: string): RememberedState {
  return readAs(rememberedState, parseJson(text, 65_536), "remembered state");
}

/**
 * @example
 * ```ts
 * import { formatState, type RememberedState } from "touchstone/verifier";
 * const save = (state: RememberedState): void => localStorage.setItem(state.origin, formatState(state));
 * ```
 */
export function formatState(state: RememberedState): string {
  return JSON.stringify(state);
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
    load: async (origin) => states.get(origin) ?? null,
    save: async (state) =>
      void states.set(state.origin, mergeStates(states.get(state.origin) ?? null, state)),
  };
}

/**
 * For web pages: one item of `localStorage` (or any Storage) for each log.
 * @example
 * ```ts
 * import { createBrowserStore } from "touchstone/verifier";
 * const store = createBrowserStore(localStorage);
 * ```
 */
export function createBrowserStore(storage: Pick<Storage, "getItem" | "setItem">): StateStore {
  const key = (origin: string) => `touchstone:${origin}`;
  const read = (origin: string) => {
    const text = storage.getItem(key(origin));
    return text === null ? null : parseState(text);
  };
  return {
    load: async (origin) => read(origin),
    save: async (state) =>
      storage.setItem(key(state.origin), formatState(mergeStates(read(state.origin), state))),
  };
}

/**
 * Joins what was remembered with what was just verified. Nothing in it ever goes down.
 * @example
 * ```ts
 * import { mergeStates, type StateStore, type VerifiedBundle } from "touchstone/verifier";
 * const remember = async (store: StateStore, { state }: VerifiedBundle): Promise<void> =>
 *   store.save(mergeStates(await store.load(state.origin), state));
 * ```
 */
export function mergeStates(old: RememberedState | null, next: RememberedState): RememberedState {
  if (old === null) return next;
  const policies = new Map(Object.entries(old.policies));
  for (const [policy, version] of Object.entries(next.policies))
    policies.set(policy, Math.max(policies.get(policy) ?? 0, version));
  return {
    origin: next.origin,
    trustRootVersion: Math.max(old.trustRootVersion, next.trustRootVersion),
    statusSequence: Math.max(old.statusSequence, next.statusSequence),
    checkpoint: old.checkpoint.size > next.checkpoint.size ? old.checkpoint : next.checkpoint,
    policies: Object.fromEntries(policies),
  };
}
