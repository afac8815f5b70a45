// Keeps threads that verify signatures, one for each core. They are started when there is something to do for them.
import { availableParallelism } from "node:os";
import { SMALL_HEAP, Thread, type ThreadError } from "../../node/thread.ts";
import type { PublicKey, VerifySignature } from "../../protocol/cryptography/signature.ts";
import { concatBytes } from "../../protocol/encoding/bytes.ts";
import type { VerifyCall } from "./signature-thread.ts";

/** Reading an entry and applying the rules takes nearly half of a verification: the one thread that does it would keep no more of them busy. */
const MOST = 4;
/** From so many entries on threads pay: each takes as much to start as 400 verifications, and then a tenth less than Node's pool for each. */
const WORTH_THREADS = 8192;

interface Waiting {
  readonly key: PublicKey;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  resolve(verifies: boolean): void;
  reject(error: Error): void;
}

interface Verifying {
  readonly thread: Thread<VerifyCall>;
  calls: number;
}

export class SignatureThreads {
  readonly count: number;
  /** How many entries are worth threads. */
  readonly worthFrom: number;
  readonly #source: URL;
  #threads: Verifying[] = [];
  #waiting: Waiting[] = [];

  /** @param source what runs in them. */
  constructor(
    count = Math.min(availableParallelism(), MOST),
    worthFrom = WORTH_THREADS,
    source = new URL("./signature-thread.ts", import.meta.url),
  ) {
    this.#source = source;
    this.count = count;
    this.worthFrom = count > 1 ? worthFrom : Number.POSITIVE_INFINITY;
  }

  /** What is asked for in one turn is handed over together. Rejects when a thread failed. */
  readonly verify: VerifySignature = (key, message, signature) =>
    new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) queueMicrotask(() => this.#send());
      this.#waiting.push({ key, message, signature, resolve, reject });
    });

  async #send(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      const answers = await this.#ask(callOf(waiting));
      for (const [i, { resolve }] of waiting.entries()) resolve(answers[i] === true);
    } catch (error) {
      const { message } = error as Error;
      const why = `a thread that verifies signatures failed, so nothing is known of them: ${message}`;
      for (const { reject } of waiting) reject(new Error(why, { cause: error }));
    }
  }

  async #ask(call: VerifyCall): Promise<readonly boolean[]> {
    const chosen = this.#leastBusy();
    chosen.calls++;
    try {
      return (await chosen.thread.call(call, [call.bytes.buffer])) as readonly boolean[];
    } finally {
      chosen.calls--;
    }
  }

  #leastBusy(): Verifying {
    const idle = this.#threads.find(({ calls }) => calls === 0);
    if (idle !== undefined) return idle;
    if (this.#threads.length < this.count)
      this.#threads.push({ thread: startThread(this.#source), calls: 0 });
    return this.#threads.reduce((least, one) => (one.calls < least.calls ? one : least));
  }

  /** Ends the threads once they have answered; later calls start new ones. */
  async close(): Promise<void> {
    const threads = this.#threads;
    this.#threads = [];
    await Promise.all(threads.map(({ thread }) => thread.close()));
  }
}

/** Each key and each message once, however many signatures there are of them. */
function callOf(waiting: readonly Waiting[]): VerifyCall {
  const keys = new Map<PublicKey, number>();
  const messages = new Map<Uint8Array, number>();
  const signatures = waiting.map(({ key, message, signature }) => ({
    key: placeOf(key, keys),
    message: placeOf(message, messages),
    length: signature.length,
  }));
  const bytes = concatBytes(...messages.keys(), ...waiting.map(({ signature }) => signature));
  return {
    keys: [...keys.keys()],
    bytes: bytes as Uint8Array<ArrayBuffer>,
    messages: [...messages.keys()].map(({ length }) => length),
    signatures,
  };
}

function placeOf<T>(item: T, places: Map<T, number>): number {
  const place = places.get(item) ?? places.size;
  places.set(item, place);
  return place;
}

function startThread(source: URL): Thread<VerifyCall> {
  const revive = ({ name, message }: ThreadError) => new Error(`${name}: ${message}`);
  return new Thread<VerifyCall>(source, null, revive, SMALL_HEAP);
}
