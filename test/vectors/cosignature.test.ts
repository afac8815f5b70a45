// Cosignatures of FiloSottile/sunlight, transparency-dev/formats and FiloSottile/torchwood.
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { expect, it } from "vitest";
import { witnessVerifier } from "../../src/node/ed25519.ts";
import { decodeHex, encodeHex } from "../../src/protocol/encoding/hex.ts";
import { decodeUtf8, utf8 } from "../../src/protocol/encoding/text.ts";
import { parseCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { cosignatureMessage, createVerifier, splitTimestamp } from "../../src/protocol/note/cosignature.ts";
import { authenticateCheckpoint } from "../../src/protocol/note/cosigned-checkpoint.ts";
import { parseVerifierKey } from "../../src/protocol/note/key.ts";
import { mlDsaCosignatureMessage } from "../../src/protocol/note/ml-dsa-cosignature.ts";
import { openNote, parseSignatureLine } from "../../src/protocol/note/signed-note.ts";
import { parseTlogPolicy } from "../../src/protocol/note/tlog-policy.ts";
import { describeReal, realJson } from "../support/real-data.ts";
import { malformedOf, outcomeOf } from "../support/refusals.ts";

interface Vectors {
  ed25519: Array<{
    vkey: string;
    checkpoint: string;
    cosignatureLine: string;
    timestamp: string;
    signedMessage: string;
  }>;
  timestamp: Array<{ name: string; signature: string; ok: boolean; timestamp?: string }>;
  mlDsa44: Array<{
    vkey: string;
    seedHex: string;
    checkpoint: string;
    cosignerName: string;
    signedMessageHex: string;
  }>;
  verifierKeys: Array<{ name: string; vkey: string; type: string | null; wellFormed: boolean }>;
}

const load = (): Vectors => realJson<Vectors>("vectors/cosignature.json");

describeReal("vectors/cosignature.json", () => {
  it("ed25519: 1 witness cosignature verifies and is over the message spelled out", async () => {
    const { ed25519 } = load();
    for (const c of ed25519) {
      const verifier = await createVerifier(parseVerifierKey(c.vkey));
      const opened = await openNote(c.checkpoint, [verifier]);
      const { timestamp } = splitTimestamp(opened.verified[0]!.signature)!;
      expect(timestamp).toBe(Number(c.timestamp));
      expect(decodeUtf8(cosignatureMessage(utf8(opened.text), timestamp))).toBe(c.signedMessage);
      expect(parseSignatureLine(c.cosignatureLine.trimEnd())).toEqual(opened.verified[0]);
    }
    expect(ed25519).toHaveLength(1);
  });

  it("timestamp: 3 signatures, of which one is a cosignature with a time", async () => {
    const { timestamp } = load();
    for (const c of timestamp) {
      const read = () => {
        const { signature } = parseSignatureLine(`— name ${c.signature}`);
        const stamped = splitTimestamp(signature);
        return stamped?.signature.length === 64 ? stamped.timestamp : undefined;
      };
      if (c.ok) expect(read()).toBe(Number(c.timestamp));
      else expect((await malformedOf(() => read())) !== undefined || read() === undefined, c.name).toBe(true);
    }
    expect(timestamp).toHaveLength(3);
  });

  it("mlDsa44: 1 log signature verifies, is over the struct spelled out, and is no witness cosignature", async () => {
    const { mlDsa44 } = load();
    for (const c of mlDsa44) {
      const key = parseVerifierKey(c.vkey);
      expect(encodeHex(ml_dsa44.keygen(decodeHex(c.seedHex)).publicKey)).toBe(encodeHex(key.publicKey));
      const opened = await openNote(c.checkpoint, [await witnessVerifier(key)]);
      expect(await openNote(c.checkpoint, [await createVerifier(key)])).toEqual(opened);
      const message = mlDsaCosignatureMessage(c.cosignerName, 0, parseCheckpoint(opened.text));
      expect(encodeHex(message)).toBe(c.signedMessageHex);
      const logPolicy = parseTlogPolicy(`log ${c.vkey}\nquorum none\n`);
      expect((await authenticateCheckpoint(c.checkpoint, logPolicy)).checkpoint.size).toBe(1);
      const witnessPolicy = parseTlogPolicy(`log ${c.vkey}\nwitness W ${c.vkey}\nquorum W\n`);
      const asWitness = () => authenticateCheckpoint(c.checkpoint, witnessPolicy);
      expect(await outcomeOf(asWitness)).toBe("checkpoint-quorum");
    }
    expect(mlDsa44).toHaveLength(1);
  });

  it("verifierKeys: 9 keys are read or refused", async () => {
    const { verifierKeys } = load();
    for (const c of verifierKeys) {
      const error = await malformedOf(() =>
        expect(parseVerifierKey(c.vkey).type).toBe(Number.parseInt(c.type ?? "", 16)),
      );
      expect(error === undefined, c.name).toBe(c.wellFormed);
    }
    expect(verifierKeys).toHaveLength(9);
  });
});
