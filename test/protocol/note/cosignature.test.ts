import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { decodeUtf8, utf8 } from "../../../src/protocol/encoding/text.ts";
import { formatCheckpoint } from "../../../src/protocol/note/checkpoint.ts";
import {
  cosignatureMessage,
  createCosigner,
  createMlDsaLogSigner,
  createVerifier,
  splitTimestamp,
} from "../../../src/protocol/note/cosignature.ts";
import {
  COSIGNATURE_ML_DSA_44,
  createNoteSigner,
  createNoteVerifier,
  createVerifierKey,
  formatPrivateKey,
  parsePrivateKey,
} from "../../../src/protocol/note/key.ts";
import { mlDsaCosignatureMessage } from "../../../src/protocol/note/ml-dsa-cosignature.ts";
import { openNote, parseNote, signNote } from "../../../src/protocol/note/signed-note.ts";
import { logKey, signedCheckpoint, testKey, witnessKey } from "../../support/notes.ts";
import { outcomeOf } from "../../support/refusals.ts";

const checkpoint = { origin: "log.example", size: 2 ** 40 + 1, root: new Uint8Array(32).fill(9) };
const log = await logKey("log.example");
const witness = await witnessKey("witness.example");
const verifier = await createVerifier(witness.verifierKey);
const TIME = 1_790_000_000;

const mlDsa = ml_dsa44.keygen(new Uint8Array(32).fill(1));
const mlDsaKey = createVerifierKey("pq.example", COSIGNATURE_ML_DSA_44, mlDsa.publicKey);

/** A 0x06 signer as another implementation would write it. */
const mlDsaSigner = (timestamp: number, name = "pq.example") => ({
  name: mlDsaKey.name,
  keyId: mlDsaKey.keyId,
  type: mlDsaKey.type,
  sign: async () => {
    const stamp = new Uint8Array(8);
    new DataView(stamp.buffer).setBigUint64(0, BigInt(timestamp));
    return concatBytes(
      stamp,
      ml_dsa44.sign(mlDsaCosignatureMessage(name, timestamp, checkpoint), mlDsa.secretKey),
    );
  },
});

describe("Ed25519 cosignatures (0x04)", () => {
  it("sign a time and the whole text of the note", () => {
    const message = cosignatureMessage(utf8(formatCheckpoint(checkpoint)), TIME);
    expect(decodeUtf8(message)).toBe(`cosignature/v1\ntime ${TIME}\n${formatCheckpoint(checkpoint)}`);
  });

  it("verify beside the log's signature and give their time", async () => {
    const note = await signedCheckpoint(checkpoint, log, [[witness, TIME]]);
    const opened = await openNote(note, [await createNoteVerifier(log.verifierKey), verifier]);
    expect(opened.verified.map(({ name }) => name)).toEqual(["log.example", "witness.example"]);
    expect(splitTimestamp(opened.verified[1]!.signature)?.timestamp).toBe(TIME);
  });

  it("state the second the clock shows when they are made", async () => {
    let now = new Date(TIME * 1000 + 999);
    const cosigner = createCosigner(witness, () => now);
    const stamp = async () => splitTimestamp(await cosigner.sign(utf8("text\n")))?.timestamp;
    expect(await stamp()).toBe(TIME);
    now = new Date((TIME + 60) * 1000);
    expect(await stamp()).toBe(TIME + 60);
  });

  it("cannot be made without a time", async () => {
    for (const bad of [new Date(0), new Date(-5000), new Date(Number.NaN)]) {
      await expect(createCosigner(witness, () => bad).sign(utf8("text\n"))).rejects.toThrow(RangeError);
    }
  });

  it("cannot be made by a log's key, nor is a plain signature of the same key one", async () => {
    expect(() => createCosigner(log, () => new Date())).toThrow(RangeError);
    const message = utf8("text\n");
    expect(await verifier.verify(message, await witness.signBytes(message))).toBe(false);
  });

  it("do not verify with another time, text, length or signature", async () => {
    const message = utf8("text\n");
    const good = await createCosigner(witness, () => new Date(TIME * 1000)).sign(message);
    expect(await verifier.verify(message, good)).toBe(true);
    expect(await verifier.verify(utf8("test\n"), good)).toBe(false);
    for (let i = 0; i < good.length; i++) {
      expect(await verifier.verify(message, good.with(i, (good[i] ?? 0) ^ 1))).toBe(false);
    }
    for (const length of [0, 7, 8, 9, 71])
      expect(await verifier.verify(message, good.subarray(0, length))).toBe(false);
    expect(await verifier.verify(message, concatBytes(good, Uint8Array.of(0)))).toBe(false);
  });

  it("are read or refused, whatever bytes come", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 90 }), async (bytes) => {
        expect(await verifier.verify(utf8("text\n"), bytes)).toBe(false);
      }),
    );
  });
});

describe("timestamps", () => {
  it("are big-endian seconds up to 2^53 − 1; no one signs at a later time", () => {
    const stamped = (n: bigint) => {
      const bytes = new Uint8Array(9);
      new DataView(bytes.buffer).setBigUint64(0, n);
      return splitTimestamp(bytes)?.timestamp;
    };
    expect(stamped(0n)).toBe(0);
    expect(stamped(2n ** 32n + 5n)).toBe(2 ** 32 + 5);
    expect(stamped(2n ** 53n - 1n)).toBe(2 ** 53 - 1);
    expect(stamped(2n ** 53n)).toBeUndefined();
    expect(stamped(2n ** 63n)).toBeUndefined();
    expect(splitTimestamp(new Uint8Array(8))).toBeUndefined();
  });

  it("are read at the right place of a larger buffer", () => {
    const bytes = Uint8Array.of(9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 1, 2, 77);
    expect(splitTimestamp(bytes.subarray(4))).toEqual({ timestamp: 258, signature: Uint8Array.of(77) });
  });
});

describe("ML-DSA-44 cosignatures (0x06)", () => {
  it("sign the subtree struct: cosigner, time, origin, 0, size, root", () => {
    const message = mlDsaCosignatureMessage("ab", 258, {
      origin: "xyz",
      size: 2 ** 32,
      root: checkpoint.root,
    });
    expect(encodeHex(message)).toBe(
      `737562747265652f76310a00${"026162"}${"0000000000000102"}${"0378797a"}${"0000000000000000"}${"0000000100000000"}${"09".repeat(32)}`,
    );
  });

  it("verify by portable code, and by what is passed in instead", async () => {
    const note = await signNote(formatCheckpoint(checkpoint), [mlDsaSigner(TIME)]);
    const opened = await openNote(note, [await createVerifier(mlDsaKey)]);
    expect(splitTimestamp(opened.verified[0]!.signature)?.timestamp).toBe(TIME);
    const never = await createVerifier(mlDsaKey, () => false);
    expect(await outcomeOf(() => openNote(note, [never]))).toBe("note-signature");
  });

  it("are made with a key of that type, at the time that is asked for", async () => {
    const key = await testKey("pq.example", COSIGNATURE_ML_DSA_44);
    expect(await parsePrivateKey(formatPrivateKey(key))).toMatchObject({ verifierKey: key.verifierKey });
    const note = await signNote(formatCheckpoint(checkpoint), [
      createCosigner(key, () => new Date(TIME * 1000)),
    ]);
    const opened = await openNote(note, [await createVerifier(key.verifierKey)]);
    expect(splitTimestamp(opened.verified[0]!.signature)?.timestamp).toBe(TIME);
    await expect(createCosigner(key, () => new Date(0)).sign(utf8("x"))).rejects.toThrow(/after 1970/);
  });

  it("are a log's own signature at time 0", async () => {
    const key = await testKey("log.example", COSIGNATURE_ML_DSA_44);
    const note = await signNote(formatCheckpoint(checkpoint), [createMlDsaLogSigner(key)]);
    const opened = await openNote(note, [await createVerifier(key.verifierKey)]);
    expect(splitTimestamp(opened.verified[0]!.signature)?.timestamp).toBe(0);
    expect(() => createMlDsaLogSigner(witness)).toThrow(RangeError);
    expect(() => createCosigner(log, () => new Date())).toThrow(RangeError);
  });

  it("bind the cosigner's name, and reject the note when damaged or cut", async () => {
    const mlDsaVerifier = await createVerifier(mlDsaKey);
    const text = formatCheckpoint(checkpoint);
    const misnamed = await signNote(text, [mlDsaSigner(TIME, "other.example")]);
    expect(await outcomeOf(() => openNote(misnamed, [mlDsaVerifier]))).toBe("note-signature");
    const [good] = parseNote(await signNote(text, [mlDsaSigner(TIME)])).signatures;
    const { signature } = good!;
    expect(await mlDsaVerifier.verify(utf8(text), signature)).toBe(true);
    expect(await mlDsaVerifier.verify(utf8(text), signature.with(2000, (signature[2000] ?? 0) ^ 1))).toBe(
      false,
    );
    expect(await mlDsaVerifier.verify(utf8(text), signature.with(7, (signature[7] ?? 0) ^ 1))).toBe(false);
    expect(await mlDsaVerifier.verify(utf8(text), signature.subarray(0, 2427))).toBe(false);
    expect(await mlDsaVerifier.verify(utf8(text), signature.subarray(0, 4))).toBe(false);
  });

  it("make a note malformed that is no checkpoint, since extension lines would go unsigned", async () => {
    const note = await signNote(`${formatCheckpoint(checkpoint)}extension\n`, [mlDsaSigner(TIME)]);
    const mlDsaVerifier = await createVerifier(mlDsaKey);
    expect(await outcomeOf(() => openNote(note, [mlDsaVerifier]))).toBe("malformed");
  });

  it("of a key that the reader does not know are ignored like any unknown line", async () => {
    const both = await signNote(formatCheckpoint(checkpoint), [createNoteSigner(log), mlDsaSigner(TIME)]);
    const opened = await openNote(both, [await createVerifier(log.verifierKey)]);
    expect(opened.unverified.map(({ name }) => name)).toEqual(["pq.example"]);
  });
});
