// Envelopes of stock signers become the log's: nothing that a signature covers changes, and what does change is said.
import { generateKeyPairSync, sign } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyIdOf } from "../../../src/protocol/cryptography/signature.ts";
import { adoptEnvelope } from "../../../src/protocol/envelope/adopt-envelope.ts";
import { parseLeaf, preAuthEncoding } from "../../../src/protocol/envelope/dsse.ts";
import { formatStatement } from "../../../src/protocol/envelope/statement.ts";
import { MalformedError, VerificationError } from "../../../src/protocol/errors.ts";
import { platformPredicate, sha256Of } from "../../support/release-predicates.ts";

const TYPE = "application/vnd.in-toto+json";
const PAYLOAD = formatStatement("platform", platformPredicate(), [
  { name: "x", digest: { sha256: sha256Of("x") } },
]);
const pair = (type: "ed25519" | "p256") => {
  const { privateKey, publicKey } =
    type === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ format: "der", type: "spki" }).toString("base64");
  const keyId = keyIdOf(new Uint8Array(publicKey.export({ format: "der", type: "spki" })));
  const by = (payload: Uint8Array = PAYLOAD) =>
    sign(type === "ed25519" ? null : "sha256", preAuthEncoding(payload), privateKey);
  return { spki, keyId, by };
};
const ann = pair("ed25519");
const bob = pair("p256");
const stranger = pair("ed25519");
const KEYS = [ann.spki, bob.spki];

const bytesOf = (json: unknown) => new TextEncoder().encode(JSON.stringify(json, null, 2));
const envelope = (signatures: unknown, payload: Uint8Array = PAYLOAD, more = {}) =>
  bytesOf({ payload: Buffer.from(payload).toString("base64"), payloadType: TYPE, signatures, ...more });
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

describe("an envelope of a stock signer", () => {
  it("with url-safe base64 and no padding is written in the log's base64", async () => {
    // Text whose base64 has a character that differs and needs padding.
    const url = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
    const given = bytesOf({
      payload: url(PAYLOAD),
      payloadType: TYPE,
      signatures: [{ keyid: ann.keyId, sig: url(ann.by()) }],
    });
    const { envelope: adopted, changes } = await adoptEnvelope(given, KEYS);
    expect(adopted.payload).toEqual(PAYLOAD);
    expect(parseLeaf(adopted.leaf).signatures).toEqual(adopted.signatures);
    expect(changes).toContain("signatures/0/sig is written in standard base64 with padding");
  });

  it.each([
    ["no keyid", undefined],
    ["an empty one", ""],
    ["null", null],
    ["one of another kind of id", "SHA256:abc"],
    ["one of 64 digits that is not the key's", "0".repeat(64)],
  ])("with %s has its key found", async (_, keyid) => {
    const { envelope: adopted, changes } = await adoptEnvelope(
      envelope([{ ...(keyid !== undefined && { keyid }), sig: base64(ann.by()) }]),
      KEYS,
    );
    expect(adopted.signatures.map(({ keyId }) => keyId)).toEqual([ann.keyId]);
    expect(changes).toEqual([`signature 1 is by key ${ann.keyId}, which its keyid did not say`]);
  });

  it("with ECDSA in DER gets r and s", async () => {
    const { envelope: adopted, changes } = await adoptEnvelope(
      envelope([{ keyid: bob.keyId, sig: base64(bob.by()) }]),
      KEYS,
    );
    expect(adopted.signatures[0]?.signature).toHaveLength(64);
    expect(changes).toEqual(["signature 1 was DER, and is r and s"]);
  });

  it("with members and signatures of others loses them, and says which", async () => {
    const given = envelope(
      [
        { sig: base64(stranger.by()), cert: "…" },
        { keyid: ann.keyId, sig: base64(ann.by()), extension: {} },
        { keyid: ann.keyId, sig: base64(ann.by()) },
      ],
      PAYLOAD,
      { verificationMaterial: {} },
    );
    const { envelope: adopted, changes } = await adoptEnvelope(given, KEYS);
    expect(adopted.signatures).toHaveLength(1);
    expect(changes).toEqual([
      "member verificationMaterial of the envelope left out",
      "signature 1 left out: it is by no key of the trust root",
      "member extension of signature 2 left out",
      `signature 3 left out: key ${ann.keyId} signs once`,
    ]);
  });

  it("with several signatures has them in the log's order", async () => {
    const both = [bob, ann].map((key) => ({ sig: base64(key.by()) }));
    const { envelope: adopted } = await adoptEnvelope(envelope(both), KEYS);
    expect(adopted.signatures.map(({ keyId }) => keyId)).toEqual([ann.keyId, bob.keyId].sort());
  });

  it("in the log's form but for white space changes nothing", async () => {
    const given = envelope([{ keyid: ann.keyId, sig: base64(ann.by()) }]);
    expect((await adoptEnvelope(given, KEYS)).changes).toEqual([]);
  });
});

describe("what cannot be adopted without loss is refused", () => {
  it("a payload that is not RFC 8785, which is never written anew", async () => {
    const pretty = new TextEncoder().encode(
      JSON.stringify(JSON.parse(new TextDecoder().decode(PAYLOAD)), null, 1),
    );
    const given = envelope([{ keyid: ann.keyId, sig: base64(ann.by(pretty)) }], pretty);
    await expect(adoptEnvelope(given, KEYS)).rejects.toThrow(
      /canonical.*; the payload is what was signed and is never written anew/,
    );
  });

  it("a signature by a key that is named and did not sign", async () => {
    const given = envelope([
      { keyid: ann.keyId, sig: base64(ann.by()) },
      { keyid: bob.keyId, sig: base64(stranger.by()) },
    ]);
    await expect(adoptEnvelope(given, KEYS)).rejects.toMatchObject({ code: "signature-invalid" });
  });

  it("an envelope that nobody signed who may", async () => {
    const given = envelope([{ keyid: stranger.keyId, sig: base64(stranger.by()) }]);
    await expect(adoptEnvelope(given, KEYS)).rejects.toMatchObject({ code: "signature-unknown-key" });
    await expect(adoptEnvelope(given, [])).rejects.toBeInstanceOf(VerificationError);
  });

  const good = { keyid: ann.keyId, sig: base64(ann.by()) };
  it.each<[string, Uint8Array, RegExp]>([
    [
      "another payload type",
      bytesOf({ payload: "", payloadType: "text/plain", signatures: [good] }),
      /payloads of type/,
    ],
    ["no signatures", envelope([]), /expected 1 to 32 signatures/],
    ["33 signatures", envelope(Array.from({ length: 33 }, () => good)), /expected 1 to 32 signatures/],
    ["signatures of no list", envelope({}), /expected 1 to 32 signatures/],
    ["a signature of no object", envelope(["x"]), /expected an object/],
    ["a keyid of no text", envelope([{ ...good, keyid: 1 }]), /keyid is no text/],
    ["base64 of both alphabets", envelope([{ ...good, sig: "-+aa" }]), /standard or url-safe/],
    ["base64 with a line end", envelope([{ ...good, sig: `${good.sig}\n` }]), /standard or url-safe/],
    ["base64 with bits left over", envelope([{ ...good, sig: "AB" }]), /at \/signatures\/0\/sig/],
    ["no JSON", new Uint8Array([1]), /JSON/],
    ["a member twice", new TextEncoder().encode('{"payload":"","payload":""}'), /twice/],
    ["an array", bytesOf([]), /expected an object/],
    ["1 MiB", new Uint8Array(2 ** 20).fill(32), /longer than/],
  ])("%s", async (_, bytes, reason) => {
    await expect(adoptEnvelope(bytes, KEYS)).rejects.toThrow(reason);
    await expect(adoptEnvelope(bytes, KEYS)).rejects.toBeInstanceOf(MalformedError);
  });
});

it("whatever a signer does to the form, payload and signature stay", async () => {
  const forms = fc.record({
    url: fc.boolean(),
    padded: fc.boolean(),
    keyid: fc.option(fc.string(), { nil: undefined }),
    more: fc.dictionary(
      fc.string().filter((name) => !["payload", "payloadType", "signatures", "__proto__"].includes(name)),
      fc.integer(),
    ),
  });
  await fc.assert(
    fc.asyncProperty(forms, async ({ url, padded, keyid, more }) => {
      const write = (bytes: Uint8Array) => {
        const text = base64(bytes);
        const alphabet = url ? text.replaceAll("+", "-").replaceAll("/", "_") : text;
        return padded ? alphabet : alphabet.replace(/=+$/, "");
      };
      const given = {
        payload: write(PAYLOAD),
        payloadType: TYPE,
        signatures: [{ keyid, sig: write(ann.by()) }],
        ...more,
      };
      const { envelope: adopted } = await adoptEnvelope(bytesOf(given), KEYS);
      expect(adopted.payload).toEqual(PAYLOAD);
      expect(Buffer.from(adopted.signatures[0]?.signature ?? [])).toEqual(ann.by());
      expect(parseLeaf(adopted.leaf).payloadDigest).toBe(adopted.payloadDigest);
    }),
    { numRuns: 200 },
  );
});
