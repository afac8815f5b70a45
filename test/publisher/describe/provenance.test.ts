import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { preAuthEncoding } from "../../../src/protocol/envelope/dsse.ts";
import { linkProvenance } from "../../../src/publisher/describe/provenance.ts";
import { describeReal, realDataPath } from "../../support/real-data.ts";
import { malformedOf, outcomeOf } from "../../support/refusals.ts";
import { scratchFolder } from "./scratch-folder.ts";

const folder = scratchFolder();
const SHA = "ab".repeat(32);
const artefacts = [{ name: "bzImage", digest: { sha256: SHA } }];
const statement = {
  _type: "https://in-toto.io/Statement/v1",
  subject: [
    { name: "other", digest: { sha256: "cd".repeat(32) } },
    { name: "bzImage", digest: { sha256: SHA, sha1: "ef" } },
  ],
  predicateType: "https://slsa.dev/provenance/v1",
  predicate: {
    buildDefinition: { buildType: "https://example.com/build", externalParameters: {} },
    runDetails: { builder: { id: "https://ci.acme.example/runner" }, metadata: { invocationId: "1" } },
  },
};
const keys = {
  ed25519: generateKeyPairSync("ed25519"),
  p256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  p384: generateKeyPairSync("ec", { namedCurve: "P-384" }),
};
const spkiOf = (key: KeyObject) => new Uint8Array(key.export({ type: "spki", format: "der" }));

let count = 0;
function provenance(
  content: unknown = statement,
  sigs: (message: Uint8Array) => Uint8Array[] = () => [new Uint8Array(64)],
  more = {},
): string {
  const payload = Buffer.from(JSON.stringify(content));
  const signatures = sigs(preAuthEncoding(payload)).map((sig) => ({
    keyid: "",
    sig: Buffer.from(sig).toString("base64"),
  }));
  return folder.write(
    `provenance-${count++}.json`,
    JSON.stringify({
      payloadType: "application/vnd.in-toto+json",
      payload: payload.toString("base64"),
      signatures,
      ...more,
    }),
  );
}

describe("a SLSA provenance", () => {
  it("is linked by the digest of its file, and says that no signature was checked when no key is given", async () => {
    const path = provenance();
    const link = await linkProvenance(path, artefacts);
    expect(link).toEqual({
      sha256: createHash("sha256").update(readFileSync(path)).digest("hex"),
      builderId: "https://ci.acme.example/runner",
      verifiedWith: null,
    });
  });

  it.each([
    ["Ed25519", keys.ed25519, null, "ieee-p1363"],
    ["P-256 in DER, as Sigstore writes it", keys.p256, "sha256", "der"],
    ["P-256 as r‖s", keys.p256, "sha256", "ieee-p1363"],
    ["P-384 in DER", keys.p384, "sha384", "der"],
  ] as const)("is verified with a key: %s", async (_name, pair, hash, dsaEncoding) => {
    const path = provenance(statement, (message) => [
      new Uint8Array(70),
      sign(hash, message, { key: pair.privateKey, dsaEncoding }),
    ]);
    const spki = spkiOf(pair.publicKey);
    const link = await linkProvenance(path, artefacts, spki);
    expect(link.verifiedWith).toBe(createHash("sha256").update(spki).digest("hex"));
  });

  it.each([
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
  ])("is read out of a sigstore bundle (%s), and verified with a key", async (mediaType) => {
    const bare = provenance(statement, (message) => [sign("sha256", message, keys.p256.privateKey)]);
    const dsseEnvelope = JSON.parse(readFileSync(bare, "utf8")) as unknown;
    const bundle = { mediaType, verificationMaterial: { tlogEntries: [] }, dsseEnvelope };
    const path = folder.write(`bundle-${count++}.jsonl`, `${JSON.stringify(bundle)}\n`);
    const link = await linkProvenance(path, artefacts, spkiOf(keys.p256.publicKey));
    expect(link).toMatchObject({
      sha256: createHash("sha256").update(readFileSync(path)).digest("hex"),
      builderId: "https://ci.acme.example/runner",
    });
    expect(link.verifiedWith).not.toBeNull();
    expect(await outcomeOf(() => linkProvenance(path, artefacts, spkiOf(keys.ed25519.publicKey)))).toBe(
      "provenance-signature",
    );
  });

  it.each([
    [
      "a sigstore bundle over a file",
      JSON.stringify({ mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", messageSignature: {} }),
      /give the one with a dsseEnvelope/,
    ],
    ["attestations in several lines", '{"a":1}\n{"b":2}\n', /2 JSON lines: give the one about this release/],
    ["noise", "noise", /JSON: .*\(at 0\)/],
  ])("is refused with the remedy: %s", async (_what, content, message) => {
    const path = folder.write(`refused-${count++}.json`, content);
    const error = await malformedOf(() => linkProvenance(path, artefacts));
    expect(error?.message).toMatch(message);
    expect(error?.message).toContain(path);
  });

  it("is refused when no signature of it verifies under the key", async () => {
    const path = provenance(statement, (message) => [sign(null, message, keys.ed25519.privateKey)]);
    expect(await outcomeOf(() => linkProvenance(path, artefacts, spkiOf(keys.p256.publicKey)))).toBe(
      "provenance-signature",
    );
    const other = generateKeyPairSync("ed25519");
    expect(await outcomeOf(() => linkProvenance(path, artefacts, spkiOf(other.publicKey)))).toBe(
      "provenance-signature",
    );
  });

  it("is refused when it is about another artefact, or contradicts one digest of it", async () => {
    const others = [{ name: "bzImage", digest: { sha256: "00".repeat(32) } }];
    expect(await outcomeOf(() => linkProvenance(provenance(), others))).toBe("provenance-other-artefact");
    const measured = [{ name: "gsp", digest: { sha256: SHA, sha384: "11".repeat(48) } }];
    const claims = { ...statement, subject: [{ digest: { sha256: SHA, sha384: "22".repeat(48) } }] };
    expect(await outcomeOf(() => linkProvenance(provenance(claims), measured))).toBe(
      "provenance-other-artefact",
    );
  });

  it.each([
    ["another payload type", provenance(statement, undefined, { payloadType: "text/plain" })],
    ["no signatures", provenance(statement, () => [])],
    ["another statement type", provenance({ ...statement, _type: "https://in-toto.io/Statement/v0.1" })],
    ["another predicate", provenance({ ...statement, predicateType: "https://slsa.dev/provenance/v0.2" })],
    ["no subject", provenance({ ...statement, subject: [] })],
    ["no builder", provenance({ ...statement, predicate: { ...statement.predicate, runDetails: {} } })],
    ["a payload that is no base64", provenance(statement, undefined, { payload: "%" })],
    ["a member twice", folder.write("twice.json", '{"payload":"","payload":""}')],
    ["bytes that are no JSON", folder.write("noise.json", "\u0000")],
  ])("is refused with %s", async (_why, path) => {
    expect(await outcomeOf(() => linkProvenance(path, artefacts))).toBe("malformed");
  });
});

describeReal("a provenance from elsewhere", () => {
  it("provenance-sigstore-bundle: the envelope inside is read, and its signature verifies under the key", async () => {
    const path = (name: string) => realDataPath(`evidence/cases/provenance-sigstore-bundle/${name}`);
    const key = createPublicKey(readFileSync(path("key.pem")));
    const artefact = { name: "a.img", digest: { sha256: SHA } };
    const link = await linkProvenance(path("provenance.json"), [artefact], spkiOf(key));
    expect(link).toMatchObject({ builderId: "https://example.org/w" });
    expect(link.verifiedWith).not.toBeNull();
  });
});
