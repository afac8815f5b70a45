// Views of a verdict: a status is never better than what was checked, a refused machine never less than contraindicated, and each is bound
// to the evidence, the policy and the challenge.
import { createPublicKey } from "node:crypto";
import { exportJWK, importSPKI, jwtVerify } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { generateSigningKey, parseSigningKey } from "../../src/node/signing/signing-key.ts";
import { sha256 } from "../../src/protocol/cryptography/hash.ts";
import { encodePublicKeyPem } from "../../src/protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../src/protocol/encoding/text.ts";
import { encodeEvidence, type Machine, tamper } from "../../src/testing/index.ts";
import { APPRAISAL_CHECKS } from "../../src/verifier/appraisal/appraisal-checks.ts";
import type { Check } from "../../src/verifier/check-list.ts";
import { writeEar } from "../../src/views/ear.ts";
import { type JudgedMachine, judgedMachine } from "../../src/views/judged-machine.ts";
import { writeSvr } from "../../src/views/svr.ts";
import { statusOf, vectorsOf } from "../../src/views/trust-vector.ts";
import { judge, machineOf, makeWorld, type World } from "../support/appraisal-world.ts";

let good: Machine;
let world: World;
beforeAll(async () => {
  good = await machineOf();
  world = await makeWorld(good);
});

const judged = async (machine: Machine): Promise<JudgedMachine> =>
  judgedMachine(await judge(world, machine), world.verified, encodeEvidence(machine.evidence), machine.nonce);

const check = (id: string, outcome: Check["outcome"]): Check => ({
  id,
  outcome,
  detail: "",
  expected: null,
  actual: null,
  entry: null,
});
const all = (change: Readonly<Record<string, Check["outcome"]>> = {}): Check[] =>
  APPRAISAL_CHECKS.map((id) => check(id, change[id] ?? "pass"));

describe("trustworthiness vectors", () => {
  test("of a machine that passed everything affirm each claim that there is", () => {
    const { guest, gpu } = vectorsOf(all());
    expect(guest).toEqual({
      executables: 2,
      configuration: 2,
      "instance-identity": 2,
      hardware: 2,
      "file-system": 2,
      "runtime-opaque": 2,
    });
    expect(gpu).toEqual({
      executables: 2,
      configuration: 2,
      "instance-identity": 2,
      hardware: 2,
      "runtime-opaque": 2,
    });
  });

  test.each(APPRAISAL_CHECKS)("%s alone failing contraindicates every part of the machine", (id) => {
    const { guest, gpu } = vectorsOf(all({ [id]: "fail" }));
    expect([statusOf(guest), statusOf(gpu)]).toEqual(["contraindicated", "contraindicated"]);
  });

  test.each(APPRAISAL_CHECKS)("%s alone not made is claimed by nobody, and contraindicates", (id) => {
    const { guest, gpu } = vectorsOf(all({ [id]: "not-evaluated" }));
    expect([statusOf(guest), statusOf(gpu)]).toEqual(["contraindicated", "contraindicated"]);
    const affirmed = [...Object.values(guest), ...Object.values(gpu)].filter((value) => value === 2).length;
    expect(affirmed).toBeLessThan(11);
  });

  test("an image that nobody published is unrecognised; a bundle that is not accepted vouches for none", () => {
    expect(vectorsOf(all({ "tuple.rtmr1": "fail" })).guest.executables).toBe(33);
    expect(vectorsOf(all({ "bundle.policy": "fail" })).guest.executables).toBe(99);
  });

  test("a check that no aspect knows is not lost", () => {
    expect(vectorsOf([...all(), check("new.check", "fail")]).guest.hardware).toBe(96);
  });

  test("no checks at all contraindicate: nothing was shown", () => {
    expect(statusOf(vectorsOf([]).guest)).toBe("contraindicated");
  });

  test("the status is the worst of the vector", () => {
    expect(statusOf({})).toBe("none");
    expect(statusOf({ hardware: 2 })).toBe("affirming");
    expect(statusOf({ hardware: 2, executables: 33 })).toBe("warning");
    expect(statusOf({ hardware: 96, executables: 33 })).toBe("contraindicated");
  });
});

const OPTIONS = { developer: "https://verifier.example", build: "touchstone 0" } as const;

describe("an EAR", () => {
  const signer = parseSigningKey(generateSigningKey());

  async function read(machine: JudgedMachine, profile: "veraison" | "ietf-03" = "veraison") {
    const jwt = await writeEar(machine, signer, { ...OPTIONS, profile });
    const key = await importSPKI(encodePublicKeyPem(decodeBase64(signer.spki)), "EdDSA");
    const { payload, protectedHeader } = await jwtVerify(jwt, key, {
      currentDate: new Date(machine.verdict.asOf),
    });
    expect(protectedHeader).toEqual({ alg: "EdDSA", kid: signer.keyId, typ: "eat+jwt" });
    return payload as Record<string, never>;
  }

  test("of a trusted machine affirms its parts, and is bound to challenge, evidence and policy", async () => {
    const machine = await judged(good);
    expect(machine.verdict.verdict).toBe("trusted");
    const ear = await read(machine);
    expect(ear).toMatchObject({
      eat_profile: "tag:github.com,2023:veraison/ear",
      eat_nonce: Buffer.from(good.nonce).toString("base64url"),
      exp: Math.floor(Date.parse(machine.verdict.validUntil ?? "") / 1000),
      "touchstone.evidence-sha256": encodeHex(sha256(encodeEvidence(good.evidence))),
      "touchstone.policy-sha256": world.verified.status.policies[0]?.digest,
      "ear.verifier-id": OPTIONS,
    });
    const { submods } = ear as unknown as { submods: Record<string, Record<string, unknown>> };
    expect(Object.keys(submods)).toEqual(["tdx-guest", ...good.gpus.map((_, i) => `gpu-${i}`)]);
    for (const submodule of Object.values(submods)) {
      expect(submodule["ear.status"]).toBe("affirming");
      expect(submodule["ear.appraisal-policy-id"]).toMatch(/\/policy\/production@1#first$/);
    }
  });

  test("never lives longer than the status of the policy", async () => {
    const { exp } = await read(await judged(good));
    expect(exp).toBeLessThanOrEqual(Date.parse(world.verified.status.expires) / 1000);
  });

  test("of a machine that was refused contraindicates each part, for five minutes", async () => {
    const machine = await judged(await tamper(good, "quote-edited"));
    expect(machine.verdict.verdict).toBe("rejected");
    const ear = await read(machine);
    const { submods, iat, exp } = ear as unknown as {
      submods: Record<string, Record<string, unknown>>;
      iat: number;
      exp: number;
    };
    expect(Object.values(submods).map((submodule) => submodule["ear.status"])).toEqual(
      Object.keys(submods).map(() => "contraindicated"),
    );
    expect(exp - iat).toBe(300);
  });

  test("in the draft's form has the draft's names, and none of the others", async () => {
    const ear = await read(await judged(good), "ietf-03");
    expect(ear.eat_profile).toBe("tag:ietf.org,2026:rats/ear#03");
    expect(JSON.stringify(ear)).not.toContain('"ear.');
    const { submods } = ear as unknown as { submods: Record<string, Record<string, unknown>> };
    expect(Object.keys(submods["tdx-guest"] ?? {})).toEqual([
      "ear_status",
      "ear_trustworthiness_vector",
      "ear_appraisal_policy_ids",
    ]);
  });

  test("by a key of another curve is refused", async () => {
    const { generateKeyPairSync } = await import("node:crypto");
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const spki = publicKey.export({ type: "spki", format: "der" }).toString("base64");
    const machine = await judged(good);
    await expect(writeEar(machine, { ...signer, spki }, { ...OPTIONS, profile: "veraison" })).rejects.toThrow(
      /P-256 or Ed25519/,
    );
    expect(await exportJWK(createPublicKey(encodePublicKeyPem(decodeBase64(signer.spki))))).toHaveProperty(
      "x",
    );
  });
});

describe("an in-toto verification result", () => {
  test("has the evidence as its subject and the policy's digest", async () => {
    const statement = JSON.parse(decodeUtf8(writeSvr(await judged(good), "https://verifier.example")));
    expect(statement).toMatchObject({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ digest: { sha256: encodeHex(sha256(encodeEvidence(good.evidence))) } }],
      predicateType: "https://in-toto.io/attestation/svr/v0.2",
      predicate: {
        verifier: { policies: [{ digest: { sha256: world.verified.status.policies[0]?.digest } }] },
        properties: ["TOUCHSTONE_TRUSTED", "TOUCHSTONE_PROFILE_first"],
      },
    });
  });

  test("of a refused machine says so, and of a refused bundle names no policy", async () => {
    const { verdict } = await judged(await tamper(good, "quote-edited"));
    const statement = JSON.parse(
      decodeUtf8(writeSvr(judgedMachine(verdict, null, new Uint8Array(), null), "x:y")),
    );
    expect(statement.predicate).toMatchObject({
      properties: ["TOUCHSTONE_REJECTED"],
      verifier: { policies: [] },
    });
  });
});
