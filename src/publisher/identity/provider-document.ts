// Fetches the keys of a provider of identities: its discovery document (OpenID Connect Discovery 1.0 §4), and the key set that it names
// (RFC 7517 §5). What comes back is for people to look at and sign; nothing is believed for it.
import * as z from "zod";
import { readAs } from "../../protocol/encoding/shape.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { providerKey } from "../../protocol/entry/identity-keys.shape.ts";
import type { ProviderKey } from "../../protocol/entry/identity-keys.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { importProviderKey } from "../../protocol/identity/verify-token.ts";
import { fetchAnswer } from "../../verifier/fetch-answer.ts";
import { RefusedError } from "../../verifier/service-errors.ts";

const MAX_DOCUMENT_BYTES = 64 * 1024;
const MAX_KEY_SET_BYTES = 256 * 1024;
const MAX_KEYS = 32;

const discovery = z.object({ issuer: z.string(), jwks_uri: z.string() });
const keySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(MAX_KEYS) });

export interface PublishedKeys {
  /** Those that tokens may be signed with here. */
  readonly keys: readonly ProviderKey[];
  /** Key ids of others, such as ones for encryption or of another algorithm. */
  readonly leftOut: readonly string[];
}

/**
 * @param issuer as tokens state it in `iss`.
 * @throws MalformedError for documents that are none, of another issuer, or too long; RefusedError for a redirect, which is never
 *   followed, and for every answer but 200; UnreachableError.
 */
export async function fetchProviderKeys(
  issuer: string,
  fetch: typeof globalThis.fetch,
): Promise<PublishedKeys> {
  requireSafe(issuer);
  const location = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const document = readAs(discovery, await getJson(location, MAX_DOCUMENT_BYTES, fetch), location);
  if (document.issuer !== issuer)
    throw new MalformedError(location, `it is of ${document.issuer}, not of ${issuer}`, "/issuer");
  requireSafe(document.jwks_uri);
  const { keys } = readAs(
    keySet,
    await getJson(document.jwks_uri, MAX_KEY_SET_BYTES, fetch),
    document.jwks_uri,
  );
  const read = await Promise.all(keys.map(readKey));
  return {
    keys: read.filter((key) => key !== null),
    leftOut: keys.flatMap((key, i) => (read[i] === null ? [String(key.kid)] : [])),
  };
}

/** A key that signs with RS256 or ES256, or null. */
async function readKey(jwk: Record<string, unknown>): Promise<ProviderKey | null> {
  const { kid, kty, n, e, crv, x, y, use = "sig" } = jwk;
  const own = kty === "RSA" ? { kid, kty, alg: "RS256", n, e } : { kid, kty, alg: "ES256", crv, x, y };
  const { data } = providerKey.safeParse(own);
  if (data === undefined || use !== "sig" || (jwk.alg ?? data.alg) !== data.alg) return null;
  return importProviderKey(data).then(
    () => data,
    () => null,
  );
}

/** @throws MalformedError unless it is HTTPS, or the same machine. */
function requireSafe(url: string): void {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: "", hostname: "" };
  const isLocal = protocol === "http:" && (hostname === "127.0.0.1" || hostname === "localhost");
  if (protocol !== "https:" && !isLocal)
    throw new MalformedError("provider", `${url} is not https: anybody on the way could answer`);
}

async function getJson(url: string, limit: number, fetch: typeof globalThis.fetch): Promise<unknown> {
  const tooLong = () => new MalformedError(url, `longer than ${limit} bytes`);
  const { status, body } = await fetchAnswer(url, { fetch, limit, tooLong, init: { redirect: "manual" } });
  if (status !== 200) throw new RefusedError(status, null, `${url}: answered ${status}`);
  try {
    return JSON.parse(decodeUtf8(body));
  } catch {
    throw new MalformedError(url, "not JSON");
  }
}
