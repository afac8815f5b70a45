// Follows the trust roots of a log from the one that is pinned: each next one is believed because thresholds of the one before it and of its
// own signed it, wherever it was found (docs/formats.md, "Registration").
import { KeyRing } from "../protocol/cryptography/key-ring.ts";
import { keyIdOf } from "../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../protocol/encoding/base64.ts";
import type { TrustRoot } from "../protocol/entry/trust-root.ts";
import { type Envelope, verifyEnvelope } from "../protocol/envelope/dsse.ts";
import { MalformedError, PolicyError, VerificationError } from "../protocol/errors.ts";
import { authoriseTrustRoot } from "../protocol/registration/authorisation.ts";
import { checkTrustRootUsable } from "../protocol/registration/succession.ts";

export class FollowedTrust {
  #newest: Envelope | null;

  /** @param newest the envelope of a trust root that is believed already; null takes the log's own entry 0, on first use. */
  constructor(newest: Envelope | null) {
    this.#newest = newest;
  }

  get envelope(): Envelope | null {
    return this.#newest;
  }

  get root(): TrustRoot | null {
    return this.#newest && rootIn(this.#newest);
  }

  /** Takes a trust root if it is the next one. What is none, or is signed by too few, changes nothing. */
  async offer(envelope: Envelope): Promise<void> {
    const next = rootIn(envelope);
    if (next === null || !this.#follows(next)) return;
    try {
      checkTrustRootUsable(next, new Set(next.keys.map((spki) => keyIdOf(decodeBase64(spki)))));
      const keys = new KeyRing();
      await keys.add([...(this.root?.keys ?? []), ...next.keys]);
      authoriseTrustRoot(this.root, next, await verifyEnvelope(envelope, keys.lookup));
      this.#newest = envelope;
    } catch (error) {
      const isRefused =
        error instanceof PolicyError || error instanceof VerificationError || error instanceof MalformedError;
      if (!isRefused) throw error;
    }
  }

  #follows(next: TrustRoot): boolean {
    const { root } = this;
    if (root === null) return next.version === 1;
    return (
      next.version === root.version + 1 &&
      next.previous === this.#newest?.payloadDigest &&
      next.origin === root.origin
    );
  }
}

function rootIn({ statement }: Envelope): TrustRoot | null {
  return statement.kind === "trust-root" ? statement.predicate : null;
}
