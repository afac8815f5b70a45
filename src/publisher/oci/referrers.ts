// Attaches policy bundles to images as OCI referrers (image-spec 1.1, distribution-spec 1.1), and finds them again. A registry is transport:
// whoever may push may attach, and a registry may hide. What is found is verified from the pin, and finding nothing means "ask the log".
import { decodeUtf8, utf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { DIGEST } from "./image-reference.ts";
import { member } from "./json-member.ts";
import { digestOf, type Registry } from "./registry.ts";

export const BUNDLE_TYPE = "application/vnd.touchstone.policy-bundle+json";
const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const MANIFESTS = [
  MANIFEST_TYPE,
  INDEX_TYPE,
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");
/** The empty descriptor of the image-spec: two bytes, `{}`. */
const EMPTY = utf8("{}");
const EMPTY_TYPE = "application/vnd.oci.empty.v1+json";

/** More referrers than this nobody looks at. */
const MAX_REFERRERS = 32;
const MAX_REFERRER_MANIFEST = 65_536;
const MAX_BUNDLE = 8 * 1_048_576;

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/**
 * Pushes the bundle as a referrer of an image.
 * @param digest of the image's manifest; @param about what an observer sees without reading the bundle.
 * @returns the digest of the referrer's manifest, and whether the tag scheme was needed to make it visible.
 */
export async function attachBundle(
  registry: Registry,
  digest: string,
  bundle: Uint8Array,
  about: { readonly origin: string; readonly policy: string },
): Promise<{ digest: string; tagged: boolean }> {
  const subject = await describeSubject(registry, digest);
  await registry.upload(EMPTY);
  await registry.upload(bundle);
  const manifest = utf8(JSON.stringify(manifestOf(subject, bundle, about)));
  const own = digestOf(manifest);
  const lists = (await askReferrers(registry, digest)) !== null;
  const answer = await registry.putManifest(own, manifest, MANIFEST_TYPE);
  // A registry that knows referrers says so here or lists them; one that does neither shows a push to nobody, unless its client keeps the tag.
  const tagged = !lists && answer.headers.get("oci-subject") === null;
  if (tagged)
    await addToTag(registry, digest, { mediaType: MANIFEST_TYPE, digest: own, size: manifest.length });
  return { digest: own, tagged };
}

/** The bundles that refer to an image, as they lie there: nothing about them is verified but their digests. */
export async function findBundles(registry: Registry, digest: string): Promise<Uint8Array[]> {
  const listed = (await askReferrers(registry, digest)) ?? (await readTag(registry, digest)) ?? [];
  if (listed.length > MAX_REFERRERS)
    throw new MalformedError(
      "referrers",
      `${listed.length} of them, and at most ${MAX_REFERRERS} are looked at: fetch the bundle from the log`,
    );
  const bundles: Uint8Array[] = [];
  for (const referrer of listed) {
    const bundle = await readReferrer(registry, digest, referrer);
    if (bundle !== null) bundles.push(bundle);
  }
  return bundles;
}

async function describeSubject(registry: Registry, digest: string): Promise<Descriptor> {
  const manifest = await registry.manifest(digest, MANIFESTS);
  if (manifest === null)
    throw new MalformedError("image", `the registry has no manifest ${digest}: push the image first`);
  return { mediaType: manifest.type, digest, size: manifest.bytes.length };
}

function manifestOf(
  subject: Descriptor,
  bundle: Uint8Array,
  { origin, policy }: { readonly origin: string; readonly policy: string },
) {
  return {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    artifactType: BUNDLE_TYPE,
    config: { mediaType: EMPTY_TYPE, digest: digestOf(EMPTY), size: EMPTY.length, data: "e30=" },
    layers: [
      {
        mediaType: BUNDLE_TYPE,
        digest: digestOf(bundle),
        size: bundle.length,
        annotations: { "org.opencontainers.image.title": "policy-bundle.json" },
      },
    ],
    subject,
    annotations: { "dev.touchstone.origin": origin, "dev.touchstone.policy": policy },
  };
}

/** null where the registry has no such list. */
async function askReferrers(registry: Registry, digest: string): Promise<Descriptor[] | null> {
  const answer = await registry.ask(`referrers/${digest}`, { accept: INDEX_TYPE, limit: MAX_BUNDLE });
  return answer && readIndex(answer.body);
}

/** The tag scheme of distribution-spec 1.1, for registries without referrers. */
async function readTag(registry: Registry, digest: string): Promise<Descriptor[] | null> {
  const index = await registry.manifest(tagOf(digest), INDEX_TYPE);
  return index && readIndex(index.bytes);
}

async function addToTag(registry: Registry, digest: string, added: Descriptor): Promise<void> {
  const before = (await readTag(registry, digest)) ?? [];
  const manifests = [
    ...before.filter((other) => other.digest !== added.digest),
    { ...added, artifactType: BUNDLE_TYPE },
  ];
  const index = utf8(JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests }));
  await registry.putManifest(tagOf(digest), index, INDEX_TYPE);
}

function tagOf(digest: string): string {
  return digest.replace(":", "-");
}

/** What a list says of `artifactType` is not believed: registries state it wrongly, so each manifest is looked at. */
async function readReferrer(
  registry: Registry,
  subject: string,
  { digest }: Descriptor,
): Promise<Uint8Array | null> {
  const answer = await registry.ask(`manifests/${digest}`, {
    accept: MANIFEST_TYPE,
    limit: MAX_REFERRER_MANIFEST,
  });
  if (answer === null || digestOf(answer.body) !== digest) return null;
  const manifest = readJson(answer.body);
  const [layer, ...more] = asList(member(manifest, "layers"));
  const described = asDescriptor(layer);
  if (
    member(manifest, "artifactType") !== BUNDLE_TYPE ||
    member(member(manifest, "subject"), "digest") !== subject
  )
    return null;
  if (described?.mediaType !== BUNDLE_TYPE || more.length > 0 || described.size > MAX_BUNDLE) return null;
  return registry.blob(described.digest, MAX_BUNDLE);
}

function readIndex(bytes: Uint8Array): Descriptor[] {
  return asList(member(readJson(bytes), "manifests")).flatMap((entry) => asDescriptor(entry) ?? []);
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch {
    throw new MalformedError("registry's answer", "not JSON");
  }
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Its digest goes into a path, so it is one or it is not there. */
function asDescriptor(value: unknown): Descriptor | undefined {
  const [mediaType, digest, size] = ["mediaType", "digest", "size"].map((name) => member(value, name));
  if (typeof mediaType !== "string" || typeof digest !== "string" || typeof size !== "number")
    return undefined;
  return DIGEST.test(digest) ? { mediaType, digest, size } : undefined;
}
