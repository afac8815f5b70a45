// Defines what signs for a person, a pipeline or a log: it knows its public key and gives 64 bytes, wherever the private half is kept.
import { importPublicKey, type PublicKey, verifySignature } from "../../protocol/cryptography/signature.ts";
import { encodeBase64 } from "../../protocol/encoding/base64.ts";
import { printable } from "../../protocol/errors.ts";

export interface Signer {
  /** Hex SHA-256 of the SPKI DER. */
  readonly keyId: string;
  /** Base64 of the SPKI DER, as a trust root lists it. */
  readonly spki: string;
  /** 64 bytes: Ed25519, or ECDSA P-256 over SHA-256 as r‖s. It may take as long as a person takes to confirm. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** A program, an agent or a token did not sign, or not what it was asked to. */
export class SignerError extends Error {
  override readonly name = "SignerError";

  constructor(signer: string, detail: string) {
    super(printable(`${signer}: ${detail}`));
  }
}

/**
 * A signer whose private half is not in this process. What it gives is verified before anybody uses it.
 * @param name what it is called in errors; @param ask gives the signature in the form that envelopes hold.
 * @throws MalformedError for an SPKI that no trust root can list; signing throws SignerError.
 */
export async function verifiedSigner(
  name: string,
  spki: Uint8Array,
  ask: (message: Uint8Array, key: PublicKey) => Promise<Uint8Array>,
): Promise<Signer> {
  const key = await importPublicKey(spki);
  return {
    keyId: key.keyId,
    spki: encodeBase64(spki),
    sign: async (message) => {
      const signature = await ask(message, key);
      if (await verifySignature(key, message, signature)) return signature;
      throw new SignerError(
        name,
        `its signature is not one of key ${key.keyId} over the message: it signs with another key, or signs something else`,
      );
    },
  };
}
