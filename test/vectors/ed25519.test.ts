// The Ed25519 edge cases of C2SP/CCTV: keys and signatures of small order and of other encodings. Whatever checks a signature here gives
// one verdict on each, and accepts nothing that Go does not.
import { expect, it } from "vitest";
import { entryVerifier } from "../../src/node/ed25519.ts";
import { ed25519Spki, importPublicKey, verifySignature } from "../../src/protocol/cryptography/signature.ts";
import { decodeHex } from "../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { createNoteVerifier, createVerifierKey, ED25519 } from "../../src/protocol/note/key.ts";
import { describeReal, realJson } from "../support/real-data.ts";

interface Case {
  readonly number: number;
  readonly key: string;
  readonly sig: string;
  readonly msg: string;
  readonly flags: readonly string[] | null;
}

/** Every way in which a signature is checked here: of entries in the pool and at once, and of notes. */
const VERIFIERS: ReadonlyArray<
  (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => Promise<boolean>
> = [
  async (key, ...signed) => verifySignature(await importPublicKey(ed25519Spki(key)), ...signed),
  async (key, ...signed) => entryVerifier(1, 1)(await importPublicKey(ed25519Spki(key)), ...signed),
  async (key, ...signed) =>
    (await createNoteVerifier(createVerifierKey("k", ED25519, key))).verify(...signed),
];

describeReal("vectors/ed25519", () => {
  it("914 signatures get one verdict from all of ours, which is Go's but for points of small order", async () => {
    const cases = realJson<Case[]>("vectors/ed25519/ed25519vectors.json");
    const go = new Set(realJson<{ accepted: number[] }>("vectors/ed25519/go-verdicts.json").accepted);
    const differing: Case[] = [];
    for (const c of cases) {
      const signed = [decodeHex(c.key), utf8(c.msg), decodeHex(c.sig)] as const;
      const verdicts = await Promise.all(VERIFIERS.map((verify) => verify(...signed)));
      expect(new Set(verdicts).size, `number ${c.number}`).toBe(1);
      if (verdicts[0]) expect(go.has(c.number), `number ${c.number}`).toBe(true);
      if (verdicts[0] !== go.has(c.number)) differing.push(c);
    }
    expect(cases).toHaveLength(914);
    // A key or an R of small order is refused, as the WebCrypto specification asks; crypto/ed25519 does not look.
    const isSmall = ({ flags }: Case) => ["low_order_A", "low_order_R"].some((flag) => flags?.includes(flag));
    expect(differing.filter((c) => !isSmall(c)).map(({ number }) => number)).toEqual([]);
    expect([go.size, differing.length]).toEqual([208, 165]);
  });
});
