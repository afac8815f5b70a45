// Holds the public keys for which this machine vouches: the key of the TLS front end, and HPKE keys of its own, which come and go.
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";

export class ChannelKeys {
  /** SPKI DER; null where no TLS front end is vouched for. */
  readonly tls: Uint8Array | null;
  readonly #hpke = new Map<string, Uint8Array>();

  constructor(tls: Uint8Array | null) {
    this.tls = tls;
  }

  /** Vouches for a raw HPKE public key from now on, until what is returned is called. */
  registerHpke(key: Uint8Array): () => void {
    const digest = encodeHex(sha256(key));
    this.#hpke.set(digest, key);
    return () => void this.#hpke.delete(digest);
  }

  /** @param digest hex of the SHA-256 of the raw key. */
  findHpke(digest: string): Uint8Array | null {
    return this.#hpke.get(digest) ?? null;
  }
}
