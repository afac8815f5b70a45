// A provider on the network, and whoever answers in its place: documents that are too long, of somebody else, or elsewhere.
import { describe, expect, it } from "vitest";
import { draftIdentityKeys, missingKeys } from "../../../src/publisher/identity/draft-identity-keys.ts";
import { fetchProviderKeys } from "../../../src/publisher/identity/provider-document.ts";
import { githubTokens } from "../../../src/publisher/identity/token-source.ts";
import { NOW } from "../../support/clock.ts";
import { identityKeysPredicate } from "../../support/identity-log.ts";
import { testKeys } from "../../support/keys.ts";
import { FakeProvider, GITHUB } from "../../support/provider.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";

const [rsa, elliptic] = [await FakeProvider.create("rsa"), await FakeProvider.create("elliptic", "ES256")];
const DISCOVERY = `${GITHUB}/.well-known/openid-configuration`;
const KEYS = `${GITHUB}/.well-known/jwks`;

/** A network of these answers. */
function network(answers: Readonly<Record<string, Response>>): typeof fetch {
  return async (input) => answers[String(input)] ?? new Response(null, { status: 404 });
}
const json = (value: unknown) => new Response(JSON.stringify(value));
const provider = (keys: unknown, change: Record<string, unknown> = {}) =>
  network({
    [DISCOVERY]: json({ issuer: GITHUB, jwks_uri: KEYS, claims_supported: ["sub"], ...change }),
    [KEYS]: json({ keys }),
  });
/** One object of so many bytes, in pieces, which nobody must read to its end. */
function endless(bytes: number): { response: Response; read: () => number } {
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent >= bytes) return controller.close();
      sent += 65_536;
      controller.enqueue(new Uint8Array(65_536).fill(0x20));
    },
  });
  return { response: new Response(body), read: () => sent };
}

describe("the keys of a provider", () => {
  it("are those that sign, without what their documents have beside them", async () => {
    const published = [
      { ...rsa.key, use: "sig", x5t: "thumbprint", x5c: ["certificate"] },
      elliptic.key,
      { ...rsa.key, kid: "for-encryption", use: "enc" },
      { ...rsa.key, kid: "other-algorithm", alg: "RS512" },
      { ...rsa.key, kid: "too-small", n: rsa.key.kty === "RSA" ? rsa.key.n.slice(0, 171) : "" },
      { kty: "oct", kid: "symmetric", k: "AAAA" },
    ];
    expect(await fetchProviderKeys(GITHUB, provider(published))).toEqual({
      keys: [rsa.key, elliptic.key],
      leftOut: ["for-encryption", "other-algorithm", "too-small", "symmetric"],
    });
  });

  it("are asked for at an issuer with a slash at its end, and at a machine of one's own", async () => {
    const local = "http://127.0.0.1:7/oidc/";
    const answers = {
      "http://127.0.0.1:7/oidc/.well-known/openid-configuration": json({
        issuer: local,
        jwks_uri: `${local}keys`,
      }),
      [`${local}keys`]: json({ keys: [rsa.key] }),
    };
    expect((await fetchProviderKeys(local, network(answers))).keys).toEqual([rsa.key]);
  });

  const moved = () => new Response(null, { status: 302, headers: { location: "https://evil.example/" } });
  const BAD: ReadonlyArray<readonly [string, typeof fetch, RegExp]> = [
    ["a discovery that redirects", network({ [DISCOVERY]: moved() }), /moved to https:\/\/evil/],
    [
      "keys that redirect",
      network({ [DISCOVERY]: json({ issuer: GITHUB, jwks_uri: KEYS }), [KEYS]: moved() }),
      /moved/,
    ],
    ["a document of another issuer", provider([rsa.key], { issuer: "https://evil.example" }), /not of/],
    ["keys on a plain connection", provider([rsa.key], { jwks_uri: "http://keys.example/" }), /not https/],
    ["no document", network({}), /answered 404/],
    ["a document that is none", network({ [DISCOVERY]: new Response("<html>") }), /not JSON/],
    ["a document without keys", provider("none"), /expected array/],
    ["too many keys", provider(Array.from({ length: 33 }, () => rsa.key)), /<=32/],
  ];

  it.each(BAD)("are not taken from %s", async (_, fetch, why) => {
    await expect(fetchProviderKeys(GITHUB, fetch)).rejects.toThrow(why);
  });

  it("are not taken from an issuer on a plain connection, which nobody even asks", async () => {
    const fetch = () => Promise.reject(new Error("it was asked"));
    await expect(fetchProviderKeys("http://token.example", fetch)).rejects.toThrow(/not https/);
    await expect(fetchProviderKeys("file:///etc/passwd", fetch)).rejects.toThrow(/not https/);
  });

  it("a document of 10 MiB is left when it is too long", async () => {
    const { response, read } = endless(10 * 1024 * 1024);
    await expect(fetchProviderKeys(GITHUB, network({ [DISCOVERY]: response }))).rejects.toThrow(
      /longer than/,
    );
    expect(read()).toBeLessThan(1024 * 1024);
  });
});

describe("a draft of them", () => {
  it("follows what the log has, names the keys in one order, and says which are new", async () => {
    const root = await trustRootPredicate(await testKeys());
    const keys = identityKeysPredicate([rsa]);
    const placed = { index: 7, digest: "ab".repeat(32), keys, signers: [], identities: [] };
    const now = { name: "github", issuer: GITHUB, keys: [rsa.key, elliptic.key] };
    const draft = draftIdentityKeys(now, { root, identityKeys: [placed] }, NOW);
    expect(draft).toMatchObject({ version: 2, previous: placed.digest, retrievedAt: "2026-11-23T12:00:00Z" });
    expect(draft.keys.map(({ kid }) => kid)).toEqual(["elliptic", "rsa"]);
    expect(missingKeys(now.keys, keys)).toEqual(["elliptic"]);
    expect(draftIdentityKeys(now, { root, identityKeys: [] }, NOW)).toMatchObject({
      version: 1,
      previous: null,
    });
  });
});

describe("the token endpoint of a job", () => {
  const environment = {
    ACTIONS_ID_TOKEN_REQUEST_URL: "https://run.example/token?api-version=2",
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "secret",
  };

  it("is asked with the job's own secret, for one audience", async () => {
    const asked: [string, unknown][] = [];
    const fetch: typeof globalThis.fetch = async (input, init) => {
      asked.push([String(input), new Headers(init?.headers).get("authorization")]);
      return json({ value: "a.b.c" });
    };
    expect(await githubTokens(environment, fetch)("https://log.example#x")).toBe("a.b.c");
    expect(asked).toEqual([
      ["https://run.example/token?api-version=2&audience=https%3A%2F%2Flog.example%23x", "Bearer secret"],
    ]);
  });

  it("is not there outside of a job that may have tokens", () => {
    expect(() => githubTokens({}, fetch)).toThrow(/id-token: write/);
  });

  it("never gets the secret to another address", async () => {
    const moved = async () =>
      new Response(null, { status: 307, headers: { location: "https://evil.example/" } });
    await expect(githubTokens(environment, moved)("a")).rejects.toThrow(/moved/);
  });
});
