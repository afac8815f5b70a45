// Bundles beside images in a registry: attached so that others see them, found whatever the registry says of them, and never believed.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decodeUtf8, utf8 } from "../../../src/protocol/encoding/text.ts";
import { credentialsFor } from "../../../src/publisher/oci/credentials.ts";
import { parseImageReference } from "../../../src/publisher/oci/image-reference.ts";
import { attachBundle, BUNDLE_TYPE, findBundles } from "../../../src/publisher/oci/referrers.ts";
import { digestOf, Registry } from "../../../src/publisher/oci/registry.ts";
import { FakeRegistry } from "../../support/fake-registry.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const bundle = utf8('{"this":"stands for a bundle"}');
const about = { origin: "log.example/one", policy: "production" };
let fake: FakeRegistry;
let image: string;
const client = (credentials: string | null = null, registry = "registry.example") =>
  new Registry({ registry, name: "acme/guest", fetch: fake.fetch, credentials });
const texts = async (found: Promise<Uint8Array[]>) => (await found).map(decodeUtf8);

beforeEach(() => {
  fake = new FakeRegistry();
  image = fake.push(utf8('{"schemaVersion":2,"layers":[]}'), MANIFEST);
});

describe("attaching", () => {
  test.each([true, false])("is seen by who looks for it (referrers API: %s)", async (referrers) => {
    fake.referrers = referrers;
    const attached = await attachBundle(client(), image, bundle, about);
    expect(attached.tagged).toBe(!referrers);
    expect(await texts(findBundles(client(), image))).toEqual([decodeUtf8(bundle)]);
    const manifest = JSON.parse(decodeUtf8(fake.manifests.get(attached.digest)!.bytes));
    expect(manifest).toMatchObject({
      artifactType: BUNDLE_TYPE,
      subject: { mediaType: MANIFEST, digest: image, size: 31 },
      layers: [{ mediaType: BUNDLE_TYPE, digest: digestOf(bundle), size: bundle.length }],
      annotations: { "dev.touchstone.origin": "log.example/one", "dev.touchstone.policy": "production" },
    });
  });

  test("twice lists it once; another one beside it is kept", async () => {
    fake.referrers = false;
    await attachBundle(client(), image, bundle, about);
    await attachBundle(client(), image, bundle, about);
    await attachBundle(client(), image, utf8("{}x"), about);
    expect(await texts(findBundles(client(), image))).toEqual([decodeUtf8(bundle), "{}x"]);
  });

  test("to an image that is not there is refused, and uploads nothing", async () => {
    await expect(attachBundle(client(), digestOf(utf8("other")), bundle, about)).rejects.toThrow(
      /push the image first/,
    );
    expect(fake.blobs.size).toBe(0);
  });
});

describe("finding", () => {
  test("where nobody attached anything finds nothing", async () => {
    expect(await findBundles(client(), image)).toEqual([]);
    fake.referrers = false;
    expect(await findBundles(client(), image)).toEqual([]);
  });

  test("leaves out what refers to another image, is of another type, or has another layer beside it", async () => {
    const { digest } = await attachBundle(client(), image, bundle, about);
    const manifest = JSON.parse(decodeUtf8(fake.manifests.get(digest)!.bytes));
    const push = (change: object) => {
      const bytes = utf8(JSON.stringify({ ...manifest, ...change }));
      return { mediaType: MANIFEST, digest: fake.push(bytes, MANIFEST), size: bytes.length };
    };
    const others = [
      push({ subject: { ...manifest.subject, digest: digestOf(utf8("another image")) } }),
      push({ artifactType: "application/vnd.example.sbom" }),
      push({ layers: [...manifest.layers, ...manifest.layers] }),
      push({ layers: [{ ...manifest.layers[0], size: 9 * 1024 * 1024 }] }),
      push({ layers: [{ ...manifest.layers[0], digest: "../../../v2/other/blobs/x" }] }),
    ];
    fake.referrers = false;
    fake.push(utf8(JSON.stringify({ manifests: others })), "", `sha256-${image.slice(7)}`);
    expect(await findBundles(client(), image)).toEqual([]);
  });

  test("refuses a layer whose bytes are not those of its digest", async () => {
    await attachBundle(client(), image, bundle, about);
    fake.blobs.set(digestOf(bundle), utf8("something else"));
    await expect(findBundles(client(), image)).rejects.toThrow(/not those of sha256:/);
  });

  test("refuses 33 referrers", async () => {
    for (let i = 0; i < 33; i++) await attachBundle(client(), image, utf8(`{"bundle":${i}}`), about);
    await expect(findBundles(client(), image)).rejects.toThrow(/33 of them/);
  });

  test("reads any JSON of a registry without falling over", async () => {
    fake.referrers = false;
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        fake.push(utf8(text), "", `sha256-${image.slice(7)}`);
        expect(await findBundles(client(), image)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

describe("credentials", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "touchstone-docker-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const config = (json: unknown) => writeFileSync(join(folder, "config.json"), JSON.stringify(json));
  const find = () => credentialsFor("registry.example", { DOCKER_CONFIG: folder });

  test("are those of docker's config.json, and go to the registry's own token service alone", async () => {
    const auth = Buffer.from("me:secret").toString("base64");
    config({ auths: { "registry.example": { auth } } });
    fake.credentials = `Basic ${auth}`;
    const registry = client(find());
    await attachBundle(registry, image, bundle, about);
    expect(await texts(findBundles(registry, image))).toEqual([decodeUtf8(bundle)]);
    const sent = fake.seen.filter(({ authorization }) => authorization?.startsWith("Basic"));
    expect(new Set(sent.map(({ line }) => line))).toEqual(new Set(["GET /token"]));
  });

  test("that are wrong are refused with what to do, and stand in no error", async () => {
    fake.credentials = "Basic b3RoZXI6b3RoZXI=";
    const refused = findBundles(client("Basic bWU6c2VjcmV0"), image);
    await expect(refused).rejects.toThrow(/answered 401; log in with docker/);
    await expect(refused).rejects.not.toThrow(/bWU6c2VjcmV0/);
  });

  test("kept by another program are named, none at all is no fault", () => {
    expect(find()).toBeNull();
    config({ credsStore: "desktop" });
    expect(find).toThrow(/docker-credential-desktop, which is not run here/);
    config({ auths: { "registry.example": { auth: "%%%" } } });
    expect(find).toThrow(/not base64/);
  });
});

describe("references of images", () => {
  const digest = `sha256:${"ab".repeat(32)}`;

  test.each([
    [`ghcr.io/acme/guest@${digest}`, "ghcr.io", "acme/guest"],
    [`localhost:5000/guest@${digest}`, "localhost:5000", "guest"],
    [`registry:5000/a/b/c@${digest}`, "registry:5000", "a/b/c"],
  ])("%s is one", (text, registry, name) => {
    expect(parseImageReference(text)).toEqual({ registry, name, digest });
  });

  test.each([
    ["ghcr.io/acme/guest:latest", /names a tag/],
    [`acme/guest@${digest}`, /host of a registry/],
    [`ghcr.io/../v2@${digest}`, /no name of a repository/],
    [`ghcr.io/acme/guest@sha256:AB`, /64 lower-case hex/],
    [`ghcr.io/acme/guest@${digest}@${digest}`, /64 lower-case hex/],
    ["", /names a tag/],
  ])("%s is none", (text, why) => {
    expect(() => parseImageReference(text)).toThrow(why);
  });
});
