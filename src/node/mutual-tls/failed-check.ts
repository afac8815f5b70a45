// Names the check of TLS by which a connection was refused, from the codes of Node.js and OpenSSL (X509_STORE_CTX_get_error(3)).
import type { TLSSocket } from "node:tls";

const NOT_OF_THE_AUTHORITY = "the other end's certificate is not one of the authority in cluster.tls.ca";

/** The code of an error that is this program's own. */
export const NO_TLS = "ERR_ADDRESS_WITHOUT_TLS";

const CHECKS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "the other end's certificate, or that of its authority, has expired",
  CERT_NOT_YET_VALID: "the other end's certificate, or that of its authority, is not valid yet",
  CERT_SIGNATURE_FAILURE: NOT_OF_THE_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: NOT_OF_THE_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: NOT_OF_THE_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: NOT_OF_THE_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_OF_THE_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_OF_THE_AUTHORITY,
  INVALID_CA: "a certificate that is none of an authority has issued the other end's",
  INVALID_PURPOSE: "the other end's certificate is not for this use (extendedKeyUsage)",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "the other end's certificate is not for the name or address in its cluster.advertise",
  [NO_TLS]: "the other end's cluster.advertise is not https: configure cluster.tls there",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "the other end shows no certificate",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "the other end demands a certificate: configure cluster.tls",
  ERR_SSL_HTTP_REQUEST: "the other end speaks HTTP without TLS: configure cluster.tls there",
  ERR_SSL_WRONG_VERSION_NUMBER: "the other end does not speak TLS: configure cluster.tls there",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the other end does not speak TLS: configure cluster.tls there",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "the other end speaks no TLS 1.3",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: "the other end speaks no TLS 1.3",
};

/** Null where it was no check that failed: nobody answered, or went away. */
export function failedCheckOf(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    const check = code === undefined ? undefined : CHECKS[code];
    if (check !== undefined) return check;
    if (code?.startsWith("ERR_SSL_")) return `TLS fails with ${code}`;
  }
  return null;
}

/** What a server tells of a client: Node.js cuts one off whose certificate it does not take as if it had gone, and says why beside that. */
export function refusalOf(
  error: Error,
  { authorizationError }: Pick<TLSSocket, "authorizationError">,
): Error {
  // It is a code, whatever its type says.
  const code: unknown = authorizationError;
  return typeof code === "string" ? Object.assign(new Error(code, { cause: error }), { code }) : error;
}
