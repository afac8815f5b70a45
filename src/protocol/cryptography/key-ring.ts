// Holds the public keys that a party knows, by key id. Importing is asynchronous and done once a key; looking up is not.
import { decodeBase64 } from "../encoding/base64.ts";
import { importPublicKey, keyIdOf, type PublicKey } from "./signature.ts";

/**
 * @example
 * ```ts
 * import { KeyRing } from "touchstone/protocol";
 * const ring = new KeyRing();
 * await ring.add(["MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]); // SPKI, base64
 * ```
 */
export class KeyRing {
  readonly #keys = new Map<string, PublicKey>();

  /** Imports keys given as base64 of their SPKI DER. @throws MalformedError for one that is no usable key. */
  async add(spkis: readonly string[]): Promise<void> {
    await Promise.all(
      spkis.map(async (spki) => {
        const der = decodeBase64(spki);
        if (this.#keys.has(keyIdOf(der))) return;
        const key = await importPublicKey(der);
        this.#keys.set(key.keyId, key);
      }),
    );
  }

  readonly lookup = (keyId: string): PublicKey | undefined => this.#keys.get(keyId);
}
