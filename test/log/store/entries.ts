// Appends of made-up entries: the store does not look into leaves.
import type { Append } from "../../../src/log/store/log-store.ts";
import { hashLeaf } from "../../../src/protocol/merkle/hash.ts";
import { sha256Of } from "../../support/release-predicates.ts";

export const leaf = new TextEncoder().encode("leaf");

/** An append of one entry. */
export function oneEntry(index: number, change: Partial<Append["entries"][number]> = {}): Append {
  const entry = {
    index,
    leaf,
    payloadDigest: sha256Of(`payload ${index}`),
    kind: "platform" as const,
    name: `vm-${index}`,
    version: "1",
    signers: [sha256Of("key")],
    tokens: [sha256Of(`token ${index}`)],
    digests: [sha256Of(`digest ${index}`)],
    ...change,
  };
  const hashes = new Uint8Array(32 * (index + 1));
  for (let i = 0; i <= index; i++) hashes.set(hashLeaf(leaf), 32 * i);
  return {
    entries: [entry],
    tiles: [{ level: 0, index: 0, hashes, inner: null }],
    attachments: [],
    head: { size: index + 1, root: new Uint8Array(32) },
  };
}
