// Asks a TLS server for its certificate and nothing else. Whether its key belongs to a trustworthy machine is decided by the evidence,
// not by a certificate authority, and nothing is sent before it is decided.
import { connect as tlsConnect } from "node:tls";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { parseRaTlsCertificate } from "../../verifier/ra-tls/ra-tls-certificate.ts";

export interface RaTlsPeer {
  readonly certificateDer: Uint8Array;
  /** DER SubjectPublicKeyInfo of the certificate, whose private key the server used in this handshake. */
  readonly spki: Uint8Array;
}

export interface ConnectOptions {
  readonly timeoutMs: number;
  /**
   * A challenge of 32 bytes, sent as the server name (there is no other place before the certificate). A server that attests on demand
   * answers with a certificate made for it; any other ignores it and then fails a policy that wants a nonce.
   */
  readonly nonce?: Uint8Array;
}

/** `<32 hex digits>.<32 hex digits>.touchstone.invalid`: a DNS label holds at most 63 characters. */
export function challengeServerName(nonce: Uint8Array): string {
  const hex = encodeHex(nonce);
  return `${hex.slice(0, 32)}.${hex.slice(32)}.touchstone.invalid`;
}

/**
 * Completes a TLS 1.3 handshake with the server and closes the connection without sending a byte of application data. The handshake
 * proves that the server holds the certificate's key.
 * @throws Error when the server cannot be reached in time or the handshake fails; MalformedError when its certificate is not strict DER.
 */
export async function fetchRaTlsEvidence(
  host: string,
  port: number,
  { timeoutMs, nonce }: ConnectOptions,
): Promise<RaTlsPeer> {
  const certificateDer = await new Promise<Uint8Array>((resolve, reject) => {
    const socket = tlsConnect({
      host,
      port,
      minVersion: "TLSv1.3",
      rejectUnauthorized: false,
      ...(nonce && { servername: challengeServerName(nonce) }),
    });
    const deadline = setTimeout(
      () => socket.destroy(new Error(`${host}:${port} did not answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    socket.once("close", () => clearTimeout(deadline));
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      const raw = socket.getPeerX509Certificate()?.raw;
      socket.destroy();
      if (raw === undefined) reject(new Error(`${host}:${port} showed no certificate`));
      else resolve(Uint8Array.from(raw));
    });
  });
  return { certificateDer, spki: parseRaTlsCertificate(certificateDer).spki };
}
