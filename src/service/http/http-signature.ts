// HTTP message signatures, RFC 9421, in one small profile, for uploads that carry no signature of their own.
//
//   Content-Digest:  sha-256=:<base64>:                                               (RFC 9530, of the body)
//   Signature-Input: sig=("@method" "@path" "content-digest");created=<unix>;keyid="<key id>";alg="ed25519"
//   Signature:       sig=:<base64, 64 bytes>:
//
// Exactly these fields, one signature, any label. The components are these three in any order; "@target-uri" may stand for "@path".
// The parameters are created (within 300 s of the service's clock), keyid (hex SHA-256 of the SPKI DER) and alg (ed25519, or
// ecdsa-p256-sha256 with r‖s), each once, in any order. Everything else is refused. The signature base, which is what is signed:
//
//   "@method": PUT
//   "@path": /v1/attachments/sha256/<hex>
//   "content-digest": sha-256=:<base64>:
//   "@signature-params": <the value of Signature-Input after "sig=">
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { verifySignature } from "../../protocol/cryptography/signature.ts";
import { decodeBase64, encodeBase64 } from "../../protocol/encoding/base64.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import type { KeyLookup } from "../../protocol/envelope/dsse.ts";
import { MalformedError, PolicyError, VerificationError } from "../../protocol/errors.ts";

const FORMAT = "HTTP signature";
/** How far `created` may be from the service's clock, seconds. */
export const MAX_SIGNATURE_AGE = 300;

const LABEL = "[a-z*][a-z0-9_.*-]{0,63}";
const PARAMETER = /;([a-z]+)=("[\x20-\x21\x23-\x5b\x5d-\x7e]*"|[0-9]{1,15})/g;
const INPUT = new RegExp(`^(${LABEL})=(\\(("[a-z@-]+"(?: "[a-z@-]+"){2})\\)((?:${PARAMETER.source}){3}))$`);
const SIGNATURE = new RegExp(`^(${LABEL})=:([A-Za-z0-9+/]{86}==):$`);

export interface SignedRequest {
  readonly method: string;
  /** Path as it was sent, percent-encoding included. */
  readonly path: string;
  /** Scheme, host, path and query as clients know them. */
  readonly targetUri: string;
  readonly header: (name: string) => string | undefined;
  readonly body: Uint8Array;
}

interface SignatureInput {
  readonly label: string;
  readonly components: readonly string[];
  /** The value that `@signature-params` has in the signature base. */
  readonly parameters: string;
  readonly created: number;
  readonly keyId: string;
  readonly algorithm: string;
}

/** Why the signature of a request is refused. */
export type RequestCode = "signature-missing" | "signature-unknown-key" | "signature-invalid";
/** The code of a signature that was made too long ago, or by another clock. */
export type RequestPolicyCode = "signature-expired";

/**
 * Verifies the signature of a request and the digest of its body.
 * @returns the id of the key that signed.
 * @throws MalformedError "HTTP signature" when the fields are not of this profile, or the digest is not that of the body.
 * @throws VerificationError "signature-missing" | "signature-unknown-key" | "signature-invalid"; PolicyError "signature-expired".
 */
export async function verifyRequest(request: SignedRequest, keys: KeyLookup, now: Date): Promise<string> {
  const signatureField = request.header("signature");
  const inputField = request.header("signature-input");
  if (signatureField === undefined || inputField === undefined) {
    throw new VerificationError<RequestCode>(
      "signature-missing",
      "sign the request as docs/formats.md says (RFC 9421)",
    );
  }
  const input = parseSignatureInput(inputField);
  const signature = parseSignature(signatureField, input.label);
  requireDigest(request);
  if (Math.abs(now.getTime() / 1000 - input.created) > MAX_SIGNATURE_AGE) {
    throw new PolicyError<RequestPolicyCode>(
      "signature-expired",
      `created is more than ${MAX_SIGNATURE_AGE} s from now; sign the request again`,
    );
  }
  const key = keys(input.keyId);
  if (key === undefined) {
    throw new VerificationError<RequestCode>(
      "signature-unknown-key",
      `key ${input.keyId} is not in the trust root; sign with a key that is`,
    );
  }
  const message = utf8(signatureBase(request, input));
  if (key.algorithm !== input.algorithm || !(await verifySignature(key, message, signature))) {
    throw new VerificationError<RequestCode>(
      "signature-invalid",
      `the signature by key ${input.keyId} does not verify; sign the request again`,
    );
  }
  return input.keyId;
}

function parseSignatureInput(field: string): SignatureInput {
  const [, label, parameters, list = "", rest = ""] = INPUT.exec(field) ?? fail("Signature-Input");
  const components = list.split(" ").map((item) => item.slice(1, -1));
  if (!covers(components))
    fail('Signature-Input: cover "@method", "@path" (or "@target-uri") and "content-digest"');
  const values = new Map([...rest.matchAll(PARAMETER)].map(([, name, value]) => [name, value ?? ""]));
  const [created = "", keyId = "", alg = ""] = ["created", "keyid", "alg"].map((name) => values.get(name));
  if (!/^[0-9]+$/.test(created)) fail("Signature-Input: created");
  if (!/^"[0-9a-f]{64}"$/.test(keyId)) fail("Signature-Input: keyid");
  if (!/^"(?:ed25519|ecdsa-p256-sha256)"$/.test(alg)) fail("Signature-Input: alg");
  return {
    label: label ?? "",
    components,
    parameters: parameters ?? "",
    created: Number(created),
    keyId: keyId.slice(1, -1),
    algorithm: alg.slice(1, -1),
  };
}

function covers(components: readonly string[]): boolean {
  const one = (...names: string[]) =>
    components.filter((component) => names.includes(component)).length === 1;
  return one("@method") && one("@path", "@target-uri") && one("content-digest");
}

function parseSignature(field: string, expectedLabel: string): Uint8Array {
  const [, label, signature = ""] = SIGNATURE.exec(field) ?? fail("Signature");
  if (label !== expectedLabel) fail("Signature: its label is not that of Signature-Input");
  return decodeBase64(signature);
}

/** Content-Digest is what binds the body to the signature. */
function requireDigest({ header, body }: SignedRequest): void {
  if (header("content-digest") !== contentDigest(body)) fail("Content-Digest is not the SHA-256 of the body");
}

/** The value of Content-Digest for a body (RFC 9530). */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=:${encodeBase64(sha256(body))}:`;
}

function signatureBase(request: SignedRequest, { components, parameters }: SignatureInput): string {
  const value: Readonly<Record<string, string>> = {
    "@method": request.method,
    "@path": request.path,
    "@target-uri": request.targetUri,
    "content-digest": request.header("content-digest") ?? "",
  };
  const lines = components.map((component) => `"${component}": ${value[component]}`);
  return [...lines, `"@signature-params": ${parameters}`].join("\n");
}

function fail(what: string): never {
  throw new MalformedError(FORMAT, `${what}: not as docs/formats.md says`);
}
