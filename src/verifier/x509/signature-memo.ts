// Remembers whether a key signed some bytes for as long as one appraisal takes. The devices of a machine share issuers and their answers,
// and every profile asks about revocation again: one signature is verified once.
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { SignedDer } from "./signed-der.ts";

interface Verified {
  readonly signedBytes: Uint8Array;
  readonly spki: Uint8Array;
  readonly found: Promise<boolean>;
}

/** Made for one appraisal and dropped with it: a signature that did not verify is remembered too. */
export class SignatureMemo {
  readonly #known = new Map<string, Verified[]>();

  /** What was found of exactly these bytes, signature, algorithm and key, or what `verify` finds now. */
  once(
    { signedBytes, algorithm, signature }: SignedDer,
    spki: Uint8Array,
    verify: () => Promise<boolean>,
  ): Promise<boolean> {
    const key = `${algorithm} ${encodeHex(signature)}`;
    const known = this.#known.get(key) ?? [];
    const same = known.find((one) => equalBytes(one.spki, spki) && equalBytes(one.signedBytes, signedBytes));
    if (same !== undefined) return same.found;
    const found = verify();
    this.#known.set(key, [...known, { signedBytes, spki, found }]);
    return found;
  }
}
