// CoSERV: queries are read in one encoding alone, and answered with what the policies in force state of the classes that they name.
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { decode, Tagged } from "cborg";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { generateSigningKey, parseSigningKey } from "../../src/node/signing/signing-key.ts";
import { type Cbor, encodeCbor, map } from "../../src/protocol/cose/cbor.ts";
import { signatureInput } from "../../src/protocol/cose/cose-sign1.ts";
import { importPublicKey, verifySignature } from "../../src/protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { encodeBase64Url } from "../../src/protocol/encoding/base64url.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { decodeUtf8, utf8 } from "../../src/protocol/encoding/text.ts";
import { MalformedError, PolicyError } from "../../src/protocol/errors.ts";
import { CORIM_PROFILE, writeCorim } from "../../src/views/corim.ts";
import { answerCoserv, type Collection, collectPolicies, signCoserv } from "../../src/views/coserv.ts";
import { discoveryCbor, discoveryJson } from "../../src/views/coserv-discovery.ts";
import { type CoservQuery, readCoservQuery } from "../../src/views/coserv-query.ts";
import { type PolicyInForce, policyInForce } from "../../src/views/policy-in-force.ts";
import { machineOf, makeWorld, type World } from "../support/appraisal-world.ts";
import { describeReal, realData } from "../support/real-data.ts";

const GUEST = map([1, "Intel Corporation"], [2, "TDX guest"]);
const query = (selector: Cbor, type: Cbor = 0, artifact: Cbor = 2): Cbor =>
  map([0, CORIM_PROFILE], [1, map([0, artifact], [1, selector], [2, type])]);
const classes = (...wanted: Cbor[]): Cbor => map([0, wanted.map((one) => [one])]);
const textOf = (value: Cbor) => encodeBase64Url(encodeCbor(value));
const read = (value: Cbor) => readCoservQuery(textOf(value));

/** A key by what signs. */
function makeSigner(algorithm: "ed25519" | "p256") {
  if (algorithm === "ed25519") return parseSigningKey(generateSigningKey());
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return parseSigningKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
}

const TAGS = [0, 1, 18, 32, 37, 111, 501, 506, 508, 550, 560];
const readCbor = (bytes: Uint8Array) =>
  decode(bytes, {
    useMaps: true,
    strict: true,
    tags: Object.fromEntries(TAGS.map((tag) => [tag, Tagged.decoder(tag)])),
  });

describe("a query", () => {
  test("is read with the classes that it names, and goes back as it was asked", () => {
    const value = query(classes(GUEST, map([1, "NVIDIA"])), 2);
    const { classes: found, resultType, asked } = read(value);
    expect(found).toEqual([
      { vendor: "Intel Corporation", model: "TDX guest", namesMore: false },
      { vendor: "NVIDIA", model: undefined, namesMore: false },
    ]);
    expect(resultType).toBe("both");
    expect(encodeCbor(asked)).toEqual(encodeCbor((value as Map<number, Cbor>).get(1)!));
  });

  test.each([
    ["no map", [1, 2]],
    ["no profile", map([1, map([0, 2])])],
    ["a profile with tag 32, as CoRIM has it", map([0, new Tagged(32, CORIM_PROFILE)], [1, map([0, 2])])],
    ["results in it", map([0, CORIM_PROFILE], [1, map([0, 2], [1, classes(GUEST)], [2, 0])], [2, map()])],
    ["endorsed values", query(classes(GUEST), 0, 0)],
    ["trust anchors", query(classes(GUEST), 0, 1)],
    ["another result type", query(classes(GUEST), 3)],
    ["a RIM selector", map([0, CORIM_PROFILE], [1, map([3, [[2, "sha256:00"]]])])],
    ["instances", query(map([1, [[new Tagged(560, utf8("x"))]]]))],
    ["groups", query(map([2, [[new Tagged(560, utf8("x"))]]]))],
    ["classes and instances", query(map([0, [[GUEST]]], [1, [[new Tagged(560, utf8("x"))]]]))],
    ["no class", query(classes())],
    ["a class that names nothing", query(classes(map()))],
    ["a class without the array around it, as older drafts have it", query(map([0, [GUEST]]))],
    ["measurements of a class", query(map([0, [[GUEST, [map([1, map([11, "x"])])]]]]))],
    ["a member that classes do not have", query(classes(map([5, "x"])))],
    ["a vendor that is no text", query(classes(map([1, 7])))],
    ["an id without a tag", query(classes(map([0, "x"])))],
    ["a layer below zero", query(classes(map([3, -1])))],
    ["an index that is a fraction", query(classes(map([4, 0.5])))],
    ["a tag that no query has", query(classes(map([0, new Tagged(99, 1)])))],
    ["a fraction", query(classes(GUEST), 0.5 as Cbor)],
  ])("with %s is refused", (_, value) => {
    expect(() => read(value)).toThrow(MalformedError);
  });

  test.each([
    ["padding", `${textOf(query(classes(GUEST)))}=`],
    ["base64's own alphabet", "o+/"],
    ["unused bits that are not zero", `${textOf(map()).slice(0, -1)}B`],
    ["nothing in it", ""],
    ["something after its end", encodeBase64Url(new Uint8Array([...encodeCbor(query(classes(GUEST))), 0]))],
    ["an indefinite length", encodeBase64Url(new Uint8Array([0xbf, 0xff]))],
    ["undefined in a class", textOf(query(classes(map([0, new Tagged(560, undefined as unknown as Cbor)]))))],
    ["a length that is too long", encodeBase64Url(new Uint8Array([0xb8, 0]))],
    ["4,096 arrays in each other", encodeBase64Url(new Uint8Array(4096).fill(0x81))],
    ["1,025 items", textOf(Array.from({ length: 1025 }, () => 0))],
  ])("with %s is refused", (_, text) => {
    expect(() => readCoservQuery(text)).toThrow(MalformedError);
  });

  test("whose keys are in another order, or there twice, is refused", () => {
    const good = encodeHex(encodeCbor(query(classes(GUEST))));
    const selector = encodeHex(encodeCbor(classes(GUEST)));
    const inOrder = `0002${"01"}${selector}0200`;
    expect(good).toContain(inOrder);
    for (const changed of [`01${selector}00020200`, `000200020200`]) {
      const bytes = Buffer.from(good.replace(inOrder, changed), "hex");
      expect(() => readCoservQuery(bytes.toString("base64url"))).toThrow(MalformedError);
    }
  });

  test("of 4 KiB is read, and of a byte more refused", () => {
    const sized = (size: number) => {
      const rest = encodeCbor(query(classes(map([1, "x".repeat(3000)])))).length - 3000;
      return textOf(query(classes(map([1, "x".repeat(size - rest)]))));
    };
    expect(readCoservQuery(sized(4096)).classes).toHaveLength(1);
    expect(() => readCoservQuery(sized(4097))).toThrow(/longer than 4096 bytes/);
  });

  test.each([
    ["text", "tag:example.com,2025:cc-platform#1.0.0"],
    ["an OID", new Tagged(111, new Uint8Array([0x2a, 0x03]))],
  ])("of a profile that is %s of others is not served, whatever else it asks", (_, profile) => {
    expect(() => read(map([0, profile], [1, map([0, 0], [1, "anything"])]))).toThrow(PolicyError);
  });

  test("is refused or read whatever bytes come, and what is read is in its one encoding", () => {
    const scalar = fc.oneof(fc.integer({ min: -9, max: 600 }), fc.string(), fc.uint8Array(), fc.boolean());
    const value = fc.letrec<{ any: Cbor }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        scalar as fc.Arbitrary<Cbor>,
        fc.array(tie("any"), { maxLength: 4 }) as fc.Arbitrary<Cbor>,
        fc
          .array(fc.tuple(fc.integer({ min: 0, max: 4 }), tie("any")), { maxLength: 4 })
          .map((pairs) => new Map(pairs) as Cbor),
      ),
    })).any;
    const selector = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.string()), { maxLength: 3 });
    const near = fc
      .tuple(fc.array(selector, { maxLength: 3 }), value)
      .map(([wanted, type]) => query(classes(...wanted.map((pairs) => new Map(pairs))), type));
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 80 }), value.map(encodeCbor), near.map(encodeCbor));
    fc.assert(
      fc.property(bytes, (given) => {
        const text = Buffer.from(given).toString("base64url");
        let found: CoservQuery;
        try {
          found = readCoservQuery(text);
        } catch (error) {
          expect(error instanceof MalformedError || error instanceof PolicyError).toBe(true);
          return;
        }
        expect(textOf(map([0, CORIM_PROFILE], [1, found.asked]))).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  test("is refused wherever it is cut off, and read after no single bit is changed but to another query", () => {
    const bytes = encodeCbor(query(classes(GUEST), 2));
    for (let length = 0; length < bytes.length; length++)
      expect(() => readCoservQuery(encodeBase64Url(bytes.slice(0, length)))).toThrow(MalformedError);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const text = encodeBase64Url(changed);
      try {
        expect(textOf(map([0, CORIM_PROFILE], [1, readCoservQuery(text).asked]))).toBe(text);
      } catch (error) {
        if (!(error instanceof MalformedError || error instanceof PolicyError)) throw error;
      }
    }
  });
});

describe("an answer", () => {
  const signer = parseSigningKey(generateSigningKey());
  const SIGNERS = ["ab".repeat(32)];
  let world: World;
  let policy: PolicyInForce;
  let collection: Collection;
  beforeAll(async () => {
    world = await makeWorld(await machineOf());
    policy = policyInForce(world.verified);
    collection = collectPolicies([{ policy, signers: SIGNERS }], world.verified.status.expires);
  });

  const answer = async (value: Cbor, key: typeof signer | null = null, from = collection) => {
    const { bytes, expires } = await answerCoserv(read(value), from, key);
    const coserv = readCbor(bytes) as Map<number, unknown>;
    return { bytes, expires, coserv, results: coserv.get(2) as Map<number, unknown> };
  };
  type Quad = Map<number, [Map<number, Map<number, string>>, Map<number, unknown>[]]>;
  const quadsOf = (results: Map<number, unknown>) => results.get(0) as Quad[];
  const modelsOf = (results: Map<number, unknown>) => [
    ...new Set(quadsOf(results).map((quad) => quad.get(2)![0].get(0)?.get(2))),
  ];

  test("has the profile as bare text, the query as it was asked, and the results under it, without an outer tag", async () => {
    const value = query(classes(GUEST));
    const { coserv } = await answer(value);
    expect([...coserv.keys()]).toEqual([0, 1, 2]);
    expect(coserv.get(0)).toBe(CORIM_PROFILE);
    expect(encodeCbor(coserv.get(1) as Cbor)).toEqual(encodeCbor((value as Map<number, Cbor>).get(1)!));
  });

  test("lists the registers of each tuple of the class, by the authority of who signed the policy", async () => {
    const { results } = await answer(query(classes(GUEST)));
    const quads = quadsOf(results);
    expect(quads).toHaveLength(policy.tuples.length);
    for (const [i, quad] of quads.entries()) {
      const authorities = quad.get(1) as unknown as Tagged[];
      expect(authorities.map(({ tag, value }) => [tag, encodeHex(value)])).toEqual([[560, SIGNERS[0]]]);
      const [, [measured]] = quad.get(2)!;
      const registers = (measured!.get(1) as Map<number, Map<string, [number, Uint8Array][]>>).get(14);
      expect(encodeHex(registers!.get("mrtd")![0]![1])).toBe(policy.tuples[i]?.mrtd);
    }
  });

  test("joins what several selectors name, and takes what a class leaves open for anything", async () => {
    const gpu = modelsOf((await answer(query(classes(map([1, "NVIDIA"]))))).results);
    expect(gpu).toHaveLength(1);
    const both = await answer(query(classes(GUEST, map([1, "NVIDIA"], [2, gpu[0] as string]))));
    expect(modelsOf(both.results)).toEqual(["TDX guest", ...gpu]);
    expect(modelsOf((await answer(query(classes(map([2, "TDX guest"]))))).results)).toEqual(["TDX guest"]);
  });

  test.each([
    ["another vendor", map([1, "AMD"], [2, "TDX guest"])],
    ["another case", map([1, "intel corporation"])],
    ["an id, which no class of ours has", map([0, new Tagged(560, utf8("x"))], [1, "Intel Corporation"])],
    ["a layer", map([1, "Intel Corporation"], [3, 0])],
  ])("for %s is an empty list, whatever was asked for, and ends with the status", async (_, wanted) => {
    for (const type of [0, 1, 2]) {
      const { results, expires } = await answer(query(classes(wanted), type));
      expect([...results.keys()]).toEqual([0, 10]);
      expect(results.get(0)).toEqual([]);
      expect(expires).toBe(world.verified.status.expires);
    }
  });

  test("says each value once, though tuples have it in common", async () => {
    const twice = collectPolicies(
      [
        { policy, signers: SIGNERS },
        { policy: { ...policy, name: "staging" }, signers: SIGNERS },
      ],
      world.verified.status.expires,
    );
    const once = await answer(query(classes(map([1, "NVIDIA"]))));
    const found = await answer(query(classes(map([1, "NVIDIA"]))), null, twice);
    expect(quadsOf(found.results)).toEqual(quadsOf(once.results));
    const hex = quadsOf(once.results).map((quad) => encodeHex(encodeCbor(quad as unknown as Cbor)));
    expect(new Set(hex).size).toBe(hex.length);
  });

  test("ends with the status or the policy that it is of, whichever is first, as text under tag 0", async () => {
    const soon = { ...policy, notAfter: "2026-11-24T00:00:00Z" };
    const from = collectPolicies([{ policy: soon, signers: SIGNERS }], world.verified.status.expires);
    const { expires, results } = await answer(query(classes(GUEST)), null, from);
    expect(expires).toBe([soon.notAfter, world.verified.status.expires].sort()[0]);
    expect(results.get(10)).toMatchObject({ tag: 0, value: expires });
  });

  test("of the source holds the CoRIM whole, and its signature where there is a key", async () => {
    const { results } = await answer(query(classes(GUEST), 1));
    expect([...results.keys()]).toEqual([10, 11]);
    expect(results.get(11)).toEqual([["application/rim+cbor", writeCorim(policy)]]);
    const signed = (await answer(query(classes(GUEST), 1), signer)).results.get(11) as [string, Uint8Array][];
    expect(signed.map(([type]) => type)).toEqual(["application/rim+cose"]);
    const [, , payload] = readCbor(signed[0]![1]).value;
    expect(payload).toEqual(writeCorim(policy));
  });

  test("of both holds both", async () => {
    const { results } = await answer(query(classes(GUEST), 2));
    expect([...results.keys()]).toEqual([0, 10, 11]);
    expect(quadsOf(results)).toEqual(quadsOf((await answer(query(classes(GUEST)))).results));
  });

  test("signed, has its content type under label 3, and verifies over the whole of it", async () => {
    const found = await answerCoserv(read(query(classes(GUEST))), collection, signer);
    const [header, , payload, signature] = readCbor(await signCoserv(found, signer)).value;
    const protectedHeader = readCbor(header) as Map<number, unknown>;
    expect([...protectedHeader.keys()]).toEqual([1, 3, 4]);
    expect(protectedHeader.get(3)).toBe("application/coserv+cbor");
    expect(payload).toEqual(found.bytes);
    const key = await importPublicKey(decodeBase64(signer.spki));
    expect(await verifySignature(key, signatureInput(header, payload), signature)).toBe(true);
  });

  describeReal("beside those that Veraison's library reads", () => {
    const OURS = "vectors/standards/ours/coserv";
    const FOREIGN = "vectors/standards/foreign/coserv";
    /** The same query under our profile: theirs was made before the profile had its name. */
    const underOurs = (name: string) => {
      const coserv = readCbor(realData(name)) as Map<number, Cbor>;
      return map([0, CORIM_PROFILE], [1, coserv.get(1)]);
    };
    const kind = (value: unknown): unknown => {
      if (value instanceof Tagged) return { tag: value.tag, of: kind(value.value) };
      if (value instanceof Map) return Object.fromEntries([...value].map(([key, of]) => [key, kind(of)]));
      return Array.isArray(value) ? value.slice(0, 1).map(kind) : typeof value;
    };

    test("has the structure of a result, member by member, but for RTMR3, which the vector's policy leaves open", async () => {
      const theirs = readCbor(realData(`${OURS}/result.coserv.cbor`)) as Map<number, unknown>;
      const replayed = { ...policy, tuples: policy.tuples.map((tuple) => ({ ...tuple, rtmr3: null })) };
      const from = collectPolicies([{ policy: replayed, signers: SIGNERS }], world.verified.status.expires);
      const ours = await answer(underOurs(`${OURS}/result.coserv.cbor`), null, from);
      expect(kind(ours.coserv)).toEqual(kind(theirs));
    });

    test("has the structure of a result of the source", async () => {
      const theirs = readCbor(realData(`${OURS}/result-source.coserv.cbor`)) as Map<number, unknown>;
      const ours = await answer(underOurs(`${OURS}/result-source.coserv.cbor`));
      expect(kind(ours.coserv)).toEqual(kind(theirs));
    });

    test.each([
      ["ours/coserv/query.coserv", PolicyError],
      ["ours/coserv/query-tag32.coserv", MalformedError],
      ["ours/coserv/result.coserv", MalformedError],
      ["foreign/coserv/rv-class-simple", PolicyError],
      ["foreign/coserv/rv-class-stateful", MalformedError],
      ["foreign/coserv/example-class-selector", PolicyError],
      ["foreign/coserv/example-class-selector-noindent", PolicyError],
      ["foreign/coserv/example-group-selector", PolicyError],
      ["foreign/coserv/example-instance-selector", PolicyError],
      ["foreign/coserv/rv-results", MalformedError],
    ])(
      "%s is not served: its profile is another, it has what no query has, or its keys are not in order",
      (name, refused) => {
        const bytes = realData(`vectors/standards/${name}.cbor`);
        expect(() => readCoservQuery(encodeBase64Url(bytes))).toThrow(refused);
      },
    );

    test.each([
      ["ours/coserv/query.coserv", 1],
      ["foreign/coserv/rv-class-simple", 1],
      ["foreign/coserv/example-class-selector", 2],
      ["foreign/coserv/example-class-selector-noindent", 2],
    ])("%s is read under our profile, with %i class or classes", (name, count) => {
      expect(read(underOurs(`vectors/standards/${name}.cbor`)).classes).toHaveLength(count);
    });

    test.each(["rv-class-stateful", "example-group-selector", "example-instance-selector"])(
      "%s is refused under our profile: only classes can be asked for",
      (name) => {
        expect(() => read(underOurs(`${FOREIGN}/${name}.cbor`))).toThrow(MalformedError);
      },
    );

    test("the text of a query is the one that its own vector gives", () => {
      const text = decodeUtf8(realData(`${OURS}/query.coserv.b64u`)).trim();
      expect(encodeBase64Url(realData(`${OURS}/query.coserv.cbor`))).toBe(text);
    });
  });
});

describe("the discovery document", () => {
  const offer = { version: "1.2.3", prefix: "/logs/a" } as const;
  const types = (document: { capabilities: { "media-type": string }[] }) =>
    document.capabilities.map((capability) => capability["media-type"]);

  test("without a key offers unsigned results alone, and says so", () => {
    const document = JSON.parse(discoveryJson({ ...offer, signer: null }));
    expect(document).toEqual({
      version: "1.2.3",
      capabilities: [
        {
          "media-type": `application/coserv+cbor; profile="${CORIM_PROFILE}"`,
          "artifact-support": ["source", "collected"],
        },
      ],
      "api-endpoints": {
        CoSERVRequestResponse: "/logs/a/endorsement-distribution/v1/coserv/{query}",
      },
    });
  });

  test.each(["ed25519", "p256"] as const)(
    "with a key of %s offers signed ones, and shows the key",
    (algorithm) => {
      const signer = makeSigner(algorithm);
      const document = JSON.parse(discoveryJson({ ...offer, signer }));
      expect(types(document).map((type) => type.split(";")[0])).toEqual([
        "application/coserv+cose",
        "application/coserv+cbor",
      ]);
      const [jwk] = document["result-verification-key"];
      expect(jwk.kid).toBe(signer.keyId);
      const { kid: _, ...key } = jwk;
      const spki = createPublicKey({ key, format: "jwk" }).export({ format: "der", type: "spki" });
      expect(spki.toString("base64")).toBe(signer.spki);
      const cbor = readCbor(discoveryCbor({ ...offer, signer })) as Map<number, unknown>;
      expect([...cbor.keys()]).toEqual([1, 2, 3, 4]);
      const [cose] = cbor.get(4) as Map<number, unknown>[];
      expect(Buffer.from(cose?.get(-2) as Uint8Array).toString("base64url")).toBe(jwk.x);
      expect(encodeHex(cose?.get(2) as Uint8Array)).toBe(signer.keyId);
    },
  );

  describeReal("beside Veraison's", () => {
    test.each(["json", "cbor"])("has in %s the members of one that offers unsigned results alone", (form) => {
      const theirs = realData(`vectors/standards/foreign/coserv/discovery-unsigned.${form}`);
      const membersOf = (bytes: Uint8Array) =>
        form === "json"
          ? Object.keys(JSON.parse(decodeUtf8(bytes)))
          : [...(readCbor(bytes) as Map<number, unknown>).keys()];
      const unsigned = { ...offer, signer: null };
      const ours = form === "json" ? utf8(discoveryJson(unsigned)) : discoveryCbor(unsigned);
      expect(membersOf(ours)).toEqual(membersOf(theirs));
    });

    test("has the same members in JSON, and the same numbers in CBOR", () => {
      const folder = "vectors/standards/foreign/coserv";
      const members = (value: unknown): unknown => {
        if (value instanceof Map) return [...value].map(([key, of]) => [key, members(of)]);
        if (Array.isArray(value)) return value.slice(0, 1).map(members);
        if (value === null || typeof value !== "object" || value instanceof Uint8Array) return null;
        return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, members(of)]));
      };
      const signer = makeSigner("p256");
      const [json, cbor] = ["json", "cbor"].map((form) =>
        realData(`${folder}/discovery-single-capability.${form}`),
      );
      expect(members(JSON.parse(discoveryJson({ ...offer, signer })))).toEqual(
        members(JSON.parse(decodeUtf8(json!))),
      );
      const [keys, theirs] = [discoveryCbor({ ...offer, signer }), cbor!].map(
        (bytes) => readCbor(bytes) as Map<number, unknown>,
      );
      expect([...keys!.keys()]).toEqual([...theirs!.keys()]);
      const keyOf = (document: Map<number, unknown>) =>
        new Set((document.get(4) as Map<number, unknown>[])[0]?.keys());
      expect(keyOf(keys!)).toEqual(keyOf(theirs!));
    });
  });
});
