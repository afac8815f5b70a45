// A made-up provider of identities: it signs whatever it is asked to, as tests need it, with keys that it can change.
import { exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import { sha256 } from "../../src/protocol/cryptography/hash.ts";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import type { ProviderKey } from "../../src/protocol/entry/identity-keys.ts";
import type { IdentityRule, TokenAlgorithm } from "../../src/protocol/entry/identity-rule.ts";
import type { Kind, Predicate } from "../../src/protocol/entry/kinds.ts";
import {
  type Envelope,
  makeEnvelope,
  preAuthEncoding,
  type Signature,
} from "../../src/protocol/envelope/dsse.ts";
import { audienceOf } from "../../src/protocol/identity/audience.ts";
import { NOW } from "./clock.ts";
import { type TestKey, testKey } from "./keys.ts";
import { EXAMPLE_PROVIDER_KEY } from "./provider-key.ts";
import { signStatement } from "./signing.ts";
import { ORIGIN } from "./witnesses.ts";

export const GITHUB = "https://token.actions.githubusercontent.com";

/** Whom `releaseClaims` stand for. */
export const releaseRule: IdentityRule = {
  id: "acme-release",
  issuer: GITHUB,
  provider: "github",
  algorithms: ["RS256"],
  claims: {
    repository_id: "74",
    repository_owner_id: "65",
    environment: "release",
    runner_environment: "github-hosted",
  },
  workflow: { path: "acme/guest/.github/workflows/release.yml", ref: "refs/tags/v*" },
  events: ["push"],
  maxTokenSeconds: 900,
  maxAgeSeconds: 600,
};

/** What a run of that workflow is given, a minute before `now`, but for the audience. */
export function releaseClaims(now: Date = NOW): Record<string, unknown> {
  const seconds = Math.floor(now.getTime() / 1000);
  return {
    iss: GITHUB,
    sub: "repo:acme/guest:environment:release",
    repository: "acme/guest",
    repository_id: "74",
    repository_owner: "acme",
    repository_owner_id: "65",
    repository_visibility: "public",
    job_workflow_ref: "acme/guest/.github/workflows/release.yml@refs/tags/v1.4.0",
    job_workflow_sha: "a".repeat(40),
    workflow_ref: "acme/guest/.github/workflows/release.yml@refs/tags/v1.4.0",
    ref: "refs/tags/v1.4.0",
    ref_type: "tag",
    ref_protected: "true",
    environment: "release",
    event_name: "push",
    run_id: "1",
    runner_environment: "github-hosted",
    iat: seconds - 60,
    nbf: seconds - 120,
    exp: seconds + 240,
  };
}

/** How a token differs from one that is in order. */
export interface TokenChange {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** When it is asked for. */
  readonly now?: Date;
}

let tokens = 0;

export class FakeProvider {
  readonly alg: TokenAlgorithm;
  readonly key: ProviderKey;
  readonly #private: CryptoKey;

  private constructor(alg: TokenAlgorithm, key: ProviderKey, secret: CryptoKey) {
    this.alg = alg;
    this.key = key;
    this.#private = secret;
  }

  static async create(kid = "kid-1", alg: TokenAlgorithm = "RS256"): Promise<FakeProvider> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = await exportJWK(publicKey);
    return new FakeProvider(alg, { ...jwk, kid, alg } as ProviderKey, privateKey);
  }

  /** The provider of examples: the same key each time. */
  static async example(): Promise<FakeProvider> {
    const { kty, n, e } = EXAMPLE_PROVIDER_KEY;
    const key = { kid: "example-1", kty, alg: "RS256", n, e } as ProviderKey;
    return new FakeProvider("RS256", key, (await importJWK(EXAMPLE_PROVIDER_KEY, "RS256")) as CryptoKey);
  }

  /** A token with a `jti` of its own, unless the claims have one. */
  async token(claims: Readonly<Record<string, unknown>>, header: Readonly<Record<string, unknown>> = {}) {
    return new SignJWT({ jti: `token-${++tokens}`, ...claims })
      .setProtectedHeader({ alg: this.alg, kid: this.key.kid, typ: "JWT", ...header })
      .sign(this.#private);
  }

  /** A signature by a key made for it, with a token for this payload. */
  async sign(
    payload: Uint8Array,
    { claims = {}, header = {}, now = NOW }: TokenChange = {},
  ): Promise<Signature> {
    const key = await testKey(`ephemeral ${++tokens}`);
    const aud = audienceFor(payload, key);
    const jwt = await this.token({ ...releaseClaims(now), aud, ...claims }, header);
    return identitySignature(payload, key, jwt);
  }

  /** A statement that is published by such a token, and by keys beside it. */
  async signStatement<K extends Kind>(
    kind: K,
    predicate: Predicate<K>,
    change: TokenChange = {},
    signers: readonly TestKey[] = [],
  ): Promise<Envelope> {
    const { payload, signatures } = await signStatement(kind, predicate, signers);
    return makeEnvelope(payload, [...signatures, await this.sign(payload, change)]);
  }
}

export function audienceFor(payload: Uint8Array, { keyId }: TestKey, origin = ORIGIN): string {
  return audienceOf(origin, keyId, encodeHex(sha256(payload)));
}

/** A signature with whatever token. */
export async function identitySignature(
  payload: Uint8Array,
  { keyId, spki, sign }: TestKey,
  jwt: string,
  rule = releaseRule.id,
): Promise<Signature> {
  const signature = await sign(preAuthEncoding(payload));
  return { keyId, signature, identity: { jwt, rule, spki: encodeBase64(spki) } };
}
