// Seals and opens the chunks of a reply, under keys that only the two ends of its request can derive (RFC 9458 §4.4).
import { concatBytes } from "../../protocol/encoding/bytes.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { RESPONSE_NONCE_LENGTH, TAG_LENGTH } from "./suite.ts";

/** The code of a message that was not sealed for whoever opens it, or was changed since. */
export type SealedCode = "sealed-message";

/** Bytes of the nonce of AES-GCM. */
const NONCE_LENGTH = 12;

/** What the context of a request exports (RFC 9180 §5.3), for either end. */
export interface Exporter {
  Export(label: Uint8Array, length: number): Promise<Uint8Array>;
}

/** Chunk after chunk, each under a nonce of its own: one that is swapped, repeated or left out does not open. */
export class ResponseCipher {
  readonly #key: CryptoKey;
  readonly #base: Uint8Array;
  #count = 0;

  private constructor(key: CryptoKey, base: Uint8Array) {
    this.#key = key;
    this.#base = base;
  }

  /** @param encapsulated the key in the request; @param nonce the 16 bytes with which the reply begins. */
  static async derive(
    context: Exporter,
    label: string,
    encapsulated: Uint8Array,
    nonce: Uint8Array,
  ): Promise<ResponseCipher> {
    const secret = await context.Export(utf8(label), RESPONSE_NONCE_LENGTH);
    const ikm = await crypto.subtle.importKey("raw", secret.slice(), "HKDF", false, ["deriveBits"]);
    const salt = concatBytes(encapsulated, nonce).slice();
    const expand = (info: string, length: number) =>
      crypto.subtle.deriveBits(
        { name: "HKDF", hash: "SHA-256", salt, info: utf8(info).slice() },
        ikm,
        length * 8,
      );
    const [raw, base] = await Promise.all([expand("key", 16), expand("nonce", NONCE_LENGTH)]);
    const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
    return new ResponseCipher(key, new Uint8Array(base));
  }

  async seal(chunk: Uint8Array, additionalData: Uint8Array): Promise<Uint8Array> {
    const sealed = await crypto.subtle.encrypt(this.#next(additionalData), this.#key, chunk.slice());
    return new Uint8Array(sealed);
  }

  /** @throws VerificationError "sealed-message". */
  async open(chunk: Uint8Array, additionalData: Uint8Array): Promise<Uint8Array> {
    const algorithm = this.#next(additionalData);
    try {
      if (chunk.length < TAG_LENGTH) throw new Error("it is too short");
      return new Uint8Array(await crypto.subtle.decrypt(algorithm, this.#key, chunk.slice()));
    } catch {
      throw new VerificationError<SealedCode>(
        "sealed-message",
        `the reply does not open from chunk ${this.#count - 1} on: it was changed, or cut, or is of another request`,
      );
    }
  }

  /** The nonce is counted up before anybody waits, so that no two chunks share one. */
  #next(additionalData: Uint8Array): AesGcmParams {
    const iv = this.#base.slice();
    const view = new DataView(iv.buffer);
    // The count is of 32 bits, and the draft's of 96: no reply has so many chunks.
    view.setUint32(8, view.getUint32(8) ^ this.#count);
    this.#count++;
    if (this.#count > 0xffff_ffff) throw new RangeError("a reply of more than 2^32 chunks");
    return { name: "AES-GCM", iv, additionalData: additionalData.slice() };
  }
}
