// Checks the entries of a log bundle by bundle. On the calling thread only the reading is done: signatures are verified in others, while
// the next bundle is being read.
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import { type VerifySignature, verifySignature } from "../../protocol/cryptography/signature.ts";
import {
  addKeys,
  type CheckedEntry,
  hashLeaves,
  type LoggedKeys,
  readEntries,
  verifyEntries,
} from "./checked-entry.ts";
import type { SignatureThreads } from "./signature-threads.ts";

export interface CheckedBundle {
  /** Leaf hashes, 32 bytes each. */
  readonly hashes: readonly Uint8Array[];
  readonly entries: readonly CheckedEntry[];
}

export interface EntryChecker {
  /** How many bundles should be under way. */
  readonly ahead: number;
  /**
   * Checks the entries of a bundle, with the keys of every trust root and provider up to its end. Bundles must come in the order of the log.
   * Rejects as `leaves` does; else where it could not be done, for no fault of an entry.
   */
  check(leaves: Promise<readonly Uint8Array[]>): Promise<CheckedBundle>;
}

/** Bundles of at most 16 MiB each, usually far less. */
const AHEAD = 2;

/**
 * Threads verify the signatures of a long log, Node's thread pool those of a short one.
 * @param entries how many will be checked.
 * @param keys of the trust roots and providers before the first of them.
 */
export async function openChecker(
  threads: SignatureThreads,
  entries: number,
  keys: readonly LoggedKeys[],
): Promise<EntryChecker> {
  const checker =
    entries < threads.worthFrom
      ? new InOrderChecker(verifySignature, AHEAD)
      : new InOrderChecker(threads.verify, threads.count + 1);
  await checker.addKeys(keys);
  return checker;
}

class InOrderChecker implements EntryChecker {
  readonly ahead: number;
  readonly #verify: VerifySignature;
  readonly #keys = new KeyRing();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(verify: VerifySignature, ahead: number) {
    this.#verify = verify;
    this.ahead = ahead;
  }

  async addKeys(keys: readonly LoggedKeys[]): Promise<void> {
    for (const some of keys) await addKeys(this.#keys, some);
  }

  async check(leaves: Promise<readonly Uint8Array[]>): Promise<CheckedBundle> {
    const reading = this.#turn.then(async () => readEntries(await leaves, this.#keys));
    this.#turn = reading.catch(() => undefined);
    const verifying = verifyEntries(await reading, this.#keys, this.#verify);
    const hashes = hashLeaves(await leaves);
    return { hashes, entries: await verifying };
  }
}
