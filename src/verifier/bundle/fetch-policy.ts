// Fetches the current policy bundle of a log, verifies it and remembers what was seen: the one call that most verifiers need.
import type { Deadline } from "../fetch-answer.ts";
import { fetchDocument } from "../fetch-document.ts";
import { treeOf } from "./merge-states.ts";
import { repeatVisit } from "./state-changed.ts";
import type { StateStore } from "./state-store.ts";
import type { TrustPin } from "./trust-pin.ts";
import { verifyAndRemember } from "./verify-and-remember.ts";
import type { VerifiedBundle } from "./verify-bundle.ts";

/**
 * @example
 * ```ts
 * import { createMemoryStore, type FetchPolicyOptions, type TrustPin } from "touchstone/verifier";
 * const options = (pin: TrustPin): FetchPolicyOptions => ({
 *   url: "https://log.example.com", name: "production", pin, store: createMemoryStore(), now: new Date(), fetch,
 * });
 * ```
 */
export interface FetchPolicyOptions {
  /** Base URL of the service, such as https://log.example.com */
  readonly url: string;
  /** Name of the policy. */
  readonly name: string;
  readonly pin: TrustPin;
  readonly store: StateStore;
  readonly now: Date;
  readonly fetch: typeof fetch;
  readonly signal?: AbortSignal | undefined;
  /** How long an answer may take; 30 s as a whole and 10 s between two pieces unless given. */
  readonly deadline?: Deadline | undefined;
}

/**
 * Fetches, verifies and remembers. The new state is saved before the result is returned, and only when everything verified. Where another
 * visit ended meanwhile and saw another tree, it does all of it again, so that the two trees are compared.
 * @throws RefusedError when the service says no, UnreachableError when nobody answers, what verifyBundle throws, or what the store
 *   throws when its state cannot be read.
 * @example
 * ```ts
 * import { createBrowserStore, fetchPolicy, type TrustPin, type VerifiedBundle } from "touchstone/verifier";
 * const policyOf = (pin: TrustPin): Promise<VerifiedBundle> =>
 *   fetchPolicy({ url: "https://log.example.com", name: "production", pin, store: createBrowserStore(localStorage), now: new Date(), fetch });
 * ```
 */
export async function fetchPolicy(options: FetchPolicyOptions): Promise<VerifiedBundle> {
  const { pin, name, now, store } = options;
  return repeatVisit(async () => {
    const remembered = await store.load(pin.origin);
    const bytes = await fetchBundle(options, remembered === null ? undefined : treeOf(remembered).size);
    return verifyAndRemember(bytes, { pin, policy: name, now, remembered }, store);
  });
}

/**
 * The bundle's bytes as the service sends them, not verified. `since` asks for the consistency proof from a tree size.
 * @throws RefusedError, UnreachableError; MalformedError for an answer that is longer than any bundle, or no JSON object at all.
 * @example
 * ```ts
 * import { fetchBundle } from "touchstone/verifier";
 * const bytes = await fetchBundle({ url: "https://log.example.com", name: "production", fetch }); // not verified by that
 * ```
 */
export function fetchBundle(
  { url, name, ...ask }: Pick<FetchPolicyOptions, "url" | "name" | "fetch" | "signal" | "deadline">,
  since?: number,
): Promise<Uint8Array> {
  const query = since === undefined ? "" : `?since=${since}`;
  return fetchDocument(url, `/v1/policies/${encodeURIComponent(name)}${query}`, "policy bundle", ask);
}
