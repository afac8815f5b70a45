// Verifies a bundle and remembers what it taught, a fork of the log included: the only way in which a verifier's state changes.
import { parsePolicyBundle } from "../../protocol/bundle/policy-bundle.ts";
import { VerificationError } from "../../protocol/errors.ts";
import type { BrokenCode } from "./bundle-error.ts";
import { forkOf } from "./fork.ts";
import { mergeStates } from "./merge-states.ts";
import type { StateStore } from "./state-store.ts";
import type { VerifyBundleOptions } from "./trust-pin.ts";
import { type VerifiedBundle, verifyBundle } from "./verify-bundle.ts";

/**
 * @param options its `remembered` is what the store had loaded.
 * @returns what verified, once the store has it. @throws what verifyBundle throws, or what the store throws, StateChangedError where
 *   another visit ended meanwhile (repeatVisit): nothing is saved of a bundle that does not verify, but for the proof that the log forked.
 */
export async function verifyAndRemember(
  bytes: Uint8Array,
  options: VerifyBundleOptions,
  store: StateStore,
): Promise<VerifiedBundle> {
  const verified = await verifyBundle(bytes, options).catch(async (error: unknown) => {
    await keepFork(error, bytes, options, store);
    throw error;
  });
  const { remembered } = options;
  await store.save(mergeStates(remembered, verified.state, remembered), remembered);
  return verified;
}

/** A bundle that came as far as this refusal has an authentic checkpoint. The store refuses it, too, and says where it has the two. */
async function keepFork(
  error: unknown,
  bytes: Uint8Array,
  { remembered }: VerifyBundleOptions,
  store: StateStore,
): Promise<void> {
  const forked: BrokenCode = "log-forked";
  if (!(error instanceof VerificationError) || error.code !== forked || remembered === null) return;
  const fork = remembered.fork ?? forkOf(remembered.checkpoint.note, parsePolicyBundle(bytes).checkpoint);
  await store.save({ ...remembered, fork }, remembered);
}
