// Lists tokens that are in order, or wrong in one way each: what whoever judges tokens must say of them.
import { SignJWT } from "jose";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import type { Signature } from "../../src/protocol/envelope/dsse.ts";
import { NOW } from "./clock.ts";
import { type TestKey, testKey } from "./keys.ts";
import { audienceFor, FakeProvider, identitySignature, releaseClaims } from "./provider.ts";

/** What a case is made with. */
export interface TokenWorld {
  /** Whose keys the log has. */
  readonly provider: FakeProvider;
  /** Somebody else with another key under the same id. */
  readonly impostor: FakeProvider;
  /** What is to be published, and something else that could be. */
  readonly payload: Uint8Array;
  readonly otherPayload: Uint8Array;
  /** The key that signs, and that of a thief. */
  readonly key: TestKey;
  readonly thief: TestKey;
}

export async function tokenWorld(payload: Uint8Array, provider: FakeProvider): Promise<TokenWorld> {
  const impostor = await FakeProvider.create(provider.key.kid);
  const [key, thief] = [await testKey("ephemeral"), await testKey("thief")];
  return { provider, impostor, payload, otherPayload: utf8("{}"), key, thief };
}

type Code = "accepted" | "identity-refused" | "token-invalid";

export interface TokenCase {
  readonly name: string;
  /** As registration says it. */
  readonly outcome: Code;
  sign(world: TokenWorld): Promise<Signature>;
}

/** A token whose claims differ; undefined leaves one out. */
function claims(
  name: string,
  change: (world: TokenWorld) => Record<string, unknown>,
  outcome: Code = "identity-refused",
): TokenCase {
  return {
    name,
    outcome,
    sign: async (world) => signWith(world, await world.provider.token(inOrder(world, change))),
  };
}

/** A token of another make. */
function token(name: string, make: (world: TokenWorld) => Promise<string>): TokenCase {
  return {
    name,
    outcome: "token-invalid",
    sign: async (world) => signWith(world, await make(world)),
  };
}

const inOrder = (world: TokenWorld, change: (world: TokenWorld) => Record<string, unknown> = () => ({})) => ({
  ...releaseClaims(),
  jti: "once",
  aud: audienceFor(world.payload, world.key),
  ...change(world),
});
const signWith = ({ payload, key }: TokenWorld, jwt: string) => identitySignature(payload, key, jwt);
const SECONDS = NOW.getTime() / 1000;
const RELEASE = "acme/guest/.github/workflows/release.yml";
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

export const TOKEN_CASES: readonly TokenCase[] = [
  claims("good", () => ({}), "accepted"),
  claims("replayed for another payload", ({ otherPayload, key }) => ({
    aud: audienceFor(otherPayload, key),
  })),
  claims("stolen token, thief's key", ({ payload, thief }) => ({ aud: audienceFor(payload, thief) })),
  claims("other log", ({ payload, key }) => ({ aud: audienceFor(payload, key, "other.example/log") })),
  claims("default GitHub aud", () => ({ aud: "https://github.com/acme" })),
  claims(
    "aud list with ours",
    ({ payload, key }) => ({ aud: [audienceFor(payload, key), "sts.amazonaws.com"] }),
    "token-invalid",
  ),
  claims("fork pull request", () => ({
    environment: undefined,
    event_name: "pull_request",
    ref: "refs/pull/1/merge",
  })),
  claims("pull_request_target", () => ({ event_name: "pull_request_target" })),
  claims("resurrected repository (new id, same name)", () => ({ repository_id: "999" })),
  claims("renamed repository (same id)", () => ({
    repository: "acme/renamed",
    job_workflow_ref: "acme/renamed/.github/workflows/release.yml@refs/tags/v1.4.0",
  })),
  claims("transferred owner", () => ({ repository_owner_id: "66" })),
  claims("other workflow in same repository", () => ({
    job_workflow_ref: "acme/guest/.github/workflows/ci.yml@refs/tags/v1.4.0",
  })),
  claims("workflow on a branch", () => ({ job_workflow_ref: `${RELEASE}@refs/heads/evil` })),
  claims("self-hosted runner", () => ({ runner_environment: "self-hosted" })),
  claims("no environment", () => ({ environment: undefined })),
  claims("other issuer, same claims", () => ({ iss: "https://evil.example" }), "token-invalid"),
  token("other key, known kid", (world) => world.impostor.token(inOrder(world))),
  token("unknown kid", (world) => world.provider.token(inOrder(world), { kid: "zz" })),
  token("alg none", async (world) => `${encode({ alg: "none", typ: "JWT" })}.${encode(inOrder(world))}.`),
  token("HS256 with the JWKS as secret", (world) =>
    new SignJWT({ ...inOrder(world), jti: "hs256" })
      .setProtectedHeader({ alg: "HS256", kid: world.provider.key.kid, typ: "JWT" })
      .sign(utf8(JSON.stringify({ keys: [world.provider.key] }))),
  ),
  claims("expired", () => ({ exp: SECONDS })),
  claims("not yet valid", () => ({ nbf: SECONDS + 1 })),
  claims("lives a day", () => ({ exp: SECONDS - 60 + 86_400 })),
  claims("numeric repository_id", () => ({ repository_id: 74 })),
  token("jwks in header (jku/jwk)", ({ provider, ...world }) =>
    provider.token(inOrder({ provider, ...world }), { jwk: provider.key }),
  ),
  claims("unicode homoglyph in path", () => ({
    job_workflow_ref: "acme/guest/.github/workflows/r\u0435lease.yml@refs/tags/v1.4.0",
  })),
];
