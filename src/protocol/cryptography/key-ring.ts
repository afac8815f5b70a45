// Holds the public keys that a party knows: of people and services by key id, of identity providers by issuer and their own id. Importing is
// asynchronous and done once a key; looking up is not.
import { decodeBase64 } from "../encoding/base64.ts";
import type { IdentityKeys } from "../entry/identity-keys.ts";
import { canonicalize } from "../envelope/canonical-json.ts";
import { importProviderKey, type TokenKey, type TokenKeyLookup } from "../identity/verify-token.ts";
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
  /** By issuer and key id, each key once. */
  readonly #providers = new Map<string, Map<string, TokenKey>>();

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

  /** Imports keys of a provider. @throws MalformedError for one that is no usable key. */
  async addProvider({ issuer, keys }: Pick<IdentityKeys, "issuer" | "keys">): Promise<void> {
    const imported = await Promise.all(keys.map(importProviderKey));
    for (const one of imported) {
      const id = `${issuer}\n${one.key.kid}`;
      const known = this.#providers.get(id) ?? new Map<string, TokenKey>();
      this.#providers.set(id, known.set(canonicalize(one.key), one));
    }
  }

  readonly lookup = (keyId: string): PublicKey | undefined => this.#keys.get(keyId);

  readonly providers: TokenKeyLookup = (issuer, kid) => [
    ...(this.#providers.get(`${issuer}\n${kid}`)?.values() ?? []),
  ];
}
