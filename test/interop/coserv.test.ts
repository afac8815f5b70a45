// Results of CoSERV and signed CoRIMs, read by go-cose and fxamacker/cbor at pinned versions: what Veraison's own library stands on, which is
// not to be had as a module. Each vector has its outcome; so have ours, by both algorithms.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Cbor, encodeCbor, map } from "../../src/protocol/cose/cbor.ts";
import type { CoseSigner } from "../../src/protocol/cose/cose-sign1.ts";
import { decodePublicKeyPem } from "../../src/protocol/cryptography/signature.ts";
import { decodeBase64, encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { encodeBase64Url } from "../../src/protocol/encoding/base64url.ts";
import { decodeUtf8 } from "../../src/protocol/encoding/text.ts";
import { CORIM_PROFILE, signCorim } from "../../src/views/corim.ts";
import { answerCoserv, type Collection, collectPolicies, signCoserv } from "../../src/views/coserv.ts";
import { readCoservQuery } from "../../src/views/coserv-query.ts";
import { type PolicyInForce, policyInForce } from "../../src/views/policy-in-force.ts";
import { machineOf, makeWorld } from "../support/appraisal-world.ts";
import { generateP256Signer } from "../support/cose-signers.ts";
import { buildGo } from "../support/go-program.ts";
import { coseSigner, testKey } from "../support/keys.ts";
import { describeReal, haveRealData, realData, realDataPath } from "../support/real-data.ts";

const go = buildGo(join(import.meta.dirname, "go-coserv"));
if (go.path === null) process.stderr.write(`SKIPPED: go-cose and fxamacker/cbor: ${go.why}\n`);
afterAll(() => go.remove());

/** @param spki DER of the key of a signed message. */
function read(message: Uint8Array, spki?: Uint8Array): Record<string, unknown> {
  const question = { message: encodeBase64(message), ...(spki && { spki: encodeBase64(spki) }) };
  return JSON.parse(
    execFileSync(go.path ?? "", { input: `${JSON.stringify(question)}\n`, encoding: "utf8" }),
  );
}

const SIGNER = "ab".repeat(32);
const query = (type: number): Cbor =>
  map(
    [0, CORIM_PROFILE],
    [1, map([0, 2], [1, map([0, [[map([1, "Intel Corporation"], [2, "TDX guest"])]]])], [2, type])],
  );

describe.skipIf(go.path === null)("go-cose 1.3.0 and fxamacker/cbor 2.5.0", () => {
  let policy: PolicyInForce;
  let collection: Collection;
  let signers: CoseSigner[];
  beforeAll(async () => {
    const { verified } = await makeWorld(await machineOf());
    policy = policyInForce(verified);
    collection = collectPolicies([{ policy, signers: [SIGNER] }], verified.status.expires);
    signers = [coseSigner(await testKey("receipts")), await generateP256Signer()];
  });
  const answer = (type: number, signer: CoseSigner | null) =>
    answerCoserv(readCoservQuery(encodeBase64Url(encodeCbor(query(type)))), collection, signer);

  test("read collected values, with their authority and their end", async () => {
    const { bytes, expires } = await answer(0, null);
    expect(read(bytes)).toEqual({
      contentType: "application/coserv+cbor",
      profile: CORIM_PROFILE,
      models: policy.tuples.map(() => "TDX guest"),
      authorities: policy.tuples.map(() => `560(${SIGNER})`),
      sources: [],
      expiry: expires,
    });
  });

  test("verify a signed result of both kinds, and refuse it by another key or after a change", async () => {
    for (const signer of signers) {
      const found = await answer(2, signer);
      const message = await signCoserv(found, signer);
      expect(read(message, decodeBase64(signer.spki))).toMatchObject({
        profile: CORIM_PROFILE,
        sources: ["application/rim+cose"],
        expiry: found.expires,
      });
      const other = signers.find((one) => one !== signer)!;
      expect(read(message, decodeBase64(other.spki))).toHaveProperty("refused");
      message[message.length - 70]! ^= 1;
      expect(read(message, decodeBase64(signer.spki))).toHaveProperty("refused");
    }
  });

  test("verify a signed CoRIM", async () => {
    for (const signer of signers)
      expect(read(await signCorim(policy, signer), decodeBase64(signer.spki))).toMatchObject({
        contentType: "application/rim+cbor",
      });
  });

  describeReal("of the vectors", () => {
    const folder = "vectors/standards";
    const keyOf = (name: string) =>
      decodePublicKeyPem(decodeUtf8(realData(`${folder}/ours/${name}.pub.pem`)));
    const corims = haveRealData
      ? readdirSync(realDataPath(`${folder}/ours/corim`)).filter((name) => name.endsWith(".cose"))
      : [];

    test.each([
      ["ours/coserv/result", { models: ["TDX guest"] }],
      ["ours/coserv/result-source", { sources: ["application/rim+cbor"] }],
      // The draft's CDDL wants text here; this decoder takes the number, too.
      ["ours/coserv/bad-int-expiry", { models: ["TDX guest"] }],
    ])("%s is read", (name, found) => {
      expect(read(realData(`${folder}/${name}.coserv.cbor`))).toMatchObject(found);
    });

    test.each([
      ["rv-results", { authorities: ["560(abcdef)"] }],
      ["rv-class-simple-results", { models: ["Example Model"] }],
      [
        "rv-class-simple-results-source-artifacts",
        { sources: ["application/vnd.example.refvals", "application/vnd.example.refvals"] },
      ],
    ])("%s of Veraison is read", (name, found) => {
      expect(read(realData(`${folder}/foreign/coserv/${name}.cbor`))).toMatchObject(found);
    });

    test("the one without an expiry is refused", () => {
      const message = realData(`${folder}/ours/coserv/bad-no-expiry.coserv.cbor`);
      expect(read(message)).toEqual({ refused: "no results, or no expiry" });
    });

    test("the signed one is verified, and the one with the draft's label of the content type refused", () => {
      const key = keyOf("coserv/corim-p256");
      expect(read(realData(`${folder}/ours/coserv/result.coserv.cose`), key)).toMatchObject({
        models: ["TDX guest"],
      });
      expect(read(realData(`${folder}/ours/coserv/result-cty2.coserv.cose`), key)).toEqual({
        refused: expect.stringContaining("crit"),
      });
    });

    test.each(corims)("%s is verified", (name) => {
      const key = keyOf(`corim/corim-${name.includes("p256") ? "p256" : "ed25519"}`);
      const message = realData(`${folder}/ours/corim/${name}`);
      expect(read(message, key)).toMatchObject({ contentType: "application/rim+cbor" });
    });
  });
});
