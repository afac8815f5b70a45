// The envelope: one leaf for each set of signatures, every signature checked, nothing silently dropped.
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { KeyRing } from "../../../src/protocol/cryptography/key-ring.ts";
import { keyIdOf } from "../../../src/protocol/cryptography/signature.ts";
import { encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { canonicalize } from "../../../src/protocol/envelope/canonical-json.ts";
import {
  type Envelope,
  type EnvelopeJson,
  envelopeToJson,
  MAX_LEAF_BYTES,
  makeEnvelope,
  PAYLOAD_TYPE,
  parseEnvelope,
  parseLeaf,
  preAuthEncoding,
  type Signature,
  verifyEnvelope,
} from "../../../src/protocol/envelope/dsse.ts";
import { formatStatement } from "../../../src/protocol/envelope/statement.ts";
import { type TestKeys, testKeys } from "../../support/keys.ts";
import { malformedOf, outcomeOf } from "../../support/refusals.ts";
import { platformPredicate, sha256Of } from "../../support/release-predicates.ts";
import { signStatement } from "../../support/signing.ts";

let keys: TestKeys;
let envelope: Envelope;
let json: EnvelopeJson;
beforeAll(async () => {
  keys = await testKeys();
  envelope = await signStatement("platform", platformPredicate(), [keys.publisher, keys.policy]);
  json = envelopeToJson(envelope);
});

const SUBJECT = [{ name: "x", digest: { sha256: sha256Of("x") } }];
const PAYLOAD = formatStatement("platform", platformPredicate(), SUBJECT);
const fault = async (value: unknown) =>
  (await malformedOf(() => parseEnvelope(utf8(typeof value === "string" ? value : JSON.stringify(value)))))
    ?.message;
const signature = (name: string): Signature => ({
  keyId: sha256Of(name),
  signature: new Uint8Array(64).fill(7),
});

describe("what is signed", () => {
  it("is the pre-authentication encoding of DSSE", () => {
    const text = `DSSEv1 28 application/vnd.in-toto+json ${PAYLOAD.length} `;
    expect(new TextDecoder().decode(preAuthEncoding(PAYLOAD))).toBe(text + new TextDecoder().decode(PAYLOAD));
  });
});

describe("the leaf", () => {
  it("is the RFC 8785 form of the envelope, signatures sorted by key id", () => {
    const { leaf } = makeEnvelope(PAYLOAD, [signature("b"), signature("a")]);
    const ids = [sha256Of("a"), sha256Of("b")].sort();
    expect(new TextDecoder().decode(leaf)).toBe(
      `{"payload":"${encodeBase64(PAYLOAD)}","payloadType":"${PAYLOAD_TYPE}","signatures":[${ids
        .map((id) => `{"keyid":"${id}","sig":"${encodeBase64(new Uint8Array(64).fill(7))}"}`)
        .join(",")}]}`,
    );
  });

  it("is the same for the same signatures in any order", () => {
    const signatures = Array.from({ length: 8 }, (_, i) => signature(`${i}`));
    const { leaf } = makeEnvelope(PAYLOAD, signatures);
    const shuffled = fc.shuffledSubarray(signatures, { minLength: 8 });
    fc.assert(
      fc.property(shuffled, (some) => {
        expect(makeEnvelope(PAYLOAD, some).leaf).toEqual(leaf);
      }),
    );
  });

  it("is read back, and from nothing but its own bytes", async () => {
    expect(parseLeaf(envelope.leaf)).toEqual(envelope);
    expect(canonicalize(json)).toBe(new TextDecoder().decode(envelope.leaf));
    const others = [
      JSON.stringify(json, null, 1),
      `${canonicalize(json)} `,
      JSON.stringify({ payloadType: json.payloadType, payload: json.payload, signatures: json.signatures }),
      JSON.stringify({ ...json, signatures: [...json.signatures].reverse() }),
      canonicalize(json).replace("/vnd", "\\/vnd"),
    ];
    for (const other of others) {
      expect(parseEnvelope(utf8(other)).leaf).toEqual(envelope.leaf);
      expect((await malformedOf(() => parseLeaf(utf8(other))))?.message, other).toContain("log entry");
    }
  });

  it("is read by its own reader exactly where the general one makes the same bytes of it", async () => {
    const text = new TextDecoder().decode(envelope.leaf);
    const property = fc.asyncProperty(fc.nat(text.length - 1), fc.nat(127), async (at, code) => {
      const bytes = utf8(text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1));
      const general = (await malformedOf(() => parseEnvelope(bytes))) ? undefined : parseEnvelope(bytes);
      const same =
        general !== undefined && canonicalize(envelopeToJson(general)) === new TextDecoder().decode(bytes);
      if (same) expect(parseLeaf(bytes)).toEqual(general);
      else expect(await malformedOf(() => parseLeaf(bytes))).toBeDefined();
    });
    await fc.assert(property, { numRuns: 500 });
  });

  it("is refused when it is too long, no JSON, not UTF-8, or has a member twice", async () => {
    const twice = canonicalize(json).replace("{", `{"payload":"e30=",`);
    const proto = canonicalize(json).replace("{", `{"__proto__":{},`);
    for (const bytes of [
      new Uint8Array(MAX_LEAF_BYTES + 1),
      utf8("{"),
      Uint8Array.of(0xff),
      utf8(twice),
      utf8(proto),
    ])
      expect(await malformedOf(() => parseLeaf(bytes))).toBeDefined();
  });

  it("has at most 65,535 bytes", async () => {
    /** An envelope whose subjects have names of so many characters together. */
    const sized = (characters: number) => {
      const subjects = Array.from({ length: Math.ceil(characters / 512) }, (_, i) => ({
        name: "s".repeat(Math.min(512, characters - 512 * i)),
        digest: { sha256: sha256Of("x") },
      }));
      return makeEnvelope(formatStatement("platform", platformPredicate(), subjects), [signature("a")]);
    };
    let [fits, tooLong] = [1, 60_000];
    while (tooLong - fits > 1) {
      const middle = (fits + tooLong) >> 1;
      if ((await malformedOf(() => sized(middle))) === undefined) fits = middle;
      else tooLong = middle;
    }
    const { leaf } = sized(fits);
    expect(leaf.length).toBeLessThanOrEqual(MAX_LEAF_BYTES);
    // Base64 grows by four.
    expect(leaf.length).toBeGreaterThan(MAX_LEAF_BYTES - 4);
    expect((await malformedOf(() => sized(tooLong)))?.message).toContain("at most 65535 fit");
  });
});

describe("reading an envelope refuses", () => {
  const FORMS: ReadonlyArray<readonly [string, () => unknown]> = [
    ["what is no JSON", () => "{"],
    ["a member twice", () => JSON.stringify(json).replace("{", `{"payload":"e30=",`)],
    ["another payload type", () => ({ ...json, payloadType: "application/vnd.in-toto+json; charset=utf-8" })],
    ["no payload type", () => ({ payload: json.payload, signatures: json.signatures })],
    ["a member that it does not know", () => ({ ...json, extra: 1 })],
    ["a signature with a member that it does not know", () => withSignature({ cert: "" })],
    ["no signature", () => ({ ...json, signatures: [] })],
    [
      "33 signatures",
      () => ({
        ...json,
        signatures: Array.from({ length: 33 }, (_, i) => ({ keyid: sha256Of(`${i}`), sig: "AAAA" })),
      }),
    ],
    ["a signature without key id", () => ({ ...json, signatures: [{ sig: json.signatures[0]!.sig }] })],
    ["an upper-case key id", () => withSignature({ keyid: json.signatures[0]!.keyid.toUpperCase() })],
    ["an empty key id", () => withSignature({ keyid: "" })],
    ["one key twice", () => ({ ...json, signatures: [json.signatures[0], json.signatures[0]] })],
    [
      "one key twice with other bytes",
      () => ({ ...json, signatures: [json.signatures[0], { ...json.signatures[0], sig: "AAAA" }] }),
    ],
    [
      "a payload without padding",
      () => ({ ...json, payload: `${encodeBase64(PAYLOAD)}`.replace(/=*$/, "").slice(0, -1) }),
    ],
    ["a payload in base64url", () => ({ ...json, payload: json.payload.replace(/[A-Z]/, "-") })],
    [
      "a payload with a newline",
      () => ({ ...json, payload: `${json.payload.slice(0, 76)}\n${json.payload.slice(76)}` }),
    ],
    ["a signature whose unused bits are set", () => withSignature({ sig: "AB==" })],
    ["a signature in base64url", () => withSignature({ sig: "__--" })],
    ["a payload that is too long", () => ({ ...json, payload: "A".repeat(MAX_LEAF_BYTES + 1) })],
    ["an envelope that is too long", () => `${" ".repeat(2 * MAX_LEAF_BYTES)}${JSON.stringify(json)}`],
    [
      "a payload that is not canonical",
      () => ({ ...json, payload: encodeBase64(utf8(`${new TextDecoder().decode(PAYLOAD)} `)) }),
    ],
    ["a payload of another type of statement", () => ({ ...json, payload: encodeBase64(utf8("{}")) })],
    ["null", () => null],
  ];
  const withSignature = (change: object) => ({ ...json, signatures: [{ ...json.signatures[0], ...change }] });

  it.each(FORMS)("%s", async (_, value) => {
    expect(await fault(value())).toBeDefined();
  });

  it("one key twice when it is put together, too", async () => {
    expect(await malformedOf(() => makeEnvelope(PAYLOAD, [signature("a"), signature("a")]))).toMatchObject({
      at: "/signatures",
    });
  });

  it("or gives an envelope whose leaf is read back as the same: any one byte changed", async () => {
    const text = JSON.stringify(json);
    const property = fc.asyncProperty(fc.nat(text.length - 1), fc.nat(127), async (at, code) => {
      const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
      if ((await fault(changed)) !== undefined) return;
      const read = parseEnvelope(utf8(changed));
      expect(parseLeaf(read.leaf)).toEqual(read);
    });
    await fc.assert(property, { numRuns: 500 });
  });
});

describe("verifying", () => {
  const ring = async () => {
    const all = new KeyRing();
    await all.add([keys.publisher, keys.policy].map(({ spki }) => encodeBase64(spki)));
    return all.lookup;
  };
  const outcome = async (some: Envelope) => outcomeOf(async () => verifyEnvelope(some, await ring()));

  it("says who signed, sorted", async () => {
    const { signers } = await verifyEnvelope(envelope, await ring());
    expect(signers).toEqual([keys.publisher.keyId, keys.policy.keyId].sort());
  });

  it("refuses a key that nobody knows, beside good ones", async () => {
    const stranger = await signStatement("platform", platformPredicate(), [keys.publisher, keys.revocation]);
    expect(await outcome(stranger)).toBe("signature-unknown-key");
  });

  it("refuses a wrong signature beside good ones: nothing is silently dropped", async () => {
    const [first, second] = envelope.signatures;
    const flipped = Uint8Array.from(second!.signature, (byte, i) => (i === 40 ? byte ^ 1 : byte));
    expect(await outcome(makeEnvelope(envelope.payload, [first!, { ...second!, signature: flipped }]))).toBe(
      "signature-invalid",
    );
  });

  it("refuses signatures under each other's key ids, over another payload, cut, and empty", async () => {
    const [a, b] = envelope.signatures;
    const swapped = [
      { ...a!, signature: b!.signature },
      { ...b!, signature: a!.signature },
    ];
    expect(await outcome(makeEnvelope(envelope.payload, swapped))).toBe("signature-invalid");
    expect(await outcome(makeEnvelope(PAYLOAD, envelope.signatures))).toBe("signature-invalid");
    for (const length of [0, 63]) {
      const cut = { ...a!, signature: a!.signature.slice(0, length) };
      expect(await outcome(makeEnvelope(envelope.payload, [cut, b!])), `${length} bytes`).toBe(
        "signature-invalid",
      );
    }
  });

  it("refuses a signature over the payload alone, which another protocol may have asked for", async () => {
    const bare = { keyId: keys.publisher.keyId, signature: await keys.publisher.sign(envelope.payload) };
    expect(await outcome(makeEnvelope(envelope.payload, [bare]))).toBe("signature-invalid");
  });
});

describe("the algorithms", () => {
  const makeKey = (curve: "ed25519" | "P-256" | "P-384") => {
    const pair =
      curve === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: curve });
    const spki = new Uint8Array(pair.publicKey.export({ type: "spki", format: "der" }));
    return { spki, keyId: keyIdOf(spki), privateKey: pair.privateKey as KeyObject };
  };
  const verify = async (key: ReturnType<typeof makeKey>, bytes: Uint8Array) => {
    const ring = new KeyRing();
    await ring.add([encodeBase64(key.spki)]);
    return outcomeOf(() =>
      verifyEnvelope(makeEnvelope(PAYLOAD, [{ keyId: key.keyId, signature: bytes }]), ring.lookup),
    );
  };
  const message = preAuthEncoding(PAYLOAD);
  const littleEndian = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
  const bigEndian = (value: bigint) => Buffer.from(value.toString(16).padStart(64, "0"), "hex");

  it("Ed25519: S is canonical, S + L is refused (RFC 8032 §5.1.7)", async () => {
    const key = makeKey("ed25519");
    const good = new Uint8Array(sign(null, message, key.privateKey));
    expect(await verify(key, good)).toBe("accepted");
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const malleable = Buffer.concat([
      good.slice(0, 32),
      bigEndian(littleEndian(good.slice(32)) + order).reverse(),
    ]);
    expect(await verify(key, new Uint8Array(malleable))).toBe("signature-invalid");
  });

  it("ECDSA P-256: r‖s with either S, never DER", async () => {
    const key = makeKey("P-256");
    const raw = new Uint8Array(sign("sha256", message, { key: key.privateKey, dsaEncoding: "ieee-p1363" }));
    expect(await verify(key, raw)).toBe("accepted");
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = BigInt(`0x${Buffer.from(raw.slice(32)).toString("hex")}`);
    expect(await verify(key, new Uint8Array(Buffer.concat([raw.slice(0, 32), bigEndian(order - s)])))).toBe(
      "accepted",
    );
    const der = new Uint8Array(sign("sha256", message, key.privateKey));
    expect(await verify(key, der)).toBe("signature-invalid");
    expect(await verify(key, new Uint8Array(64))).toBe("signature-invalid");
  });

  it("ECDSA P-384 signs no entries", async () => {
    const key = makeKey("P-384");
    const raw = new Uint8Array(sign("sha384", message, { key: key.privateKey, dsaEncoding: "ieee-p1363" }));
    expect(await verify(key, raw.slice(0, 64))).toBe("signature-unknown-key");
  });
});
