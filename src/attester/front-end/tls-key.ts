// Makes the key by which the front end ends TLS, and a certificate for it. It is in memory only: a key in a file is a key that may leave the
// machine, and with it everything that evidence about it says.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { encodeBase64 } from "../../protocol/encoding/base64.ts";

export interface TlsKey {
  /** PEM. */
  readonly key: string;
  readonly certificate: string;
  /** DER of the SubjectPublicKeyInfo: what evidence vouches for. */
  readonly spki: Uint8Array;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY = 86_400_000;

/**
 * A new P-256 key with a certificate that it signs itself, for clients that look at the key and not at who vouches for its name.
 * @param names DNS names and addresses.
 */
export async function makeTlsKey(names: readonly string[], now: Date): Promise<TlsKey> {
  const { subtle } = webcrypto;
  const keys = await subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const alternatives = names.map((value) => ({ type: isIP(value) ? "ip" : "dns", value }) as const);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${names[0]?.slice(0, 64) ?? "touchstone"}`,
    notBefore: new Date(now.getTime() - DAY),
    notAfter: new Date(now.getTime() + 365 * DAY),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new SubjectAlternativeNameExtension(alternatives),
    ],
  });
  const pkcs8 = new Uint8Array(await subtle.exportKey("pkcs8", keys.privateKey));
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${encodeBase64(pkcs8)}\n-----END PRIVATE KEY-----\n`,
    certificate: certificate.toString("pem"),
    spki: new Uint8Array(await subtle.exportKey("spki", keys.publicKey)),
  };
}
