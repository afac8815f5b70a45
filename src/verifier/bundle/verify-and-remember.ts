// Verifies an answer of a log and remembers what it taught, a fork of the log included: the only way in which a verifier's state changes.
import { parsePolicyBundle } from "../../protocol/bundle/policy-bundle.ts";
import { VerificationError } from "../../protocol/errors.ts";
import type { BrokenCode } from "./bundle-error.ts";
import { forkOf } from "./fork.ts";
import { mergeStates } from "./merge-states.ts";
import type { RememberedState } from "./remembered-state.ts";
import type { StateStore } from "./state-store.ts";
import type { VerifyBundleOptions } from "./trust-pin.ts";
import { type VerifiedBundle, verifyBundle } from "./verify-bundle.ts";

/**
 * @param options its `remembered` is what the store had loaded.
 * @returns what verified, once the store has it. @throws what verifyBundle throws, or what the store throws, StateChangedError where
 *   another visit ended meanwhile (repeatVisit): nothing is saved of a bundle that does not verify, but for the proof that the log forked.
 */
export function verifyAndRemember(
  bytes: Uint8Array,
  options: VerifyBundleOptions,
  store: StateStore,
): Promise<VerifiedBundle> {
  const visit = {
    verify: () => verifyBundle(bytes, options),
    noteShown: () => parsePolicyBundle(bytes).checkpoint,
  };
  return rememberVisit(visit, options.remembered, store);
}

/** An answer that is to be verified. */
export interface Visit<T> {
  verify(): Promise<T>;
  /** The checkpoint that the answer has. Only called where it was read and is authentic. */
  noteShown(): string;
}

/** The same for whatever answer carries a checkpoint. @param remembered what the store had loaded, and the answer is verified against. */
export async function rememberVisit<T extends { readonly state: RememberedState }>(
  visit: Visit<T>,
  remembered: RememberedState | null,
  store: StateStore,
): Promise<T> {
  const verified = await visit.verify().catch(async (error: unknown) => {
    await keepFork(error, visit, remembered, store);
    throw error;
  });
  await store.save(mergeStates(remembered, verified.state, remembered), remembered);
  return verified;
}

/** An answer that comes as far as this refusal has an authentic checkpoint. The store refuses it, too, and says where it has the two. */
async function keepFork(
  error: unknown,
  visit: Pick<Visit<unknown>, "noteShown">,
  remembered: RememberedState | null,
  store: StateStore,
): Promise<void> {
  const forked: BrokenCode = "log-forked";
  if (!(error instanceof VerificationError) || error.code !== forked || remembered === null) return;
  const fork = remembered.fork ?? forkOf(remembered.checkpoint.note, visit.noteShown());
  await store.save({ ...remembered, fork }, remembered);
}
