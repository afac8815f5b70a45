import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyRing } from "../../../src/protocol/cryptography/key-ring.ts";
import {
  decodePublicKeyPem,
  ed25519Spki,
  encodePublicKeyPem,
  importPublicKey,
  keyIdOf,
  type SignatureAlgorithm,
  verifySignature,
} from "../../../src/protocol/cryptography/signature.ts";
import { encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { malformedOf } from "../../support/refusals.ts";

interface Pair {
  algorithm: SignatureAlgorithm;
  publicKey: KeyObject;
  spki: Uint8Array;
  sign: (message: Uint8Array) => Uint8Array;
}

const spkiOf = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ type: "spki", format: "der" }));

function pairOf(algorithm: SignatureAlgorithm): Pair {
  if (algorithm === "ed25519") {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    return {
      algorithm,
      publicKey,
      spki: spkiOf(publicKey),
      sign: (message) => new Uint8Array(sign(null, message, privateKey)),
    };
  }
  const p256 = algorithm === "ecdsa-p256-sha256";
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: p256 ? "P-256" : "P-384" });
  const key = { key: privateKey, dsaEncoding: "ieee-p1363" as const };
  return {
    algorithm,
    publicKey,
    spki: spkiOf(publicKey),
    sign: (message) => new Uint8Array(sign(p256 ? "sha256" : "sha384", message, key)),
  };
}

const pairs = (["ed25519", "ecdsa-p256-sha256", "ecdsa-p384-sha384"] as const).map(pairOf);
const message = utf8("message");

describe.each(pairs)("$algorithm", ({ algorithm, spki, publicKey, sign }) => {
  it("verifies what Node signs, and nothing with a byte changed, missing or added", async () => {
    const key = await importPublicKey(spki);
    expect(key.algorithm).toBe(algorithm);
    const signature = sign(message);
    expect(await verifySignature(key, message, signature)).toBe(true);
    expect(await verifySignature(key, utf8("massage"), signature)).toBe(false);
    for (let i = 0; i < signature.length; i++) {
      expect(await verifySignature(key, message, signature.with(i, (signature[i] ?? 0) ^ 1))).toBe(false);
    }
    for (const other of [signature.subarray(1), new Uint8Array(0), Uint8Array.of(...signature, 0)]) {
      expect(await verifySignature(key, message, other)).toBe(false);
    }
    expect(await verifySignature(key, message, new Uint8Array(signature.length))).toBe(false);
  });

  it("has the SHA-256 of its SPKI as key id and PEM as Node writes it", async () => {
    const { keyId } = await importPublicKey(spki);
    expect(keyId).toBe(createHash("sha256").update(spki).digest("hex"));
    const pem = publicKey.export({ type: "spki", format: "pem" }) as string;
    expect(encodePublicKeyPem(spki)).toBe(pem);
    expect(decodePublicKeyPem(pem)).toEqual(spki);
    expect(decodePublicKeyPem(pem.replaceAll("\n", "\r\n"))).toEqual(spki);
    expect(decodePublicKeyPem(encodeBase64(spki))).toEqual(spki);
  });

  it("is imported from its one DER form only", async () => {
    const changes = fc.tuple(fc.nat(spki.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(changes, async ([i, bits]) => {
        const changed = spki.with(i, (spki[i] ?? 0) ^ bits);
        const error = await malformedOf(() => importPublicKey(changed));
        // Nearly every 32 bytes are some Ed25519 key; a changed point of the other curves is off its curve.
        if (algorithm !== "ed25519" || i < 12) expect(error).toBeDefined();
      }),
      { numRuns: 100 },
    );
    expect(await malformedOf(() => importPublicKey(spki.subarray(1)))).toBeInstanceOf(MalformedError);
    expect(await malformedOf(() => importPublicKey(Uint8Array.of(...spki, 0)))).toBeInstanceOf(
      MalformedError,
    );
  });
});

describe("keys", () => {
  it("off their curve are malformed", async () => {
    const p256 = pairs[1]?.spki ?? new Uint8Array(0);
    const offCurve = p256.map((byte, i) => (i >= p256.length - 32 ? 0xff : byte));
    expect(await malformedOf(() => importPublicKey(offCurve))).toBeInstanceOf(MalformedError);
  });

  it("of other kinds are malformed: RSA, P-521, compressed points", async () => {
    const rsa = spkiOf(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey);
    const p521 = spkiOf(generateKeyPairSync("ec", { namedCurve: "P-521" }).publicKey);
    const compressed = Buffer.concat([
      Buffer.from("3039301306072a8648ce3d020106082a8648ce3d030107032200", "hex"),
      Buffer.alloc(33, 2),
    ]);
    for (const spki of [rsa, p521, new Uint8Array(compressed), new Uint8Array(0)]) {
      expect(await malformedOf(() => importPublicKey(spki))).toBeInstanceOf(MalformedError);
    }
  });

  it("of Ed25519 are made from their 32 raw bytes", () => {
    const spki = pairs[0]?.spki ?? new Uint8Array(0);
    expect(ed25519Spki(spki.subarray(12))).toEqual(spki);
    expect(() => ed25519Spki(spki)).toThrow(MalformedError);
  });

  it("in a malformed PEM are malformed", () => {
    const pem = encodePublicKeyPem(pairs[0]?.spki ?? new Uint8Array(0));
    for (const text of [pem.replace("PUBLIC", "PRIVATE"), pem.replace("M", "?"), `x${pem}`, `${pem}x`, "?"]) {
      expect(() => decodePublicKeyPem(text)).toThrow(MalformedError);
    }
  });

  it("are found in a ring by their id, once, and foreign ones not at all", async () => {
    const ring = new KeyRing();
    const [first, second] = pairs.map(({ spki }) => spki) as [Uint8Array, Uint8Array];
    await ring.add([encodeBase64(first)]);
    const key = ring.lookup(keyIdOf(first));
    await ring.add([encodeBase64(first)]);
    expect(ring.lookup(keyIdOf(first))).toBe(key);
    expect(ring.lookup(keyIdOf(second))).toBeUndefined();
    await expect(ring.add(["AAAA"])).rejects.toThrow(MalformedError);
  });
});

describe("malleability", () => {
  it("an Ed25519 signature with S + L in place of S is refused (RFC 8032 §5.1.7)", async () => {
    const pair = pairs[0] as Pair;
    const signature = pair.sign(message);
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    let s = order;
    for (let i = 0; i < 32; i++) s += BigInt(signature[32 + i] ?? 0) << BigInt(8 * i);
    const forged = signature.map((byte, i) => (i < 32 ? byte : Number((s >> BigInt(8 * (i - 32))) & 255n)));
    const key = await importPublicKey(pair.spki);
    expect(await verifySignature(key, message, signature)).toBe(true);
    expect(await verifySignature(key, message, forged)).toBe(false);
  });

  it("an ECDSA signature is accepted with either S, and its DER form is not", async () => {
    const pair = pairs[1] as Pair;
    const signature = pair.sign(message);
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString("hex")}`);
    const other = Buffer.from((order - s).toString(16).padStart(64, "0"), "hex");
    const key = await importPublicKey(pair.spki);
    expect(await verifySignature(key, message, Uint8Array.of(...signature.subarray(0, 32), ...other))).toBe(
      true,
    );
    const der = Uint8Array.of(
      0x30,
      0x44,
      2,
      32,
      ...signature.subarray(0, 32),
      2,
      32,
      ...signature.subarray(32),
    );
    expect(await verifySignature(key, message, der)).toBe(false);
  });
});
