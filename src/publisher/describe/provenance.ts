// Reads SLSA provenance v1 (slsa.dev/spec/v1.0/provenance) in a DSSE envelope, as a build service hands it over: alone, or in a sigstore
// bundle, whose certificate and log proof are not looked at. It is linked to a release by digest: one of its subjects must be an
// artefact of that release. Unknown members are ignored, as in-toto asks.
import { createHash } from "node:crypto";
import * as z from "zod";
import { importPublicKey, type PublicKey, verifySignature } from "../../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { likeness } from "../../protocol/encoding/recognise.ts";
import { readAs } from "../../protocol/encoding/shape.ts";
import { builderId } from "../../protocol/entry/release.shape.ts";
import { PAYLOAD_TYPE, preAuthEncoding } from "../../protocol/envelope/dsse.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import type { Subject } from "../../protocol/envelope/statement.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { rawEcdsaSignature } from "../../verifier/x509/der.ts";
import { zodOf } from "../zod-of.ts";
import type { DescribeCode } from "./describe-code.ts";
import { withFile } from "./files/random-access.ts";

const FORMAT = "SLSA provenance";
const MAX_PROVENANCE = 8 * 1024 * 1024;

const envelope = z.object({
  payloadType: z.literal(PAYLOAD_TYPE),
  payload: z.string(),
  signatures: z
    .array(z.object({ sig: z.string().max(1024) }))
    .min(1)
    .max(32),
});

/** sigstore's protobuf-specs, Bundle in JSON, of any version; GitHub and cosign hand it over. */
const sigstoreBundle = z.object({
  mediaType: z.string().regex(/^application\/vnd\.dev\.sigstore\.bundle[.+]/),
  dsseEnvelope: z.unknown().optional(),
});

const digests = z.record(z.string(), z.string().max(256));
const statement = z.object({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  predicateType: z.literal("https://slsa.dev/provenance/v1"),
  subject: z
    .array(z.object({ digest: digests }))
    .min(1)
    .max(10_000),
  predicate: z.object({
    buildDefinition: z.object({ buildType: z.string().min(1) }),
    runDetails: z.object({ builder: z.object({ id: zodOf(builderId) }) }),
  }),
});

/** What an entry states of its provenance. */
export interface ProvenanceLink {
  /** SHA-256 of the file, hex. */
  readonly sha256: string;
  readonly builderId: string;
  /** Id of the key that a signature was checked with; null when no key was given and nothing was checked. */
  readonly verifiedWith: string | null;
}

/**
 * Reads the provenance at `path` and checks that it is about one of `artefacts`.
 * @param key SPKI DER of the builder's key; without one, signatures are not checked, and the link says so.
 * @throws MalformedError when it is not such an envelope; VerificationError "provenance-other-artefact" when no subject is
 * among the artefacts, "provenance-signature" when no signature verifies under the key.
 */
export async function linkProvenance(
  path: string,
  artefacts: readonly Subject[],
  key?: Uint8Array,
): Promise<ProvenanceLink> {
  const bytes = await withFile(path, FORMAT, async (file) => {
    if (file.size > MAX_PROVENANCE)
      throw file.malformed(`${file.size} bytes, at most ${MAX_PROVENANCE} are read`, 0);
    return await file.read(0, file.size, "the provenance");
  });
  const format = `${FORMAT} ${path}`;
  const { payload, signatures } = readAs(envelope, envelopeIn(parse(bytes, format), format), format);
  const content = decodeBase64(payload);
  const stated = readAs(statement, parse(content, format), format);
  if (!stated.subject.some(({ digest }) => artefacts.some((artefact) => isSame(digest, artefact))))
    throw new VerificationError<DescribeCode>(
      "provenance-other-artefact",
      `${path}: no subject of it is an artefact of this release`,
    );
  const publicKey = key === undefined ? null : await importPublicKey(key);
  if (publicKey !== null) await verifyAny(path, publicKey, content, signatures);
  return {
    sha256: createHash("sha256").update(bytes).digest("hex"),
    builderId: stated.predicate.runDetails.builder.id,
    verifiedWith: publicKey?.keyId ?? null,
  };
}

/** The envelope in a sigstore bundle; any other document is taken for the envelope itself. */
function envelopeIn(document: unknown, format: string): unknown {
  const bundle = sigstoreBundle.safeParse(document);
  if (!bundle.success) return document;
  if (bundle.data.dsseEnvelope !== undefined) return bundle.data.dsseEnvelope;
  throw new MalformedError(
    format,
    "a sigstore bundle over a file (messageSignature) states no provenance: give the one with a dsseEnvelope",
  );
}

/** One JSON text. Attestations come as JSON lines too, of which a release means one. */
function parse(bytes: Uint8Array, format: string): unknown {
  try {
    return parseJson(bytes, MAX_PROVENANCE);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    const lines = new TextDecoder()
      .decode(bytes)
      .split("\n")
      .filter((line) => line.startsWith("{"));
    const why =
      lines.length > 1
        ? `${lines.length} JSON lines: give the one about this release`
        : error.message + likeness(bytes, "json", "envelope");
    throw new MalformedError(format, why);
  }
}

/** Equal SHA-256, and no other digest that both state differs. */
function isSame(digest: Readonly<Record<string, string>>, artefact: Subject): boolean {
  if (digest.sha256?.toLowerCase() !== artefact.digest.sha256) return false;
  const { sha384 } = artefact.digest;
  return sha384 === undefined || digest.sha384 === undefined || digest.sha384.toLowerCase() === sha384;
}

async function verifyAny(
  path: string,
  key: PublicKey,
  payload: Uint8Array,
  signatures: readonly { readonly sig: string }[],
): Promise<void> {
  const message = preAuthEncoding(payload);
  for (const { sig } of signatures) {
    const signature = toRaw(key, decodeBase64(sig));
    if (signature !== null && (await verifySignature(key, message, signature))) return;
  }
  throw new VerificationError<DescribeCode>(
    "provenance-signature",
    `${path}: no signature of it verifies under key ${key.keyId}`,
  );
}

/** Build services write ECDSA signatures in DER; WebCrypto wants r‖s. Null: it is neither. */
function toRaw(key: PublicKey, signature: Uint8Array): Uint8Array | null {
  const half = { ed25519: 32, "ecdsa-p256-sha256": 32, "ecdsa-p384-sha384": 48 }[key.algorithm];
  if (signature.length === 2 * half) return signature;
  try {
    return rawEcdsaSignature(signature, half);
  } catch {
    return null;
  }
}
