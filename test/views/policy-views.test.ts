// Views of a policy: each states the tuples of the verified bundle, whole, and refuses what its format would make a lie of.
import { decode, Tagged } from "cborg";
import { beforeAll, describe, expect, test } from "vitest";
import { generateSigningKey, parseSigningKey } from "../../src/node/signing/signing-key.ts";
import { signatureInput } from "../../src/protocol/cose/cose-sign1.ts";
import { importPublicKey, verifySignature } from "../../src/protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../src/protocol/encoding/text.ts";
import { CORIM_PROFILE, signCorim, writeCorim } from "../../src/views/corim.ts";
import { dstack } from "../../src/views/dstack.ts";
import { flashbots } from "../../src/views/flashbots.ts";
import { POLICY_VIEWS } from "../../src/views/list.ts";
import { type PolicyInForce, policyInForce } from "../../src/views/policy-in-force.ts";
import { rvps } from "../../src/views/rvps.ts";
import { machineOf, makeWorld, type World } from "../support/appraisal-world.ts";
import { describeReal, realData } from "../support/real-data.ts";

let world: World;
let policy: PolicyInForce;
beforeAll(async () => {
  world = await makeWorld(await machineOf());
  policy = policyInForce(world.verified);
});

const json = (bytes: Uint8Array) => JSON.parse(decodeUtf8(bytes));
const replayed = (given: PolicyInForce): PolicyInForce => ({
  ...given,
  tuples: given.tuples.map((tuple) => ({ ...tuple, rtmr3: null })),
});

describe("a policy in force", () => {
  test("names each profile on each of its platforms, and ends with the status or the policy, whichever is first", () => {
    expect(policy.tuples.map(({ profile }) => profile.id)).toEqual(["first", "second"]);
    const { status, policy: document } = world.verified;
    expect(policy.notAfter).toBe([status.expires, document.expires].sort()[0]);
    expect(policy.digest).toBe(status.policies[0]?.digest);
  });

  test("ends with the trust root, where that is first: no verifier takes the bundle after it", () => {
    const expires = "2026-11-24T00:00:00Z";
    expect(expires < policy.notAfter).toBe(true);
    const trustRoot = { ...world.verified.trustRoot, expires };
    expect(policyInForce({ ...world.verified, trustRoot }).notAfter).toBe(expires);
  });

  test("gives the same bytes every time, in every format", () => {
    for (const view of POLICY_VIEWS)
      expect(encodeHex(view.render([policy]))).toBe(encodeHex(view.render([policy])));
  });
});

describe("flashbots", () => {
  test("writes all five registers of each tuple by name, one value each", () => {
    const records = json(flashbots.render([policy]));
    expect(records).toHaveLength(2);
    for (const [i, { measurements, attestation_type }] of records.entries()) {
      const tuple = policy.tuples[i]!;
      expect(attestation_type).toBe("dcap-tdx");
      expect(measurements).toEqual({
        mrtd: { expected_any: [tuple.mrtd] },
        rtmr0: { expected_any: [tuple.rtmr0] },
        rtmr1: { expected_any: [tuple.rtmr1] },
        rtmr2: { expected_any: [tuple.rtmr2] },
        rtmr3: { expected_any: ["00".repeat(48)] },
      });
    }
    expect(
      new Set(records.map(({ measurement_id }: { measurement_id: string }) => measurement_id)).size,
    ).toBe(2);
  });

  test("refuses RTMR3 that is replayed: a record without the register would accept any", () => {
    expect(() => flashbots.render([replayed(policy)])).toThrow(/flashbots cannot say it: profile first/);
  });
});

test("dstack's registers are the tuple's, and nothing else", () => {
  expect(json(dstack.render([policy]))).toEqual(
    policy.tuples.map(({ mrtd, rtmr0, rtmr1, rtmr2 }) => ({ mrtd, rtmr0, rtmr1, rtmr2 })),
  );
});

describe("RVPS", () => {
  const valuesOf = (bytes: Uint8Array) => json(decodeBase64(json(bytes).payload));

  test("has the names that Trustee's policy reads, and each tuple whole beside them", () => {
    const message = json(rvps.render([policy]));
    expect(message).toMatchObject({ version: "0.1.0", type: "sample" });
    const values = valuesOf(rvps.render([policy]));
    expect(values.mr_td).toEqual([...new Set(policy.tuples.map(({ mrtd }) => mrtd))]);
    expect(values.touchstone_tuples).toHaveLength(2);
    expect(values.touchstone_tuples[0]).toMatchObject({
      profile: "first",
      digest: policy.digest,
      rtmr: [policy.tuples[0]?.rtmr0, policy.tuples[0]?.rtmr1, policy.tuples[0]?.rtmr2],
    });
  });

  test("puts several policies into one message, since a second one would replace the first", () => {
    const other = { ...policy, name: "staging", digest: "ab".repeat(32) };
    const values = valuesOf(rvps.render([policy, other]));
    expect(values.touchstone_tuples).toHaveLength(4);
    expect(values.mr_td).toEqual(valuesOf(rvps.render([policy])).mr_td);
  });
});

const TAGS = [0, 1, 18, 32, 501, 506, 508, 560];
const readCbor = (bytes: Uint8Array) =>
  decode(bytes, {
    useMaps: true,
    strict: true,
    tags: Object.fromEntries(TAGS.map((tag) => [tag, Tagged.decoder(tag)])),
  });
/** A value without its content: tags, keys of maps, and kinds. Byte strings that hold CBOR maps are looked into. */
function shapeOf(value: unknown): unknown {
  if (value instanceof Tagged) return { tag: value.tag, of: shapeOf(inner(value.value)) };
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, member]) => [String(key), shapeOf(member)]));
  if (Array.isArray(value)) return value.map(shapeOf);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return typeof value;
}
const inner = (value: unknown) => (value instanceof Uint8Array ? readCbor(value) : value);

describe("CoRIM", () => {
  const corimOf = (given: PolicyInForce) => readCbor(writeCorim(given)).value as Map<number, unknown>;

  test("is tag 501 around an id, the tags, the profile, the validity and the entity", () => {
    const corim = corimOf(policy);
    expect(corim.get(0)).toBe(`sha256:${policy.digest}`);
    expect((corim.get(1) as Tagged[]).map(({ tag }) => tag)).toEqual([506, 506, 508]);
    expect(corim.get(3)).toMatchObject({ tag: 32, value: CORIM_PROFILE });
    const validity = corim.get(4) as Map<number, Tagged>;
    expect(validity.get(1)).toMatchObject({ tag: 1, value: Date.parse(policy.notAfter) / 1000 });
  });

  test("has one environment and one set of integrity registers for each tuple, never two platforms in one map", () => {
    const tags = (corimOf(policy).get(1) as Tagged[]).filter(({ tag }) => tag === 506);
    for (const [i, tag] of tags.entries()) {
      const triples = ((inner(tag.value) as Map<number, Map<number, unknown>>).get(4)?.get(0) ??
        []) as unknown[][];
      const [environment, [measured]] = triples[0] as [
        Map<number, Map<number, string>>,
        Map<number, Map<number, unknown>>[],
      ];
      expect(environment.get(0)).toEqual(
        new Map([
          [1, "Intel Corporation"],
          [2, "TDX guest"],
        ]),
      );
      const registers = measured?.get(1)?.get(14) as Map<number | string, [number, Uint8Array][]>;
      const { mrtd, rtmr0, rtmr1, rtmr2 } = policy.tuples[i]!;
      expect([0, 1, 2, "mrtd"].map((key) => encodeHex(registers.get(key)![0]![1]))).toEqual([
        rtmr0,
        rtmr1,
        rtmr2,
        mrtd,
      ]);
      expect([...registers.values()].every((digests) => digests.length === 1 && digests[0]?.[0] === 7)).toBe(
        true,
      );
    }
  });

  test("leaves RTMR3 out where it is replayed, and has ids that follow from policy, profile and platform", () => {
    expect(encodeHex(writeCorim(replayed(policy)))).not.toBe(encodeHex(writeCorim(policy)));
    const ids = (corimOf(policy).get(1) as Tagged[]).map(({ tag, value }) => {
      const identity = (inner(value) as Map<number, Map<number, Uint8Array>>).get(tag === 508 ? 0 : 1);
      return encodeHex(identity!.get(0)!);
    });
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{12}8[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  });

  test("signed, verifies over the structure of RFC 9052, and has corim-meta as well as CWT claims", async () => {
    const signer = parseSigningKey(generateSigningKey());
    const [header, unprotected, payload, signature] = readCbor(await signCorim(policy, signer)).value;
    const protectedHeader = readCbor(header) as Map<number, unknown>;
    expect([...protectedHeader.keys()]).toEqual([1, 3, 4, 8, 15]);
    expect([protectedHeader.get(1), protectedHeader.get(3)]).toEqual([-8, "application/rim+cbor"]);
    expect(encodeHex(protectedHeader.get(4) as Uint8Array)).toBe(signer.keyId);
    expect(unprotected.size).toBe(0);
    expect(encodeHex(payload)).toBe(encodeHex(writeCorim(policy)));
    const key = await importPublicKey(decodeBase64(signer.spki));
    expect(await verifySignature(key, signatureInput(header, payload), signature)).toBe(true);
    payload[20] ^= 1;
    expect(await verifySignature(key, signatureInput(header, payload), signature)).toBe(false);
  });

  describeReal("beside one that Veraison's library accepts", () => {
    test("has the same structure, member by member", () => {
      const accepted = readCbor(realData("vectors/standards/ours/corim/policy-cotl.corim.cbor"));
      const ours = readCbor(writeCorim({ ...policy, tuples: policy.tuples.slice(0, 1) }));
      const theirs = shapeOf(accepted) as { of: Record<string, unknown> };
      const mine = shapeOf(ours) as { of: Record<string, unknown> };
      for (const member of ["0", "3", "4", "5"]) expect(mine.of[member]).toEqual(theirs.of[member]);
      const tagsOf = (shape: { of: Record<string, unknown> }) =>
        shape.of["1"] as { tag: number; of: Record<string, unknown> }[];
      expect(tagsOf(mine).map(({ tag }) => tag)).toEqual(tagsOf(theirs).map(({ tag }) => tag));
      const [comid, cotl] = tagsOf(mine);
      const [theirComid, theirCotl] = tagsOf(theirs);
      expect(cotl).toEqual(theirCotl);
      expect({ ...comid?.of, 4: null }).toEqual({ ...theirComid?.of, 4: null });
      type Triples = [unknown, [{ 1: { 14: Record<string, unknown> } }]][];
      const guest = (tag: { of: Record<string, unknown> } | undefined) => {
        const [triple] = (tag!.of["4"] as { 0: Triples })[0];
        return triple!;
      };
      const registers = (tag: { of: Record<string, unknown> } | undefined) => {
        const { 3: _rtmr3, ...others } = guest(tag)[1][0][1][14];
        return others;
      };
      expect(guest(comid)[0]).toEqual(guest(theirComid)[0]);
      expect(registers(comid)).toEqual(registers(theirComid));
    });
  });
});
