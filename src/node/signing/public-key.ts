// Reads public keys of people, as they hand them over: `touchstone key show`, or SPKI as PEM or base64.
import { importPublicKey, signatureAlgorithmOf } from "../../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { holdsPrivateKey } from "../../protocol/encoding/private-key-text.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";

const FORMAT = "public key";
const PEM = /-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]{1,400})-----END PUBLIC KEY-----/g;

/**
 * Reads one key that a trust root can give to a role.
 * @returns its SPKI DER.
 * @throws MalformedError, also where a private key was handed over, and the message does not repeat it.
 */
export async function readPublicKey(bytes: Uint8Array): Promise<Uint8Array> {
  const text = decodeUtf8(bytes);
  if (holdsPrivateKey(text))
    throw new MalformedError(
      FORMAT,
      "it holds a private key, which should have stayed where it was; its public half is shown by 'touchstone key show'",
    );
  const blocks = [...text.matchAll(PEM)].map(([, body]) => body ?? "");
  if (blocks.length > 1)
    throw new MalformedError(FORMAT, `it holds ${blocks.length} keys: one file for each`);
  const spki = decodeBase64((blocks[0] ?? text).replace(/\s/g, ""));
  if (!["ed25519", "ecdsa-p256-sha256"].includes(signatureAlgorithmOf(spki) ?? ""))
    throw new MalformedError(
      FORMAT,
      "entries are signed with Ed25519, or ECDSA P-256 with an uncompressed point",
    );
  return (await importPublicKey(spki)).spki;
}
