// Asks a log for the entries of a term, verifies its answer and remembers what was seen.
import { parseLookupAnswer } from "../../protocol/lookup/lookup-answer.ts";
import { parseTerm } from "../../protocol/lookup/term.ts";
import { treeOf } from "../bundle/merge-states.ts";
import { repeatVisit } from "../bundle/state-changed.ts";
import type { StateStore } from "../bundle/state-store.ts";
import { rememberVisit } from "../bundle/verify-and-remember.ts";
import type { Deadline } from "../fetch-answer.ts";
import { fetchDocument } from "../fetch-document.ts";
import { type VerifiedLookup, type VerifyLookupOptions, verifyLookup } from "./verify-lookup.ts";

/**
 * @example
 * ```ts
 * import { createMemoryStore, type TrustPin } from "touchstone/verifier";
 * import type { FetchLookupOptions } from "touchstone/verifier/lookup";
 * const options = (pin: TrustPin, keyId: string): FetchLookupOptions => ({
 *   url: "https://log.example.com", type: "signer", value: keyId, pin, store: createMemoryStore(), now: new Date(), fetch,
 * });
 * ```
 */
export interface FetchLookupOptions extends Omit<VerifyLookupOptions, "remembered"> {
  /** Base URL of the service, such as https://log.example.com */
  readonly url: string;
  readonly store: StateStore;
  readonly fetch: typeof fetch;
  readonly signal?: AbortSignal | undefined;
  /** How long an answer may take; 30 s as a whole and 10 s between two pieces unless given. */
  readonly deadline?: Deadline | undefined;
}

/**
 * Asks, verifies and remembers, as fetchPolicy does.
 * @throws RefusedError when the service says no, UnreachableError when nobody answers, what verifyLookup throws, or what the store
 *   throws when its state cannot be read.
 * @example
 * ```ts
 * import { createMemoryStore, type TrustPin } from "touchstone/verifier";
 * import { fetchLookup } from "touchstone/verifier/lookup";
 * const isPublished = async (pin: TrustPin, digest: string): Promise<boolean> => {
 *   const asked = { url: "https://log.example.com", type: "payload", value: digest, pin };
 *   const { indices } = await fetchLookup({ ...asked, store: createMemoryStore(), now: new Date(), fetch });
 *   return indices.length > 0;
 * };
 * ```
 */
export async function fetchLookup(options: FetchLookupOptions): Promise<VerifiedLookup> {
  const { pin, store } = options;
  return repeatVisit(async () => {
    const remembered = await store.load(pin.origin);
    const bytes = await fetchLookupAnswer(options, remembered === null ? undefined : treeOf(remembered).size);
    return verifyLookupAndRemember(bytes, { ...options, remembered }, store);
  });
}

/** @param options its `remembered` is what the store had loaded. @returns what verified, once the store has it. */
export function verifyLookupAndRemember(
  bytes: Uint8Array,
  options: VerifyLookupOptions,
  store: StateStore,
): Promise<VerifiedLookup> {
  const visit = {
    verify: () => verifyLookup(bytes, options),
    noteShown: () => parseLookupAnswer(bytes).checkpoint,
  };
  return rememberVisit(visit, options.remembered, store);
}

/**
 * The answer's bytes as the service sends them, not verified. `since` asks for the consistency proof from a tree size.
 * @throws MalformedError for a term that no entry can have, and for an answer that is longer than any; RefusedError, UnreachableError.
 */
export async function fetchLookupAnswer(
  asked: Pick<FetchLookupOptions, "url" | "type" | "value" | "fetch" | "signal" | "deadline">,
  since?: number,
): Promise<Uint8Array> {
  const { type, value } = parseTerm(asked.type, asked.value);
  const query = since === undefined ? "" : `?since=${since}`;
  const path = `/v1/lookup/${type}/${encodeURIComponent(value)}${query}`;
  return fetchDocument(asked.url, path, "lookup answer", asked);
}
