// tlog-proof texts of transparency-dev/formats, and whole proofs over the golden log of transparency-dev/tessera.
import { expect, it } from "vitest";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { hashLeaf } from "../../src/protocol/merkle/hash.ts";
import { parseTlogPolicy } from "../../src/protocol/note/tlog-policy.ts";
import {
  formatTlogProof,
  parseTlogProof,
  type TlogProof,
  verifyTlogProof,
} from "../../src/protocol/note/tlog-proof.ts";
import { describeReal, realJson } from "../support/real-data.ts";
import { malformedOf, outcomeOf } from "../support/refusals.ts";

interface PlainProof {
  index: string;
  hashes: string[];
  extra: string | null;
  checkpoint: string;
}
interface Cases {
  marshal: Array<{ name: string; proof: PlainProof; text: string }>;
  unmarshalErrors: Array<{ name: string; text: string }>;
  roundTrip: Array<{ name: string; proof: PlainProof }>;
}

const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));
const proofOf = (plain: PlainProof): TlogProof => ({
  index: Number(plain.index),
  proof: plain.hashes.map(bytes),
  checkpoint: plain.checkpoint,
  ...(plain.extra === null ? {} : { extra: bytes(plain.extra) }),
});
const plainOf = ({ index, proof, extra, checkpoint }: TlogProof): PlainProof => ({
  index: String(index),
  hashes: proof.map(encodeBase64),
  extra: extra === undefined ? null : encodeBase64(extra),
  checkpoint,
});

describeReal("vectors/tlog-proof", () => {
  it("cases.json: 3 proofs are written and read to the byte, 3 make the round trip, 8 are refused", async () => {
    const { marshal, unmarshalErrors, roundTrip } = realJson<Cases>("vectors/tlog-proof/cases.json");
    for (const { name, proof, text } of marshal) {
      expect(formatTlogProof(proofOf(proof)), name).toBe(text);
      expect(plainOf(parseTlogProof(text)), name).toEqual(proof);
    }
    for (const { name, proof } of roundTrip) {
      expect(plainOf(parseTlogProof(formatTlogProof(proofOf(proof)))), name).toEqual(proof);
    }
    for (const { name, text } of unmarshalErrors) {
      expect(await malformedOf(() => parseTlogProof(text)), name).toBeDefined();
    }
    expect([marshal.length, roundTrip.length, unmarshalErrors.length]).toEqual([3, 3, 8]);
  });

  it("golden-log.json: 29 whole proofs, 18 of them good", async () => {
    const { vkey, cases } = realJson<{
      vkey: string;
      cases: Array<{ name: string; entry: string; text: string; valid: boolean }>;
    }>("vectors/tlog-proof/golden-log.json");
    const policy = parseTlogPolicy(`log ${vkey}\nquorum none\n`);
    for (const { name, entry, text, valid } of cases) {
      const outcome = await outcomeOf(() =>
        verifyTlogProof(parseTlogProof(text), hashLeaf(utf8(entry)), policy),
      );
      expect(outcome === "accepted", `${name}: ${outcome}`).toBe(valid);
    }
    expect([cases.length, cases.filter((c) => c.valid).length]).toEqual([29, 18]);
  });
});
