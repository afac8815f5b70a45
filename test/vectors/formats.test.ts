// Our own vectors for a second implementation: what they say is what our verifier does, and the files are what the script writes.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { makeFormatVectors } from "../../scripts/make-format-vectors.ts";
import { parseSplitView, verifySplitView } from "../../src/auditor/split-view.ts";
import { KeyRing } from "../../src/protocol/cryptography/key-ring.ts";
import { decodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { makeEnvelope, parseLeaf, recordAt, verifyEnvelope } from "../../src/protocol/envelope/dsse.ts";
import { whyNotTaken } from "../../src/protocol/identity/check-token.ts";
import { keyOfTerm, type Term, termsOf } from "../../src/protocol/lookup/term.ts";
import { hashLeaf } from "../../src/protocol/merkle/hash.ts";
import type { RememberedState } from "../../src/verifier/bundle/remembered-state.ts";
import { parseTrustFile, type TrustPin } from "../../src/verifier/bundle/trust-pin.ts";
import { verifyBundle } from "../../src/verifier/bundle/verify-bundle.ts";
import { verifyLookup } from "../../src/verifier/lookup/verify-lookup.ts";
import { referenceRoot } from "../support/reference-index.ts";
import { outcomeOf } from "../support/refusals.ts";

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`./formats/${name}`, import.meta.url), "utf8"));

interface BundleCase {
  readonly what: string;
  readonly pin: TrustPin;
  readonly policy: string;
  readonly now: string;
  readonly remembered: RememberedState | null;
  readonly result: string;
}

interface SplitViewCase {
  readonly what: string;
  readonly view: unknown;
  readonly result: string;
}

interface LookupVector {
  readonly entries: ReadonlyArray<{ leaf: string; terms: ReadonlyArray<Term & { key: string }> }>;
  readonly index: { readonly size: number; readonly root: string };
  readonly pin: TrustPin;
  readonly now: string;
  readonly cases: ReadonlyArray<Term & { what: string; answer: unknown; result: string }>;
}

describe("the vectors of docs/formats.md", () => {
  it("are the files that the script writes", async () => {
    for (const [name, value] of await makeFormatVectors())
      expect(read(name), name).toEqual(JSON.parse(JSON.stringify(value)));
  });

  it("hold an entry whose leaf, digest and leaf hash belong together", () => {
    const { leaf, leafHash, payload, payloadDigest } = read("entry.json");
    const envelope = parseLeaf(utf8(leaf));
    expect(envelope.payloadDigest).toBe(payloadDigest);
    expect(new TextDecoder().decode(envelope.payload)).toBe(payload);
    expect(encodeHex(hashLeaf(envelope.leaf))).toBe(leafHash);
  });

  it("hold an entry by an identity, and what must be said of tokens in its place", async () => {
    const { rule, identityKeys, recordedAt, key, audience, leaf, leafHash, cases } = read("identity.json");
    const envelope = parseLeaf(utf8(leaf));
    expect([envelope.recordedAt, encodeHex(hashLeaf(envelope.leaf))]).toEqual([recordedAt, leafHash]);
    const ring = new KeyRing();
    await ring.addProvider(identityKeys);
    for (const { what, jwt, sig, result } of cases) {
      const signature = { keyId: key.keyId, signature: decodeBase64(sig) };
      const signed = { ...signature, identity: { jwt, rule: rule.id, spki: key.spki } };
      const sent = recordAt(makeEnvelope(envelope.payload, [signed]), recordedAt);
      const judge = async () => {
        const { tokens } = await verifyEnvelope(sent, () => undefined, undefined, ring.providers);
        const time = Date.parse(recordedAt) / 1000;
        return whyNotTaken(rule, tokens[0]!, { audience, time }) === null ? "accepted" : "identity-refused";
      };
      const found = await judge().catch((error: { code: string }) => error.code);
      expect(found, what).toBe(result);
    }
    expect(cases).toHaveLength(25);
  });

  it("hold a bundle, and what a verifier must say of it", async () => {
    const { bundle, cases } = read("bundle.json") as { bundle: unknown; cases: BundleCase[] };
    const bytes = utf8(JSON.stringify(bundle));
    for (const { what, pin, policy, now, remembered, result } of cases) {
      const options = { pin, policy, now: new Date(now), remembered };
      expect(await outcomeOf(() => verifyBundle(bytes, options)), what).toBe(result);
    }
    expect(cases).toHaveLength(11);
  });

  it("hold an index, term by term, and what must be said of answers out of it", async () => {
    const { entries, index, pin, now, cases } = read("lookup.json") as LookupVector;
    const byKey = new Map<string, number[]>();
    for (const [i, { leaf, terms }] of entries.entries()) {
      const found = termsOf(parseLeaf(utf8(leaf)));
      expect(found.map((term) => ({ ...term, key: encodeHex(keyOfTerm(term)) }))).toEqual(terms);
      for (const { key } of terms) byKey.set(key, [...(byKey.get(key) ?? []), i]);
    }
    expect(index).toEqual({ size: entries.length, root: encodeHex(referenceRoot(byKey)) });
    for (const { what, type, value, answer, result } of cases) {
      const options = { pin, type, value, now: new Date(now), remembered: null };
      const judged = () => verifyLookup(utf8(JSON.stringify(answer)), options);
      expect(await outcomeOf(judged), what).toBe(result);
    }
    expect(cases).toHaveLength(13);
  });

  it("hold split views, and what must be said of them", async () => {
    const { trustRoot, cases } = read("split-view.json") as { trustRoot: unknown; cases: SplitViewCase[] };
    const trust = parseTrustFile(JSON.stringify(trustRoot));
    for (const { what, view, result } of cases) {
      const proven = () => verifySplitView(parseSplitView(utf8(JSON.stringify(view))), trust);
      expect(await outcomeOf(proven), what).toBe(result === "proven" ? "accepted" : result);
    }
    expect(cases).toHaveLength(9);
  });
});
