// Verifies a bundle file against the pin, the policy that was asked for and what is remembered of its log, and remembers what it taught.
import { MalformedError, PolicyError, VerificationError } from "../protocol/errors.ts";
import { repeatVisit, StateChangedError } from "../verifier/bundle/state-changed.ts";
import { createMemoryStore } from "../verifier/bundle/state-store.ts";
import { parseTrustFile } from "../verifier/bundle/trust-pin.ts";
import { verifyAndRemember } from "../verifier/bundle/verify-and-remember.ts";
import type { VerifiedBundle } from "../verifier/bundle/verify-bundle.ts";
import { createFileStore } from "../verifier-node/file-state.ts";
import { readInput, readOwn } from "./files.ts";

export interface BundleFiles {
  readonly bundle: string;
  /** Name of the policy that must be in it. */
  readonly policy: string;
  /** trust-root.json of the log. */
  readonly trust: string;
  /** Where the state is kept; without it nothing is remembered. */
  readonly state?: string;
}

/**
 * @param refused what becomes of a bundle that does not verify; faults of the other files are thrown as they are.
 * @throws UsageError, FileError or MalformedError when pin, state or bundle cannot be read, LogForkedError when the log forked before.
 */
export async function verifyBundleFile<T>(
  files: BundleFiles,
  now: Date,
  refused: (error: unknown) => T,
): Promise<VerifiedBundle | T> {
  return verifyBundleBytes(readInput(files.bundle), files, now, refused);
}

/** The same, of a bundle that is no file. */
export async function verifyBundleBytes<T>(
  bytes: Uint8Array,
  { policy, trust, state }: Omit<BundleFiles, "bundle">,
  now: Date,
  refused: (error: unknown) => T,
): Promise<VerifiedBundle | T> {
  const pin = readOwn(trust, parseTrustFile);
  const store = state === undefined ? createMemoryStore() : createFileStore(state);
  return repeatVisit(async () => {
    const remembered = await store.load(pin.origin);
    try {
      return await verifyAndRemember(bytes, { pin, policy, now, remembered }, store);
    } catch (error) {
      if (isRefusal(error)) return refused(error);
      throw error;
    }
  });
}

function isRefusal(error: unknown): boolean {
  if (error instanceof StateChangedError) return false;
  return (
    error instanceof MalformedError || error instanceof VerificationError || error instanceof PolicyError
  );
}
