// Gives statuses the root of the index that they state: draws it for one that is issued here, and waits for the index where one was drafted
// elsewhere, which registration then holds against ours.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { Envelope } from "../../protocol/envelope/dsse.ts";
import type { LogIndex } from "../index/log-index.ts";
import type { Observer } from "../observer.ts";
import type { PendingBatch } from "./pending-batch.ts";
import type { Recorder } from "./recorder.ts";

export class IndexOfStatuses {
  readonly #index: Pick<LogIndex, "rootWith" | "reach"> | undefined;
  readonly #recorder: Pick<Recorder, "state">;
  readonly #observer: Pick<Observer, "measure">;

  /** @param index of a process that has a file for it. */
  constructor(
    index: Pick<LogIndex, "rootWith" | "reach"> | undefined,
    recorder: Pick<Recorder, "state">,
    observer: Pick<Observer, "measure">,
  ) {
    this.#index = index;
    this.#recorder = recorder;
    this.#observer = observer;
  }

  /**
   * The root over the log and this batch, hex, which is drawn while nothing else can be recorded.
   * @returns null where it is not to be had yet.
   */
  async draw(batch: Pick<PendingBatch, "accepted" | "drawIndex">): Promise<string | null> {
    if (this.#index === undefined) return null;
    const begun = performance.now();
    const leaves = batch.accepted.map(({ envelope }) => envelope.leaf);
    const root = await this.#index.rootWith(this.#recorder.state.head.size, leaves);
    if (root === null) return null;
    this.#observer.measure("index-ms", performance.now() - begun);
    const stated = encodeHex(root);
    batch.drawIndex(stated);
    return stated;
  }

  /** Waits until the index covers what the statuses among these state. */
  async reach(envelopes: readonly Pick<Envelope, "statement">[]): Promise<void> {
    for (const { statement } of envelopes) {
      const stated = statement.kind === "status" ? statement.predicate.index : null;
      if (stated !== null && stated.size <= this.#recorder.state.head.size)
        await this.#index?.reach(stated.size);
    }
  }
}
