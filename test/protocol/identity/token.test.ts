// Tokens as they come from strangers: what is no token, what brings its own key, and the shared cases, each as a JWT library judges it.

import fc from "fast-check";
import { createLocalJWKSet, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { sha256 } from "../../../src/protocol/cryptography/hash.ts";
import { KeyRing } from "../../../src/protocol/cryptography/key-ring.ts";
import { keyIdOf } from "../../../src/protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { decodeBase64Url } from "../../../src/protocol/encoding/base64url.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import type { ProviderKey } from "../../../src/protocol/entry/identity-keys.ts";
import type { IdentityRule } from "../../../src/protocol/entry/identity-rule.ts";
import { audienceOf } from "../../../src/protocol/identity/audience.ts";
import { whyNotTaken } from "../../../src/protocol/identity/check-token.ts";
import { readToken } from "../../../src/protocol/identity/token.ts";
import { importProviderKey, verifyToken } from "../../../src/protocol/identity/verify-token.ts";
import { NOW } from "../../support/clock.ts";
import { FakeProvider, GITHUB, releaseClaims, releaseRule } from "../../support/provider.ts";
import { describeReal, realJson } from "../../support/real-data.ts";
import { malformedOf, outcomeOf } from "../../support/refusals.ts";

const provider = await FakeProvider.example();
const elliptic = await FakeProvider.create("elliptic", "ES256");
const ring = new KeyRing();
await ring.addProvider({ issuer: GITHUB, keys: [provider.key, elliptic.key] });
const AUDIENCE = "https://log.example/touchstone#touchstone-oidc-v1:key:payload";
const claims = { ...releaseClaims(), aud: AUDIENCE };
const good = await provider.token(claims);
const [header = "", body = "", signature = ""] = good.split(".");
const encode = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const headerOf = (change: Record<string, unknown>) =>
  encode({ alg: "RS256", kid: provider.key.kid, typ: "JWT", ...change });

describe("what is no token", () => {
  const NONE: ReadonlyArray<readonly [string, string]> = [
    ["two parts", `${header}.${body}`],
    ["four parts", `${good}.`],
    ["nothing", ""],
    ["padding", `${header}==.${body}.${signature}`],
    ["base64 of the other alphabet", `${header}.${body}.+/${signature}`],
    ["unused bits that are not zero", `${header}.${body}.${signature.slice(0, -1)}B`],
    ["a header that is no object", `${encode("[]")}.${body}.${signature}`],
    ["a member twice", `${encode('{"alg":"RS256","alg":"RS256","kid":"a"}')}.${body}.${signature}`],
    ["a header without a key id", `${headerOf({ kid: undefined })}.${body}.${signature}`],
    ["a key id that is a number", `${headerOf({ kid: 1 })}.${body}.${signature}`],
    ["another type", `${headerOf({ typ: "at+jwt" })}.${body}.${signature}`],
    ["claims that are no JSON", `${header}.${encode("{")}.${signature}`],
    ["claims without a jti", `${header}.${encode({ ...claims, jti: undefined })}.${signature}`],
    ["a time that is a text", `${header}.${encode({ ...claims, jti: "a", exp: "1" })}.${signature}`],
    ["a time with a fraction", `${header}.${encode({ ...claims, jti: "a", iat: 1.5 })}.${signature}`],
    ["8,193 characters", `${header}.${body}.${"A".repeat(8193 - header.length - body.length - 2)}`],
    ["a mebibyte", `${header}.${"A".repeat(1024 * 1024)}.${signature}`],
    ...["none", "HS256", "PS256", "RS384", "EdDSA"].map(
      (alg) => [`the algorithm ${alg}`, `${headerOf({ alg })}.${body}.${signature}`] as const,
    ),
    ...["jwk", "jku", "x5u", "x5c", "crit"].map(
      (member) =>
        [`a header with ${member}`, `${headerOf({ [member]: null })}.${body}.${signature}`] as const,
    ),
  ];

  it.each(NONE)("%s", async (_, jwt) => {
    expect(await malformedOf(() => readToken(jwt))).toBeDefined();
    expect(await outcomeOf(() => verifyToken(jwt, ring.providers))).toBe("token-invalid");
  });

  it("any cut of one", async () => {
    for (let length = 0; length < good.length; length++)
      expect(await outcomeOf(() => verifyToken(good.slice(0, length), ring.providers))).toBe("token-invalid");
  });
});

describe("a token's signature", () => {
  it("is taken of RS256 and of ES256, by the key that the log has under its id", async () => {
    expect((await verifyToken(good, ring.providers)).key).toEqual(provider.key);
    expect((await verifyToken(await elliptic.token(claims), ring.providers)).key).toEqual(elliptic.key);
  });

  it("is not taken under the other key's id, whose algorithm is another", async () => {
    for (const [by, kid] of [
      [provider, elliptic.key.kid],
      [elliptic, provider.key.kid],
    ] as const) {
      const jwt = await by.token(claims, { kid });
      expect(await outcomeOf(() => verifyToken(jwt, ring.providers))).toBe("token-invalid");
    }
  });

  it("is tried with each of two keys that had one id", async () => {
    const both = new KeyRing();
    const later = await FakeProvider.create(provider.key.kid);
    await both.addProvider({ issuer: GITHUB, keys: [later.key] });
    await both.addProvider({ issuer: GITHUB, keys: [provider.key] });
    expect((await verifyToken(good, both.providers)).key).toEqual(provider.key);
    expect((await verifyToken(await later.token(claims), both.providers)).key).toEqual(later.key);
  });
});

describe("a provider's key", () => {
  const { key } = provider;
  const rsa = (bits: number) => {
    const bytes = new Uint8Array(bits / 8).fill(0xff);
    return { ...key, n: Buffer.from(bytes).toString("base64url") } as ProviderKey;
  };

  it("has 2,048 to 4,096 bits", async () => {
    expect(await malformedOf(() => importProviderKey(rsa(2048)))).toBeUndefined();
    expect(await malformedOf(() => importProviderKey(rsa(4096)))).toBeUndefined();
    expect(await malformedOf(() => importProviderKey(rsa(2040)))).toBeDefined();
    expect(await malformedOf(() => importProviderKey(rsa(4104)))).toBeDefined();
  });

  it("is a point of its curve", async () => {
    const x = Buffer.from(new Uint8Array(32).fill(1)).toString("base64url");
    expect(await malformedOf(() => importProviderKey({ ...elliptic.key, x } as ProviderKey))).toBeDefined();
  });
});

it("base64url has one text for each byte string", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(decodeBase64Url(Buffer.from(bytes).toString("base64url"))).toEqual(bytes);
    }),
  );
  for (const text of ["A", "AB", "AAB", "AA==", "AA+A", "AA/A", "A A", "ÄAAA"])
    expect(() => decodeBase64Url(text), text).toThrow();
});

describe("the workflow of a rule", () => {
  const ours = releaseRule.workflow!.path;
  const taken = async (claimed: unknown, ref = "refs/tags/v*") => {
    const token = await verifyToken(
      await provider.token({ ...claims, job_workflow_ref: claimed, workflow_ref: `${ours}@refs/tags/v1` }),
      ring.providers,
    );
    const rule = { ...releaseRule, workflow: { path: ours, ref } };
    return whyNotTaken(rule, token, { audience: AUDIENCE, time: NOW.getTime() / 1000 }) === null;
  };

  it("is the one that runs, not the one that calls it: a reusable workflow of somebody else is not ours", async () => {
    expect(await taken(`${ours}@refs/tags/v1`)).toBe(true);
    expect(await taken("evil/ci/.github/workflows/release.yml@refs/tags/v1")).toBe(false);
    for (const none of [undefined, null, 7, [], ours, `${ours}@`, "@", ""])
      expect(await taken(none)).toBe(false);
  });

  it("is split at the first @, since a ref may have one in it", async () => {
    expect(await taken(`${ours}@refs/tags/v1@x`)).toBe(true);
    expect(await taken(`evil/ci/.github/workflows/x.yml@${ours}@refs/tags/v1`)).toBe(false);
  });

  it("is at a ref that is the rule's, or begins as it says", async () => {
    expect(await taken(`${ours}@refs/tags/w1`)).toBe(false);
    expect(await taken(`${ours}@refs/tags/v1`, "refs/tags/v1")).toBe(true);
    expect(await taken(`${ours}@refs/tags/v1.1`, "refs/tags/v1")).toBe(false);
  });

  it("may be pinned to a commit, so that whoever owns it cannot change it", async () => {
    const commit = "c".repeat(40);
    expect(await taken(`${ours}@${commit}`, commit)).toBe(true);
    expect(await taken(`${ours}@${"d".repeat(40)}`, commit)).toBe(false);
    expect(await taken(`${ours}@refs/tags/v1`, commit)).toBe(false);
  });
});

describe("a token library of somebody else", () => {
  const keys = createLocalJWKSet({ keys: [provider.key, elliptic.key] });
  const seconds = NOW.getTime() / 1000;
  const generous: IdentityRule = {
    ...releaseRule,
    algorithms: ["RS256", "ES256"],
    maxTokenSeconds: 3600,
    maxAgeSeconds: 3600,
  };

  async function theirs(jwt: string, time: number): Promise<boolean> {
    const options = {
      issuer: GITHUB,
      audience: AUDIENCE,
      algorithms: ["RS256", "ES256"],
      currentDate: new Date(time * 1000),
      clockTolerance: 0,
      requiredClaims: ["iat", "exp", "jti"],
    };
    return jwtVerify(jwt, keys, options).then(
      () => true,
      () => false,
    );
  }

  async function ours(jwt: string, time: number): Promise<boolean> {
    try {
      const token = await verifyToken(jwt, ring.providers);
      return whyNotTaken(generous, token, { audience: AUDIENCE, time }) === null;
    } catch {
      return false;
    }
  }

  // It says nothing of tokens that are issued in the future, so that these are old.
  it("judges as we do: issuer, audience, times, algorithm, key id and every byte", async () => {
    const times = fc.integer({ min: -120, max: 120 }).map((by) => seconds + by);
    const change = fc.record(
      {
        iss: fc.constantFrom(GITHUB, `${GITHUB}/`, "https://evil.example"),
        aud: fc.constantFrom(AUDIENCE, `${AUDIENCE} `, AUDIENCE.toUpperCase()),
        exp: times,
        nbf: times,
      },
      { requiredKeys: [] },
    );
    const made = fc.record({
      change,
      by: fc.constantFrom(provider, elliptic),
      kid: fc.constantFrom(provider.key.kid, elliptic.key.kid, "other"),
      keepsKid: fc.boolean(),
      flip: fc.option(fc.nat(), { freq: 3 }),
      at: times,
    });
    await fc.assert(
      fc.asyncProperty(made, async ({ change, by, kid, keepsKid, flip, at }) => {
        const jwt = await by.token({ ...claims, iat: seconds - 600, ...change }, keepsKid ? {} : { kid });
        const sent = flip === null ? jwt : flipped(jwt, flip % jwt.length);
        expect(await ours(sent, at)).toBe(await theirs(sent, at));
      }),
      { numRuns: 300 },
    );
  });
});

/** Another character of the alphabet in one place. */
function flipped(text: string, at: number): string {
  const other = text[at] === "A" ? "Q" : "A";
  return text[at] === "." ? text : text.slice(0, at) + other + text.slice(at + 1);
}

interface SharedCase {
  readonly case: string;
  readonly jwt: string;
  readonly spki: string;
  readonly payload: string;
  readonly at: number;
  readonly result: string;
}

interface SharedCases {
  readonly origin: string;
  readonly rule: {
    readonly jwks: { readonly keys: ReadonlyArray<Record<string, string>> };
    readonly claims: Record<string, string>;
  };
  readonly payloads: Readonly<Record<string, string>>;
  readonly cases: readonly SharedCase[];
}

describeReal("the shared cases", () => {
  const { origin, rule, payloads, cases } = realJson<SharedCases>(
    "vectors/standards/ours/oidc/oidc-cases.json",
  );

  it.each(cases)("$case", async ({ jwt, spki, payload, at, result }) => {
    const shared = new KeyRing();
    const keys = rule.jwks.keys.map(({ use: _, ...key }) => key as unknown as ProviderKey);
    await shared.addProvider({ issuer: GITHUB, keys });
    const digest = encodeHex(sha256(decodeBase64(payloads[payload] ?? "")));
    const audience = audienceOf(origin, keyIdOf(decodeBase64(spki)), digest);
    const judge = async () => {
      const token = await verifyToken(jwt, shared.providers);
      return whyNotTaken({ ...releaseRule, claims: rule.claims }, token, { audience, time: at });
    };
    const why = await judge().catch((error: Error) => error.message);
    expect(why === null).toBe(result === "accepted");
  });
});
