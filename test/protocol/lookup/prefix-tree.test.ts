import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { VerificationError } from "../../../src/protocol/errors.ts";
import {
  EMPTY_SUBTREE,
  hashEntries,
  type LookupClaim,
  type LookupProof,
  verifyLookupProof,
} from "../../../src/protocol/lookup/prefix-tree.ts";
import { type Addition, addToTree, proveKey, rootOfTree } from "../../../src/protocol/lookup/stored-tree.ts";
import { referenceRoot } from "../../support/reference-index.ts";

const nativeHash = (data: Uint8Array) => new Uint8Array(createHash("sha256").update(data).digest());
const keyOf = (text: string) => nativeHash(Buffer.from(text));

/** Keys that share long beginnings as well as ones that share nothing, as nobody can find them for SHA-256. */
const key = fc
  .tuple(fc.constantFrom(0, 1, 2, 3, 7, 8, 100, 251, 255), fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map(([shared, bytes]) => {
    const key = Uint8Array.from(bytes);
    for (let depth = 0; depth < shared; depth++)
      key[depth >> 3] = (key[depth >> 3] as number) & ~(128 >> (depth & 7));
    return key;
  });
/** What each entry is found by: few enough keys that several entries share one. */
const log = fc.array(key, { minLength: 1, maxLength: 24 }).chain((keys) =>
  fc.array(fc.uniqueArray(fc.constantFrom(...keys), { maxLength: 6, selector: encodeHex }), {
    maxLength: 12,
  }),
);

const additionsOf = (entries: readonly (readonly Uint8Array[])[], first = 0): Addition[] =>
  entries.flatMap((keys, i) => keys.map((key) => ({ key, index: first + i })));

function entriesByKey(entries: readonly (readonly Uint8Array[])[]): Map<string, number[]> {
  const byKey = new Map<string, number[]>();
  for (const { key, index } of additionsOf(entries))
    byKey.set(encodeHex(key), [...(byKey.get(encodeHex(key)) ?? []), index]);
  return byKey;
}

function build(entries: readonly (readonly Uint8Array[])[]) {
  const pages = new Map<string, Uint8Array>();
  return { pages, root: addToTree(pages, additionsOf(entries), nativeHash) };
}

function isRefused(claim: LookupClaim, proof: LookupProof): boolean {
  try {
    verifyLookupProof(claim, proof);
    return false;
  } catch (error) {
    if (!(error instanceof VerificationError) || error.code !== "lookup-proof") throw error;
    return true;
  }
}

/** A log of a thousand keys, of which one has five entries. */
const ENTRIES = Array.from({ length: 200 }, (_, i) => [
  ...(i % 40 === 7 ? [keyOf("shared")] : []),
  ...Array.from({ length: 5 }, (_, j) => keyOf(`key ${i}.${j}`)),
]);
const { pages, root } = build(ENTRIES);
const SHARED = [7, 47, 87, 127, 167];

const present = (): { claim: LookupClaim; proof: LookupProof } => {
  const { proof } = proveKey(pages, keyOf("shared"));
  return { claim: { key: keyOf("shared"), indices: SHARED, before: null, root }, proof };
};
/** Of a key whose path ends at nothing, or at another key. */
const absent = (end: "nothing" | "another key"): { claim: LookupClaim; proof: LookupProof } => {
  for (let i = 0; ; i++) {
    const key = keyOf(`absent ${i}`);
    const { proof } = proveKey(pages, key);
    if ((proof.other === null) === (end === "nothing"))
      return { claim: { key, indices: [], before: null, root }, proof };
  }
};

describe("the tree of an index", () => {
  it("is the one of the definition, whether entries are added one by one, in batches, or all at once", () => {
    fc.assert(
      fc.property(log, fc.array(fc.nat(5)), (entries, batches) => {
        const expected = encodeHex(referenceRoot(entriesByKey(entries)));
        expect(encodeHex(build(entries).root)).toBe(expected);
        const pages = new Map<string, Uint8Array>();
        for (let first = 0, batch = 0; first < entries.length; batch++) {
          const size = Math.max(1, batches[batch] ?? 1);
          addToTree(pages, additionsOf(entries.slice(first, first + size), first));
          first += size;
        }
        expect(encodeHex(rootOfTree(pages))).toBe(expected);
        expect(pages).toEqual(build(entries).pages);
      }),
    );
  });

  it("has 32 zero bytes as root where it has no keys, and the leaf of its only key where it has one", () => {
    expect(rootOfTree(new Map())).toEqual(EMPTY_SUBTREE);
    expect(addToTree(new Map(), [])).toEqual(EMPTY_SUBTREE);
    const only = keyOf("only");
    const root = addToTree(new Map(), [{ key: only, index: 3 }]);
    const value = nativeHash(Buffer.concat([Buffer.alloc(32), Buffer.from("0000000000000003", "hex")]));
    expect(root).toEqual(nativeHash(Buffer.concat([Buffer.of(0), only, value])));
  });

  it("says that it is damaged where a page is missing", () => {
    const deep = [...pages.keys()].find((prefix) => prefix.length === 2) as string;
    const without = new Map([...pages].filter(([prefix]) => prefix !== deep));
    const below = ENTRIES.flat().find((key) => encodeHex(key).startsWith(deep)) as Uint8Array;
    expect(() => proveKey(without, below)).toThrow(`lacks page ${deep}`);
  });
});

describe("a proof of the index", () => {
  it("verifies for every key that is there and for keys that are not, and for no other list of entries", () => {
    fc.assert(
      fc.property(log, key, (entries, stranger) => {
        const { pages, root } = build(entries);
        const byKey = entriesByKey(entries);
        for (const key of [...entries.flat(), stranger]) {
          const indices = byKey.get(encodeHex(key)) ?? [];
          const { proof, valueHash } = proveKey(pages, key);
          const claim = { key, indices, before: null, root };
          verifyLookupProof(claim, proof);
          expect(valueHash).toEqual(indices.length === 0 ? null : hashEntries(indices));
          expect(isRefused({ ...claim, indices: [...indices, 1000] }, proof)).toBe(true);
          if (indices.length > 0) {
            expect(isRefused({ ...claim, indices: indices.slice(1) }, proof)).toBe(true);
            expect(isRefused({ ...claim, indices: indices.slice(0, -1) }, proof)).toBe(true);
            expect(isRefused({ ...claim, indices: [] }, proof)).toBe(true);
          }
        }
      }),
    );
  });

  it("shows the newest entries of many after the value hash of those before them", () => {
    const { claim, proof } = present();
    for (let cut = 1; cut < SHARED.length; cut++) {
      const newest = { ...claim, indices: SHARED.slice(cut), before: hashEntries(SHARED.slice(0, cut)) };
      verifyLookupProof(newest, proof);
      expect(isRefused({ ...newest, before: null }, proof)).toBe(true);
      expect(isRefused({ ...newest, before: hashEntries(SHARED.slice(0, cut - 1)) }, proof)).toBe(true);
    }
    expect(isRefused({ ...claim, before: EMPTY_SUBTREE }, proof)).toBe(true);
    expect(isRefused({ ...claim, before: new Uint8Array(31) }, proof)).toBe(true);
    expect(isRefused({ ...claim, indices: [], before: hashEntries(SHARED) }, proof)).toBe(true);
  });

  it.each([
    ["a key with entries", present],
    ["a key without entries where nothing is", () => absent("nothing")],
    ["a key without entries where another key is", () => absent("another key")],
  ])("of %s is refused with any byte changed, cut, or longer", (_, make) => {
    const { claim, proof } = make();
    verifyLookupProof(claim, proof);
    const refused = (changed: Partial<LookupClaim & LookupProof>) =>
      expect(isRefused({ ...claim, ...changed }, { ...proof, ...changed })).toBe(true);
    // Below the end of its path, a key without entries has as few as its neighbours.
    const bits = claim.indices.length > 0 ? 256 : proof.siblings.length;
    for (let depth = 0; depth < bits; depth++) refused({ key: withBitFlipped(claim.key, depth) });
    for (const changed of eachByteOf(claim.root)) refused({ root: changed });
    for (const [i, sibling] of proof.siblings.entries())
      for (const changed of eachByteOf(sibling)) refused({ siblings: proof.siblings.with(i, changed) });
    if (proof.other) {
      const { key, valueHash } = proof.other;
      for (const changed of eachByteOf(key)) refused({ other: { key: changed, valueHash } });
      for (const changed of eachByteOf(valueHash)) refused({ other: { key, valueHash: changed } });
      refused({ other: { key: key.subarray(1), valueHash } });
      refused({ other: { key, valueHash: valueHash.subarray(1) } });
      refused({ other: null });
    }
    for (const [i, index] of claim.indices.entries()) refused({ indices: claim.indices.with(i, index + 1) });
    for (let cut = 0; cut < proof.siblings.length; cut++) {
      refused({ siblings: proof.siblings.slice(cut + 1) });
      refused({ siblings: proof.siblings.slice(0, cut) });
    }
    refused({ siblings: [EMPTY_SUBTREE, ...proof.siblings] });
    refused({ siblings: [...proof.siblings, EMPTY_SUBTREE] });
    refused({ siblings: [new Uint8Array(31), ...proof.siblings.slice(1)] });
    refused({ siblings: Array.from({ length: 257 }, () => EMPTY_SUBTREE) });
  });

  it("of a key with entries does not prove that it has none, by its own leaf or by one that is elsewhere", () => {
    const { claim, proof } = present();
    const valueHash = hashEntries(SHARED);
    const none = { ...claim, indices: [] };
    expect(isRefused(none, { ...proof, other: { key: claim.key, valueHash } })).toBe(true);
    expect(isRefused(claim, { ...proof, other: { key: keyOf("key 1.1"), valueHash } })).toBe(true);
    const elsewhere = proveKey(pages, keyOf("key 1.1"));
    const other = { key: keyOf("key 1.1"), valueHash: elsewhere.valueHash as Uint8Array };
    expect(isRefused(none, { siblings: elsewhere.proof.siblings, other })).toBe(true);
  });

  it("is refused for entries out of order, twice, or with numbers that are none", () => {
    const { claim, proof } = present();
    for (const indices of [[...SHARED].reverse(), [7, 7], [-1], [0.5], [Number.NaN], [2 ** 53]])
      expect(isRefused({ ...claim, indices }, proof)).toBe(true);
  });
});

function withBitFlipped(bytes: Uint8Array, depth: number): Uint8Array {
  return bytes.with(depth >> 3, (bytes[depth >> 3] as number) ^ (128 >> (depth & 7)));
}

function* eachByteOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (const [i, byte] of bytes.entries()) yield bytes.with(i, byte ^ 1);
}
