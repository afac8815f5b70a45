// Says for whom a token is asked: for one log, one key that was made a moment ago, and one payload. Whoever steals it can do nothing else.

/**
 * The `aud` of a token.
 * @param origin of the log; @param keyId of the key that signs the envelope; @param payloadDigest hex SHA-256 of the payload.
 */
export function audienceOf(origin: string, keyId: string, payloadDigest: string): string {
  return `https://${origin}#touchstone-oidc-v1:${keyId}:${payloadDigest}`;
}
