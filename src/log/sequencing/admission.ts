// Bounds what is under way between being read and being durable. Beyond that the log refuses at once, and holds no memory.
import type { Envelope } from "../../protocol/envelope/dsse.ts";
import { LogUnavailableError } from "../errors.ts";

export class Admission {
  readonly #limits: { readonly maxPendingEntries: number; readonly maxPendingBytes: number };
  #entries = 0;
  #bytes = 0;

  constructor(limits: { readonly maxPendingEntries: number; readonly maxPendingBytes: number }) {
    this.#limits = limits;
  }

  /** Entries under way. */
  get pending(): number {
    return this.#entries;
  }

  /** Lets envelopes in. @returns what lets them out again, once. @throws LogUnavailableError "queue-full". */
  reserve(envelopes: readonly Pick<Envelope, "leaf">[]): () => void {
    const entries = envelopes.length;
    const bytes = envelopes.reduce((sum, { leaf }) => sum + leaf.length, 0);
    const { maxPendingEntries, maxPendingBytes } = this.#limits;
    // A batch that exceeds the bounds alone still gets in when nothing else is there.
    const exceeds = this.#entries + entries > maxPendingEntries || this.#bytes + bytes > maxPendingBytes;
    if (exceeds && this.#entries > 0) {
      throw new LogUnavailableError(
        "queue-full",
        `${this.#entries} entries are waiting to be committed; try again soon`,
      );
    }
    this.#entries += entries;
    this.#bytes += bytes;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#entries -= entries;
      this.#bytes -= bytes;
    };
  }
}
