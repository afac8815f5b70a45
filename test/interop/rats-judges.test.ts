// What is handed on to others, read by the crates that Trustee is built of, at pinned versions: `ear` reads attestation results, and regorus
// runs examples/trustee/tuple.rego over the tuples that `policy export --format rvps` registers.
import { execFileSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SignJWT } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { generateSigningKey, parseSigningKey } from "../../src/node/signing/signing-key.ts";
import { decodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { encodeBase64Url } from "../../src/protocol/encoding/base64url.ts";
import { decodeUtf8 } from "../../src/protocol/encoding/text.ts";
import { formatTime } from "../../src/protocol/entry/fields.ts";
import { encodeEvidence, type Machine, tamper } from "../../src/testing/index.ts";
import { writeEar } from "../../src/views/ear.ts";
import { type JudgedMachine, judgedMachine } from "../../src/views/judged-machine.ts";
import { type PolicyInForce, policyInForce } from "../../src/views/policy-in-force.ts";
import { rvps } from "../../src/views/rvps.ts";
import { judge, machineOf, makeWorld, type World } from "../support/appraisal-world.ts";
import { buildCargo } from "../support/cargo-program.ts";
import { describeReal, realData } from "../support/real-data.ts";

const rust = buildCargo(join(import.meta.dirname, "rust-rats"), "rats-judge");
if (rust.path === null) process.stderr.write(`SKIPPED: the crates ear and regorus: ${rust.why}\n`);

/** Asks the program one question. */
const ask = (question: object): Record<string, unknown> =>
  JSON.parse(execFileSync(rust.path ?? "", { input: `${JSON.stringify(question)}\n`, encoding: "utf8" }));

let good: Machine;
let world: World;
beforeAll(async () => {
  good = await machineOf();
  world = await makeWorld(good);
});

describe.skipIf(rust.path === null)("an EAR, read by the crate ear 0.4.0", () => {
  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const pem = p256.export({ type: "pkcs8", format: "pem" }).toString();
  const SIGNERS = [
    { alg: "ES256", signer: parseSigningKey(pem) },
    { alg: "EdDSA", signer: parseSigningKey(generateSigningKey()) },
  ];
  type Signing = (typeof SIGNERS)[number];
  const [es256] = SIGNERS as [Signing];

  /** Readers hold `exp` against their own clock, and the world of these tests has another. */
  const judged = async (machine: Machine, bundle = world.verified as World["verified"] | null) => ({
    ...judgedMachine(await judge(world, machine), bundle, encodeEvidence(machine.evidence), machine.nonce),
    expires: formatTime(new Date(Date.now() + 600_000)),
  });
  const write = (machine: JudgedMachine, { signer }: Signing, profile: "veraison" | "ietf-03" = "veraison") =>
    writeEar(machine, signer, { profile, developer: "https://verifier.example", build: "touchstone 0" });
  const read = (jwt: string, { alg, signer }: Signing) => {
    const key = createPublicKey({ key: Buffer.from(decodeBase64(signer.spki)), format: "der", type: "spki" });
    return ask({ ask: "ear", jwt, alg, key: key.export({ format: "jwk" }) });
  };
  const everyPart = (tier: string) => ({ "tdx-guest": tier, "gpu-0": tier });

  test.each(SIGNERS)(
    "of a trusted machine affirms every part, signed by $alg, with the claims of ours beside it",
    async (signing) => {
      const found = read(await write(await judged(good), signing), signing);
      expect(found).toMatchObject({
        profile: "tag:github.com,2023:veraison/ear",
        developer: "https://verifier.example",
        nonce: encodeBase64Url(good.nonce),
        status: everyPart("affirming"),
        policies: { "tdx-guest": expect.stringMatching(/\/policy\/production@1#first$/) },
      });
    },
  );

  test("of a refused machine contraindicates every part", async () => {
    const found = read(await write(await judged(await tamper(good, "quote-edited")), es256), es256);
    expect(found).toMatchObject({
      status: everyPart("contraindicated"),
    });
  });

  test("under a refused bundle names no policy, and is read all the same", async () => {
    const found = read(await write(await judged(await tamper(good, "quote-edited"), null), es256), es256);
    expect(found).toMatchObject({ policies: { "tdx-guest": null, "gpu-0": null } });
  });

  test("that has expired, is by another key, or was changed is refused", async () => {
    const machine = await judged(good);
    const past = formatTime(new Date(Date.now() - 600_000));
    expect(read(await write({ ...machine, expires: past }, es256), es256)).toEqual({
      refused: expect.stringContaining("ExpiredSignature"),
    });
    const other = { alg: "EdDSA", signer: parseSigningKey(generateSigningKey()) };
    const jwt = await write(machine, SIGNERS[1] as Signing);
    expect(read(jwt, other)).toHaveProperty("refused");
    const [header, claims, signature] = jwt.split(".") as [string, string, string];
    const changed = Buffer.from(claims, "base64url").toString().replace('"iat":1', '"iat":2');
    const forged = [header, Buffer.from(changed).toString("base64url"), signature].join(".");
    expect(read(forged, SIGNERS[1] as Signing)).toHaveProperty("refused");
  });

  test("in the names of draft-ietf-rats-ear-04 is refused: this reader does not know them", async () => {
    expect(read(await write(await judged(good), es256, "ietf-03"), es256)).toEqual({
      refused: expect.stringContaining("verifier-id"),
    });
  });

  test("whose status is better than its vector is taken as it says: so that of ours is computed", async () => {
    const jwt = await write(await judged(good), es256);
    const claims = JSON.parse(Buffer.from(jwt.split(".")[1] as string, "base64url").toString());
    claims.submods["tdx-guest"]["ear.trustworthiness-vector"].executables = 33;
    const lie = await new SignJWT(claims).setProtectedHeader({ alg: "ES256" }).sign(p256);
    expect(read(lie, es256)).toMatchObject({
      status: { "tdx-guest": "affirming" },
      executables: { "tdx-guest": 33 },
    });
  });

  describeReal("of the vectors", () => {
    const folder = "vectors/standards/ours/ear";
    const readVector = (name: string) => {
      const jwt = decodeUtf8(realData(`${folder}/${name}.jwt`)).trim();
      const { exp } = JSON.parse(Buffer.from(jwt.split(".")[1] as string, "base64url").toString());
      const key = JSON.parse(decodeUtf8(realData(`${folder}/ear.pub.jwk.json`)));
      return { found: ask({ ask: "ear", jwt, alg: "ES256", key }), expired: exp * 1000 < Date.now() };
    };

    test.each([
      ["ear-veraison-affirming", "affirming"],
      ["ear-veraison-contraindicated", "contraindicated"],
      ["ear-veraison-extra-claim", "affirming"],
      ["ear-veraison-status-too-good", "affirming"],
    ])("%s is read as %s, until it expires", (name, tier) => {
      const { found, expired } = readVector(name);
      if (expired) expect(found).toEqual({ refused: expect.stringContaining("ExpiredSignature") });
      else expect(Object.values(found.status as object)[0]).toBe(tier);
    });

    test("ear-ietf-03-affirming is refused", () => {
      expect(readVector("ear-ietf-03-affirming").found).toHaveProperty("refused");
    });
  });
});

describe.skipIf(rust.path === null)(
  "examples/trustee/tuple.rego, run by regorus 0.10.1 as Trustee runs it",
  () => {
    const REGO = readFileSync(new URL("../../examples/trustee/tuple.rego", import.meta.url), "utf8");
    const LATER = "2099-01-01T00:00:00Z";
    const EARLIER = "2020-01-01T00:00:00Z";
    const UNRECOGNISED = { value: 33 };
    let policy: PolicyInForce;
    beforeAll(() => {
      policy = { ...policyInForce(world.verified), notAfter: LATER };
    });

    /** What RVPS hands to the policy: the message's payload, by name. */
    const valuesOf = (policies: readonly PolicyInForce[]) =>
      JSON.parse(decodeUtf8(decodeBase64(JSON.parse(decodeUtf8(rvps.render(policies))).payload)));
    type Registers = Readonly<Record<"mr_td" | "rtmr_0" | "rtmr_1" | "rtmr_2" | "rtmr_3", string>>;
    const bodyOf = (index: number): Registers => {
      const { mrtd, rtmr0, rtmr1, rtmr2, rtmr3 } = policy.tuples[index]!;
      return { mr_td: mrtd, rtmr_0: rtmr0, rtmr_1: rtmr1, rtmr_2: rtmr2, rtmr_3: rtmr3 ?? "" };
    };
    const run = (body: Registers, values: unknown = valuesOf([policy])) =>
      ask({
        ask: "rego",
        policy: REGO,
        rule: "data.policy.executables",
        input: { tdx: { quote: { body } } },
        values,
      });

    test("accepts each tuple of the policy", () => {
      for (const i of policy.tuples.keys()) expect(run(bodyOf(i))).toEqual({ value: 2 });
    });

    test("refuses every crossing of two tuples, though each register alone is on the lists", () => {
      const [first, second] = [bodyOf(0), bodyOf(1)];
      const values = valuesOf([policy]);
      for (const name of ["mr_td", "rtmr_0", "rtmr_1", "rtmr_2"] as const) {
        if (first[name] === second[name]) continue;
        expect(values[name]).toContain(second[name]);
        expect(run({ ...first, [name]: second[name] })).toEqual(UNRECOGNISED);
      }
      expect(run({ ...first, mr_td: second.mr_td, rtmr_0: second.rtmr_0 })).toEqual(UNRECOGNISED);
    });

    test("refuses another RTMR3, and takes any where the policy has it replayed", () => {
      const other = { ...bodyOf(0), rtmr_3: "ab".repeat(48) };
      expect(run(other)).toEqual(UNRECOGNISED);
      const tuples = policy.tuples.map((tuple) => ({ ...tuple, rtmr3: null }));
      expect(run(other, valuesOf([{ ...policy, tuples }]))).toEqual({ value: 2 });
    });

    test("refuses a tuple after its end, and everything where nothing is registered", () => {
      expect(run(bodyOf(0), valuesOf([{ ...policy, notAfter: EARLIER }]))).toEqual(UNRECOGNISED);
      expect(run(bodyOf(0), {})).toEqual(UNRECOGNISED);
    });
  },
);

/** Its own program is on no registry: it is built in Trustee's workspace, over crates that are taken from repositories. */
describeReal("the message for RVPS, beside one that its own program registered", () => {
  const folder = "vectors/standards/ours/rvps";
  const read = (bytes: Uint8Array) => {
    const message = JSON.parse(decodeUtf8(bytes));
    return { message, values: JSON.parse(decodeUtf8(decodeBase64(message.payload))) };
  };
  const kind = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.slice(0, 1).map(kind);
    if (value === null || typeof value !== "object") return typeof value;
    return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, kind(of)]));
  };

  test("has the same members, and the names that Trustee's policy reads with values of the same kind", () => {
    const ours = read(rvps.render([policyInForce(world.verified)]));
    const theirs = read(realData(`${folder}/rvps-sample.json`));
    expect(kind(ours.message)).toEqual(kind(theirs.message));
    expect({ ...ours.message, payload: "" }).toEqual({ ...theirs.message, payload: "" });
    const names = ["mr_td", "rtmr_1", "rtmr_2", "allowed_driver_versions", "allowed_vbios_versions"];
    for (const name of names) expect(kind(ours.values[name]), name).toEqual(kind(theirs.values[name]));
  });

  test("is not of the version that it refuses", () => {
    const refused = JSON.parse(decodeUtf8(realData(`${folder}/rvps-bad-version.json`)));
    expect(read(rvps.render([policyInForce(world.verified)])).message.version).not.toBe(refused.version);
  });
});
