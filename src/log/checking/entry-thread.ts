// Reads, hashes and verifies the entries of bundles in a thread of its own.
import { verifyAtOnce } from "../../node/ed25519.ts";
import { answerCalls } from "../../node/thread.ts";
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import type { IdentityKeys } from "../../protocol/entry/identity-keys.ts";
import { parseEntryBundle } from "../../protocol/merkle/tile.ts";
import {
  addKeys,
  hashLeaves,
  type KnownKeys,
  type LoggedKeys,
  readEntries,
  verifyEntries,
} from "./checked-entry.ts";
import type { CheckedBundle } from "./entry-checker.ts";

/** A bundle to check. */
export interface CheckCall {
  /** C2SP tlog-tiles entry bundle, of `count` entries. */
  readonly bundle: Uint8Array<ArrayBuffer>;
  readonly count: number;
  /** Keys of trust roots and providers before the bundle that the thread has not been given yet. */
  readonly keys: readonly LoggedKeys[];
  /** Whether the keys that were given before are of another log. */
  readonly isOtherLog: boolean;
}

export interface CheckAnswer extends CheckedBundle {
  /** Keys of the trust roots and providers in the bundle. */
  readonly introduced: readonly LoggedKeys[];
  /** Whether something did not verify with the keys that were given and those in the bundle. */
  readonly mayLackKeys: boolean;
}

let known = new KeyRing();

answerCalls(async ({ bundle, count, keys, isOtherLog }: CheckCall): Promise<CheckAnswer> => {
  if (isOtherLog) known = new KeyRing();
  // One by one: a key that is none was found where its trust root was read, and the others count.
  await Promise.allSettled(keys.map((some) => addKeys(known, some)));
  const own = new IntroducedKeys();
  const leaves = parseEntryBundle(bundle, count);
  const read = await readEntries(leaves, own);
  const entries = await verifyEntries(read, both(known, own), verifyAtOnce);
  return {
    hashes: hashLeaves(leaves),
    entries,
    introduced: own.introduced,
    mayLackKeys: entries.some(({ problem }) => problem?.code === "entry-signature"),
  };
}, bytesOf);

/** The keys of the trust roots and providers in one bundle. */
class IntroducedKeys extends KeyRing {
  readonly introduced: LoggedKeys[] = [];

  override add(spkis: readonly string[]): Promise<void> {
    this.introduced.push(...spkis);
    return super.add(spkis);
  }

  override addProvider({ issuer, keys }: Pick<IdentityKeys, "issuer" | "keys">): Promise<void> {
    this.introduced.push({ issuer, keys });
    return super.addProvider({ issuer, keys });
  }
}

const both = (one: KnownKeys, other: KnownKeys): KnownKeys => ({
  lookup: (keyId) => one.lookup(keyId) ?? other.lookup(keyId),
  providers: (issuer, kid) => [...one.providers(issuer, kid), ...other.providers(issuer, kid)],
});

/** The leaves are views of the bundle, which goes back as it came: it is handed over, not copied. */
function bytesOf({ entries }: CheckAnswer): ArrayBuffer[] {
  const verified = entries.find(({ problem }) => problem === null);
  return verified?.envelope ? [verified.envelope.leaf.buffer as ArrayBuffer] : [];
}
