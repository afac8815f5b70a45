// Checks the entries of a log bundle by bundle. On the calling thread only the reading is done: signatures are verified in the thread
// pool, while the next bundle is being read.
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import { verifySignature } from "../../protocol/cryptography/signature.ts";
import {
  addKeys,
  type CheckedEntry,
  hashLeaves,
  type LoggedKeys,
  readEntries,
  verifyEntries,
} from "./checked-entry.ts";

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

/** At most 16 MiB each, usually far less. */
const AHEAD = 2;

export class PooledChecker implements EntryChecker {
  readonly ahead = AHEAD;
  readonly #keys = new KeyRing();
  #turn: Promise<unknown> = Promise.resolve();

  /** @param keys of the trust roots and providers before the first bundle. */
  static async open(keys: readonly LoggedKeys[]): Promise<PooledChecker> {
    const checker = new PooledChecker();
    for (const some of keys) await addKeys(checker.#keys, some);
    return checker;
  }

  async check(leaves: Promise<readonly Uint8Array[]>): Promise<CheckedBundle> {
    const reading = this.#turn.then(async () => readEntries(await leaves, this.#keys));
    this.#turn = reading.catch(() => undefined);
    const entries = await verifyEntries(await reading, this.#keys, verifySignature);
    return { hashes: hashLeaves(await leaves), entries };
  }
}
