// Follows a log that another process writes: shows what that one publishes, and knows what is recorded and not published yet, so that a
// revocation counts here as soon as it is durable. Nothing that the store says of a checkpoint is shown before it is verified.
import { setTimeout as sleep } from "node:timers/promises";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { parseLeaf } from "../../protocol/envelope/dsse.ts";
import { openCheckpoint, parseCheckpoint } from "../../protocol/note/checkpoint.ts";
import { parseNote } from "../../protocol/note/signed-note.ts";
import { logKeyOf } from "../../protocol/note/tlog-policy.ts";
import {
  applyEntry,
  currentTrustRoot,
  type InForce,
  NOTHING_IN_FORCE,
  type PlacedEntry,
} from "../../protocol/registration/in-force.ts";
import type { Publication, Published } from "../checkpointing/publication.ts";
import type { Logger } from "../observer.ts";
import { loadInForce } from "../sequencing/load-in-force.ts";
import type { LogReader, PublishedCheckpoint, Seen } from "../store/log-store.ts";
import { GrowingTree } from "../tree/growing-tree.ts";
import type { LeaderWatch } from "./leader-watch.ts";

/** Entries that are read in one call of the store. */
const PAGE = 512;
/** Milliseconds: between two looks where the store says nothing, and after one that failed. */
const LOOK_MS = 1_000;
const RETRY_MS = 1_000;

export interface Following {
  readonly signal: AbortSignal;
  /** Asked with every look. */
  readonly watch: Pick<LeaderWatch, "ask">;
  readonly logger: Logger;
}

/** Whom the store contradicts: itself, or what it said before. */
export class UntrueStoreError extends Error {
  override readonly name = "UntrueStoreError";
}

export class Follower {
  readonly #reader: LogReader;
  readonly #publication: Publication;
  /** What is in force at the published size, and the entries that follow it, as far as they are known. */
  #base: InForce;
  #ahead: PlacedEntry[] = [];
  #registered: InForce;
  #seen: Seen = { size: 0, cosignedAt: null };
  /** What reads now, and what reads next for those who came since that began. */
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;
  #reachedAt = Number.NEGATIVE_INFINITY;

  constructor(reader: LogReader, publication: Publication) {
    this.#reader = reader;
    this.#publication = publication;
    this.#base = publication.newest?.inForce ?? NOTHING_IN_FORCE;
    this.#registered = this.#base;
  }

  /** What is in force after everything that the store held when it was read last. */
  get registered(): InForce {
    return this.#registered;
  }

  /** When everything was read last, milliseconds of `performance.now`; negative infinity before. */
  get reachedAt(): number {
    return this.#reachedAt;
  }

  /** Reads what is new: all that was there when it was called. Those who call it meanwhile share one more reading. */
  refresh(): Promise<void> {
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      const reading = this.#refresh();
      this.#running = reading.catch(() => undefined);
      return reading;
    });
    return this.#next;
  }

  /** Reads what is new as soon as the store says that there may be something, until it is told to stop. */
  async follow({ signal, watch, logger }: Following): Promise<void> {
    let said = "";
    while (!signal.aborted) {
      try {
        await this.refresh();
        await watch.ask();
        said = "";
        await this.#reader.changed(this.#seen, LOOK_MS, signal);
      } catch (error) {
        const { message } = error as Error;
        if (!signal.aborted && said !== message)
          logger.warn({ err: error }, "the log cannot be followed; it is tried again");
        said = message;
        await sleep(RETRY_MS, null, { signal }).catch(() => null);
      }
    }
  }

  async #refresh(): Promise<void> {
    const begun = performance.now();
    // In this order: a head that is read after a checkpoint covers it.
    const newest = await this.#reader.newestCheckpoint();
    const head = await this.#reader.head();
    await this.#catchUp(newest?.size ?? 0, head.size);
    if (newest !== undefined && newest.note !== this.#publication.newest?.note) await this.#show(newest);
    this.#seen = { size: head.size, cosignedAt: newest?.cosignedAt ?? null };
    this.#reachedAt = begun;
  }

  /** Applies the entries up to the head; of a log that was not followed before, those that what is in force follows from. */
  async #catchUp(published: number, size: number): Promise<void> {
    const isNew = this.#base.size === 0 && this.#ahead.length === 0;
    if (isNew) this.#base = await loadInForce(this.#reader, published);
    if (isNew) this.#registered = this.#base;
    for (let from = this.#registered.size; from < size; from = this.#registered.size) {
      const leaves = await this.#reader.readLeaves(from, Math.min(size, from + PAGE));
      if (leaves.length === 0)
        throw new UntrueStoreError(`the store has ${size} entries, but no entry ${from}`);
      for (const leaf of leaves) this.#apply({ ...parseLeaf(leaf), index: this.#registered.size });
    }
  }

  #apply(entry: PlacedEntry): void {
    this.#registered = applyEntry(this.#registered, entry);
    this.#ahead.push(entry);
  }

  /** Verifies a checkpoint: the log's signature, and that the tiles lead to its root. */
  async #show({ note, cosignedAt }: PublishedCheckpoint): Promise<void> {
    const { size } = parseCheckpoint(parseNote(note).text);
    const newest = this.#publication.newest;
    if (size < this.#publication.size)
      throw new UntrueStoreError(
        `the store went back: it shows size ${size}, after ${this.#publication.size}`,
      );
    if (size > this.#registered.size) return;
    const inForce = this.#ahead.slice(0, size - this.#base.size).reduce(applyEntry, this.#base);
    const root = currentTrustRoot(inForce)?.root;
    if (root === undefined) throw new UntrueStoreError("the store has a checkpoint and no trust root");
    const checkpoint = await openCheckpoint(note, logKeyOf(root.logPolicy));
    if (newest?.checkpoint.size === size && !equalBytes(newest.checkpoint.root, checkpoint.root))
      throw new UntrueStoreError(`the store shows two trees of size ${size}`);
    const edge = (await GrowingTree.load(this.#reader, checkpoint)).edge();
    const shown: Published = { checkpoint, note, cosignedAt: new Date(cosignedAt * 1000), inForce, edge };
    this.#publication.offer(shown);
    this.#ahead.splice(0, size - this.#base.size);
    this.#base = inForce;
  }
}
