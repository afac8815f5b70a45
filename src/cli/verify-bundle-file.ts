// Verifies a bundle file against the pin and what is remembered of its log, and remembers what it taught.
import { createMemoryStore, mergeStates } from "../verifier/bundle/remembered-state.ts";
import { parseTrustFile } from "../verifier/bundle/trust-pin.ts";
import { type VerifiedBundle, verifyBundle } from "../verifier/bundle/verify-bundle.ts";
import { createFileStore } from "../verifier-node/file-state.ts";
import { readInput, readOwn } from "./files.ts";

export interface BundleFiles {
  readonly bundle: string;
  /** trust-root.json of the log. */
  readonly trust: string;
  /** Where the state is kept; without it nothing is remembered. */
  readonly state?: string;
}

/**
 * @param refused what becomes of a bundle that does not verify; faults of the other files are thrown as they are.
 * @throws UsageError when pin or bundle cannot be read, FileError when the state cannot.
 */
export async function verifyBundleFile<T>(
  { bundle, trust, state }: BundleFiles,
  now: Date,
  refused: (error: unknown) => T,
): Promise<VerifiedBundle | T> {
  const pin = readOwn(trust, parseTrustFile);
  const store = state === undefined ? createMemoryStore() : createFileStore(state);
  const remembered = await store.load(pin.origin);
  const bytes = readInput(bundle);
  let verified: VerifiedBundle;
  try {
    verified = await verifyBundle(bytes, { pin, now, remembered });
  } catch (error) {
    return refused(error);
  }
  await store.save(mergeStates(remembered, verified.state));
  return verified;
}
