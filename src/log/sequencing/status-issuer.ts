// Issues the status (docs/formats.md, "Registration") with an online key, where the trust root allows that: right after every entry that
// changes what is in force, in the same commit, and again before the newest one grows old.
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import type { Status } from "../../protocol/entry/status.ts";
import {
  makeEnvelope,
  preAuthEncoding,
  type VerifiedEnvelope,
  verifyEnvelope,
} from "../../protocol/envelope/dsse.ts";
import type { Statement } from "../../protocol/envelope/statement.ts";
import { isAheadOfClock } from "../../protocol/registration/document-times.ts";
import { draftStatus } from "../../protocol/registration/draft-status.ts";
import { currentTrustRoot, type InForce, isKeyRevoked } from "../../protocol/registration/in-force.ts";

/** A key that signs DSSE payloads. */
export interface StatusSigner {
  /** Hex SHA-256 of its SPKI DER. */
  readonly keyId: string;
  /** The signature as DSSE holds it: 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

const DAY_MS = 86_400_000;

export class StatusIssuer {
  readonly #signer: StatusSigner;
  readonly #keys = new KeyRing();
  readonly #clock: () => Date;
  #newest: Status | null = null;

  constructor(signer: StatusSigner, clock: () => Date) {
    this.#signer = signer;
    this.#clock = clock;
  }

  /** Takes note of an entry that is in the log. */
  observe(statement: Statement): void {
    if (statement.kind === "status") this.#newest = statement.predicate;
  }

  /**
   * Whether a status should follow: something changed since the newest one, or it is a day old or has half of its life behind it, or its
   * time is ahead of the clock.
   */
  isDue(inForce: InForce): boolean {
    if (!this.isAllowed(inForce)) return false;
    const newest = this.#newest;
    if (newest === null || inForce.changedAt > newest.treeSize) return true;
    const issued = Date.parse(newest.issuedAt);
    const life = Date.parse(newest.expires) - issued;
    if (isAheadOfClock(new Date(issued), this.#clock())) return true;
    return this.#clock().getTime() >= issued + Math.min(life / 2, DAY_MS);
  }

  /**
   * The next status, signed, or null when none is due.
   * @param drawIndex gives the root of the index at this size, hex, or null where it is not to be had yet: then none is issued.
   */
  async next(inForce: InForce, drawIndex: () => Promise<string | null>): Promise<VerifiedEnvelope | null> {
    const root = currentTrustRoot(inForce)?.root;
    if (root === undefined || !this.isDue(inForce)) return null;
    const indexRoot = root.index ? await drawIndex() : null;
    if (root.index && indexRoot === null) return null;
    const payload = draftStatus(inForce, this.#clock(), indexRoot);
    const signature = await this.#signer.sign(preAuthEncoding(payload));
    await this.#keys.add(root.keys);
    return verifyEnvelope(
      makeEnvelope(payload, [{ keyId: this.#signer.keyId, signature }]),
      this.#keys.lookup,
    );
  }

  /** Whether the trust root in force lets this key issue statuses, by itself. */
  isAllowed(inForce: InForce): boolean {
    const root = currentTrustRoot(inForce)?.root;
    if (root === undefined || root.successor !== null) return false;
    const { keys, threshold } = root.roles.status;
    return (
      threshold === 1 &&
      keys.includes(this.#signer.keyId) &&
      !isKeyRevoked(inForce.revokedKeys, this.#signer.keyId, inForce.size)
    );
  }
}
