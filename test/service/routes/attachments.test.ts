// Attachments, and the signed request that uploads one (RFC 9421, the profile of src/service/http/http-signature.ts).
import { createHash, sign as ecdsa, generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyIdOf } from "../../../src/protocol/cryptography/signature.ts";
import { encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { contentDigest } from "../../../src/service/http/http-signature.ts";
import { NOW } from "../../support/clock.ts";
import { revocationPredicate } from "../../support/document-predicates.ts";
import { type TestKey, testKey, testKeys } from "../../support/keys.ts";
import { kernelPredicate, sha256Of } from "../../support/release-predicates.ts";
import { refusalOf, ServiceHarness } from "../../support/service-harness.ts";
import { signStatement } from "../../support/signing.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";

let service: ServiceHarness;
let ecdsaKey: TestKey;

beforeAll(async () => {
  ecdsaKey = makeEcdsaKey();
  const root = await trustRootPredicate(await testKeys());
  const rule = { keys: [ecdsaKey.keyId], threshold: 1, kinds: ["platform" as const], names: ["ecdsa/*"] };
  service = await ServiceHarness.start({
    trustRoot: {
      keys: [...root.keys, encodeBase64(ecdsaKey.spki)],
      roles: { ...root.roles, publisher: [...root.roles.publisher, rule] },
    },
  });
});
afterAll(() => service.stop());

function makeEcdsaKey(): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  const sign = async (message: Uint8Array) =>
    new Uint8Array(ecdsa("sha256", message, { key: privateKey, dsaEncoding: "ieee-p1363" }));
  return { keyId: keyIdOf(spki), spki, sign };
}

const hexOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const seconds = (offset = 0) => Math.floor(NOW.getTime() / 1000) + offset;

interface SigningOptions {
  readonly key?: TestKey;
  readonly alg?: string;
  readonly created?: number;
  readonly components?: string;
  readonly parameters?: string;
  readonly path?: string;
  readonly label?: string;
  /** Replaces header fields after signing; undefined removes one. */
  readonly tamper?: Record<string, string | undefined>;
}

/** Uploads a body as a client that follows docs/formats.md, unless told to misbehave. */
async function put(body: Uint8Array, options: SigningOptions = {}): Promise<Response> {
  const { key = service.keys.publisher, alg = "ed25519", created = seconds(), label = "sig" } = options;
  const path = options.path ?? `/v1/attachments/sha256/${hexOf(body)}`;
  const components = options.components ?? '("@method" "@path" "content-digest")';
  const parameters = `${components}${options.parameters ?? `;created=${created};keyid="${key.keyId}";alg="${alg}"`}`;
  const values: Record<string, string> = {
    "@method": "PUT",
    "@path": path,
    "@target-uri": `https://log.example${path}`,
    "content-digest": contentDigest(body),
  };
  const lines = [...components.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => `"${name}": ${values[name]}`);
  const base = [...lines, `"@signature-params": ${parameters}`].join("\n");
  const headers: Record<string, string | undefined> = {
    "content-type": "application/json",
    "content-digest": contentDigest(body),
    "signature-input": `${label}=${parameters}`,
    signature: `${label}=:${encodeBase64(await key.sign(utf8(base)))}:`,
    ...options.tamper,
  };
  const sent = Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return service.app.request(path, { method: "PUT", headers: sent, body: body as BodyInit });
}

describe("an attachment", () => {
  test("that is uploaded with a good signature is stored, and again is known", async () => {
    const body = utf8('["uploaded"]');
    const first = await put(body);
    expect([first.status, await first.json()]).toEqual([201, { digest: hexOf(body), size: body.length }]);
    expect((await put(body)).status).toBe(200);
    const read = await service.get(`/v1/attachments/sha256/${hexOf(body)}`);
    expect(await read.text()).toBe('["uploaded"]');
    expect(read.headers.get("cache-control")).toMatch(/immutable/);
  });

  test("may be signed over @target-uri, in any order, under any label, and with ECDSA", async () => {
    expect(
      (await put(utf8("[1]"), { components: '("content-digest" "@target-uri" "@method")', label: "a-1" }))
        .status,
    ).toBe(201);
    expect((await put(utf8("[2]"), { key: ecdsaKey, alg: "ecdsa-p256-sha256" })).status).toBe(201);
  });

  test("lets the entry that names it register", async () => {
    const body = utf8('["patches"]');
    await put(body);
    const attachment = { digest: hexOf(body), size: body.length, mediaType: "application/json" as const };
    const patches = { count: 1, seriesDigest: sha256Of("s"), inline: null, attachment };
    const predicate = { ...kernelPredicate("big-series"), patches };
    expect(
      (await service.publish(await signStatement("kernel-patch-set", predicate, [service.keys.publisher])))
        .status,
    ).toBe(201);
  });

  test("that is not there is 404, under what is no digest 400", async () => {
    expect(await refusalOf(await service.get(`/v1/attachments/sha256/${sha256Of("none")}`))).toBe(
      "404 not-found",
    );
    expect(await refusalOf(await service.get("/v1/attachments/sha256/ABC"))).toBe("400 invalid-parameter");
  });
});

describe("an upload is refused", () => {
  const body = utf8('["refused"]');
  const refused = async (options: SigningOptions, bytes = body) => refusalOf(await put(bytes, options));

  test("without a signature", async () => {
    expect(await refused({ tamper: { signature: undefined } })).toBe("401 signature-missing");
    expect(await refused({ tamper: { "signature-input": undefined } })).toBe("401 signature-missing");
  });

  test("by a key that nobody knows, that may not publish, or that is revoked", async () => {
    expect(await refused({ key: await testKey("stranger") })).toBe("401 signature-unknown-key");
    expect(await refused({ key: service.keys.policy })).toBe("403 not-authorised");
    const keys = [{ keyId: service.keys.otherPublisher.keyId, fromIndex: 0, toIndex: 1_000_000 }];
    await service.publish(
      await signStatement("revocation", revocationPredicate({ keys }), [service.keys.revocation]),
    );
    expect(await refused({ key: service.keys.otherPublisher })).toBe("403 key-revoked");
  });

  test("signed too long ago, or in the future", async () => {
    expect(await refused({ created: seconds(-301) })).toBe("401 signature-expired");
    expect(await refused({ created: seconds(301) })).toBe("401 signature-expired");
  });

  test("with a signature of another request, body or algorithm", async () => {
    const good = await put(utf8("[3]"));
    expect(good.status).toBe(201);
    expect(await refused({ tamper: { signature: `sig=:${encodeBase64(new Uint8Array(64))}:` } })).toBe(
      "401 signature-invalid",
    );
    expect(await refused({ alg: "ecdsa-p256-sha256" })).toBe("401 signature-invalid");
    expect(await refused({ tamper: { "content-digest": contentDigest(utf8("other")) } })).toBe(
      "400 malformed",
    );
    expect(await refused({ tamper: { "content-digest": undefined } })).toBe("400 malformed");
    expect(await refused({ path: `/v1/attachments/sha256/${sha256Of("other")}` })).toBe(
      "422 digest-mismatch",
    );
  });

  test.each<[string, SigningOptions]>([
    ["another component", { components: '("@method" "@path" "content-digest" "date")' }],
    ["a missing component", { components: '("@method" "content-digest")' }],
    ["a component twice", { components: '("@method" "@method" "content-digest")' }],
    ["both forms of the path", { components: '("@path" "@target-uri" "content-digest")' }],
    ["a missing parameter", { parameters: ";created=1" }],
    ["a parameter twice", { parameters: `;created=1;created=2;keyid="${"0".repeat(64)}"` }],
    ["an unknown parameter", { parameters: `;created=1;keyid="${"0".repeat(64)}";nonce="x"` }],
    ["an unknown algorithm", { alg: "hmac-sha256" }],
    ["a key id that is none", { parameters: ';created=1;keyid="abc";alg="ed25519"' }],
    ["a created that is text", { parameters: `;created="1";keyid="${"0".repeat(64)}";alg="ed25519"` }],
    [
      "another label on the signature",
      { tamper: { signature: `other=:${encodeBase64(new Uint8Array(64))}:` } },
    ],
    ["a signature of another length", { tamper: { signature: `sig=:${encodeBase64(new Uint8Array(63))}:` } }],
    ["two signatures", { tamper: { "signature-input": "a=(), b=()" } }],
  ])("with fields outside of the profile: %s", async (_, options) => {
    expect(await refused(options)).toBe("400 malformed");
  });

  test("when it is not canonical JSON, not JSON, or empty", async () => {
    expect(await refused({}, utf8('[ "spaced" ]'))).toBe("422 invalid-entry");
    expect(await refused({}, utf8("hello"))).toBe("422 invalid-entry");
    expect(await refused({}, new Uint8Array(0))).toBe("422 invalid-entry");
    expect(await refused({}, Uint8Array.of(0xff))).toBe("400 malformed");
  });

  test("when it is larger than 16 MiB, or not called JSON", async () => {
    const declared = { tamper: { "content-length": String(16 * 1024 * 1024 + 1) } };
    expect(await refused(declared)).toBe("413 too-large");
    expect(await refused({ tamper: { "content-type": "text/plain" } })).toBe("415 unsupported-media-type");
  });
});
