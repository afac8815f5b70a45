// Keeps the keys that requests are sealed to: in memory only, one after the other, so that whoever gets hold of one can open no more than
// a day of what he recorded.
import type { GatewayKeys } from "../../sealed/oblivious-http/gateway.ts";
import type { KeyConfiguration } from "../../sealed/oblivious-http/key-configuration.ts";
import { SUITE } from "../../sealed/oblivious-http/suite.ts";

const HOUR = 3_600_000;
/** Milliseconds that a key is the current one. */
export const ROTATION = 24 * HOUR;
/** Milliseconds that it opens requests after that, which were sealed to it before. */
export const GRACE = HOUR;

/** Makes evidence about a public key available from now on. @returns what to call when the key opens nothing any more. */
type Vouch = (publicKey: Uint8Array) => () => void;

interface Key extends KeyConfiguration {
  readonly keys: GatewayKeys;
  /** Ends what `vouch` began. */
  readonly withdraw: () => void;
  /** When it stops opening anything, in milliseconds. */
  readonly until: number;
}

export class RotatingKeys {
  readonly #now: () => Date;
  readonly #vouch: Vouch;
  /** In the order of their numbers: those that still open, the current one, the next one. */
  #keys: readonly Key[];
  #count: number;
  #rotateAt: number;
  #rotating: Promise<void> = Promise.resolve();

  private constructor(now: () => Date, vouch: Vouch, keys: readonly Key[], rotateAt: number) {
    this.#now = now;
    this.#vouch = vouch;
    this.#keys = keys;
    this.#count = keys.length;
    this.#rotateAt = rotateAt;
  }

  static async make(now: () => Date, vouch: Vouch): Promise<RotatingKeys> {
    const rotateAt = now().getTime() + ROTATION;
    const keys = [await makeKey(0, rotateAt, vouch), await makeKey(1, rotateAt + ROTATION, vouch)];
    return new RotatingKeys(now, vouch, keys, rotateAt);
  }

  /**
   * Makes the next key the current one when it is time, and lets go of those that open no more. Call it now and then, also when nobody
   * asks: a key that is not there cannot be taken.
   */
  rotate(): Promise<void> {
    // One after the other: of two that begin at once, the second finds the work done.
    this.#rotating = this.#rotating.then(() => this.#rotate());
    return this.#rotating;
  }

  async #rotate(): Promise<void> {
    const now = this.#now().getTime();
    while (now >= this.#rotateAt) {
      this.#rotateAt += ROTATION;
      const number = this.#count++;
      const next = await makeKey(number % 256, this.#rotateAt + ROTATION, this.#vouch);
      this.#keys = [...this.#keys, next];
    }
    for (const { until, withdraw } of this.#keys) if (now >= until) withdraw();
    this.#keys = this.#keys.filter(({ until }) => now < until);
  }

  /** The current key, and the next one, which clients may appraise beforehand. */
  get published(): readonly KeyConfiguration[] {
    return this.#keys.slice(-2).map(({ id, publicKey }) => ({ id, publicKey }));
  }

  /** The pair of keys that opens requests to this number. */
  find(id: number): GatewayKeys | undefined {
    const now = this.#now().getTime();
    return this.#keys.find((key) => key.id === id && now < key.until)?.keys;
  }
}

/** @param last when it stops being the current one. */
async function makeKey(id: number, last: number, vouch: Vouch): Promise<Key> {
  const keys = await SUITE.GenerateKeyPair(false);
  const publicKey = await SUITE.SerializePublicKey(keys.publicKey);
  return { id, keys, publicKey, withdraw: vouch(publicKey), until: last + GRACE };
}
