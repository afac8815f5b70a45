// Verifies the signature on a token with the keys of its provider, which come from the log, never from the token or from the network.
import { decodeBase64Url } from "../encoding/base64url.ts";
import type { ProviderKey } from "../entry/identity-keys.ts";
import { MalformedError, VerificationError } from "../errors.ts";
import { type ReadToken, readToken, type TokenClaims } from "./token.ts";

/** A key of a provider that was imported once and may verify many times. */
export interface TokenKey {
  /** As the log has it. */
  readonly key: ProviderKey;
  readonly cryptoKey: CryptoKey;
}

/** All keys with this id that the log has ever had of this issuer. Which of them counts is for registration to say. */
export type TokenKeyLookup = (issuer: string, kid: string) => readonly TokenKey[];

/** A token whose signature holds. */
export interface Token {
  readonly claims: TokenClaims;
  /** Everything that the provider says, those claims among it. */
  readonly stated: Readonly<Record<string, unknown>>;
  /** The key that signed it. */
  readonly key: ProviderKey;
}

const IMPORT = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
} as const;

const VERIFY = {
  RS256: { name: "RSASSA-PKCS1-v1_5" },
  ES256: { name: "ECDSA", hash: "SHA-256" },
} as const;

/** Bits of a modulus: below, it can be factored; above, verifying takes whoever sends one longer than us. */
const MODULUS = { least: 2048, most: 4096 };

/** @throws MalformedError for one that is no usable key. */
export async function importProviderKey(key: ProviderKey): Promise<TokenKey> {
  const bad = (why: string) => new MalformedError("provider's key", `${key.kid}: ${why}`);
  const { kid: _, ...jwk } = key;
  let cryptoKey: CryptoKey;
  try {
    if (key.kty === "RSA") decodeBase64Url(key.n);
    cryptoKey = await crypto.subtle.importKey("jwk", jwk, IMPORT[key.alg], true, ["verify"]);
  } catch {
    throw bad("not a key");
  }
  const { modulusLength } = cryptoKey.algorithm as Partial<RsaKeyAlgorithm>;
  if (modulusLength !== undefined && (modulusLength < MODULUS.least || modulusLength > MODULUS.most))
    throw bad(`${modulusLength} bits; ${MODULUS.least} to ${MODULUS.most} are taken`);
  return { key, cryptoKey };
}

/** @throws VerificationError "token-invalid", also for what is no token. */
export async function verifyToken(jwt: string, keys: TokenKeyLookup): Promise<Token> {
  const { header, claims, stated, message, signature } = read(jwt);
  const candidates = keys(claims.iss, header.kid).filter(({ key }) => key.alg === header.alg);
  if (candidates.length === 0)
    refuse(
      `the log has no ${header.alg} key ${header.kid} of ${claims.iss}; publish its keys with 'touchstone identity snapshot'`,
    );
  for (const { key, cryptoKey } of candidates)
    if (await verifies(key.alg, cryptoKey, signature, message)) return { claims, stated, key };
  return refuse(`its signature is not by key ${header.kid} of ${claims.iss}`);
}

function read(jwt: string): ReadToken {
  try {
    return readToken(jwt);
  } catch (error) {
    return refuse(error instanceof Error ? error.message : "not readable");
  }
}

function verifies(
  alg: ProviderKey["alg"],
  key: CryptoKey,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> {
  return crypto.subtle.verify(
    VERIFY[alg],
    key,
    signature as Uint8Array<ArrayBuffer>,
    message as Uint8Array<ArrayBuffer>,
  );
}

function refuse(why: string): never {
  throw new VerificationError<"token-invalid">("token-invalid", `the token is not taken: ${why}`);
}
