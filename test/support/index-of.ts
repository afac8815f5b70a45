// The index of envelopes that are all in memory, computed from the definition alone.
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import type { Envelope } from "../../src/protocol/envelope/dsse.ts";
import { keyOfTerm, termsOf } from "../../src/protocol/lookup/term.ts";
import { referenceRoot } from "./reference-index.ts";

/** Entries of each key, in hex, ascending. */
export function entriesByKey(envelopes: readonly Envelope[]): Map<string, number[]> {
  const entries = new Map<string, number[]>();
  for (const [index, envelope] of envelopes.entries())
    for (const term of termsOf(envelope)) {
      const key = encodeHex(keyOfTerm(term));
      entries.set(key, [...(entries.get(key) ?? []), index]);
    }
  return entries;
}

/** Root of the index over these envelopes, hex. */
export function indexRootOf(envelopes: readonly Envelope[]): string {
  return encodeHex(referenceRoot(entriesByKey(envelopes)));
}
