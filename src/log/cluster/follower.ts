// Follows a log that another process writes: shows what that one publishes, and knows what is recorded and not published yet, so that a
// revocation counts here as soon as it is durable. Nothing that the store says of a checkpoint is shown before it is verified.
import { setTimeout as sleep } from "node:timers/promises";
import { nativeSha256 } from "../../node/sha256.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { parseLeaf } from "../../protocol/envelope/dsse.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import { type Checkpoint, openCheckpoint, parseCheckpoint } from "../../protocol/note/checkpoint.ts";
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
import type { ClusterStore } from "../store/leadership.ts";
import type { LogReader, PublishedCheckpoint, Seen, TreeHead } from "../store/log-store.ts";
import { GrowingTree } from "../tree/growing-tree.ts";
import { CaughtUp } from "./caught-up.ts";
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
  /** Of the entries that `registered` follows from; null: it is read when it is needed. */
  #tree: GrowingTree | null = null;
  #seen: Seen = { size: 0, cosignedAt: null };
  /** What reads now, and what reads next for those who came since that began. */
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;
  readonly #caughtUp: CaughtUp;
  #hasRead = false;

  constructor(store: Pick<ClusterStore, "reader" | "primarySize">, publication: Publication) {
    this.#reader = store.reader;
    this.#caughtUp = new CaughtUp(store.primarySize);
    this.#publication = publication;
    this.#base = publication.newest?.inForce ?? NOTHING_IN_FORCE;
    this.#registered = this.#base;
  }

  /** What is in force after everything that the store held when it was read last. */
  get registered(): InForce {
    return this.#registered;
  }

  /** Whether the store was read, so that `registered` is more than what is published. */
  get hasRead(): boolean {
    return this.#hasRead;
  }

  /** Everything is known that was committed before this, milliseconds of `performance.now`; negative infinity before it is known. */
  get reachedAt(): number {
    return this.#caughtUp.at;
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
    const asked = this.#caughtUp.ask();
    // In this order: a head that is read after a checkpoint covers it.
    const newest = await this.#reader.newestCheckpoint();
    const head = await this.#reader.head();
    if (this.#publication.newest === null) await this.#begin(newest);
    else if (head.size < this.#registered.size) this.#forget();
    await this.#catchUp(newest, head);
    if (newest !== undefined && newest.note !== this.#publication.newest?.note) await this.#show(newest);
    this.#seen = { size: head.size, cosignedAt: newest?.cosignedAt ?? null };
    this.#hasRead = true;
    await asked;
    this.#caughtUp.read(head.size);
  }

  /** As long as nothing is shown: what is in force is loaded, and no entry is read that it does not follow from. */
  async #begin(newest: PublishedCheckpoint | undefined): Promise<void> {
    this.#base = await loadInForce(this.#reader, newest?.size ?? 0);
    this.#forget();
  }

  /** What is known beyond what is published is read anew. */
  #forget(): void {
    this.#ahead = [];
    this.#registered = this.#base;
    this.#tree = null;
  }

  /**
   * Applies the entries up to the head. A database that failed over may have taken back what it showed and nobody was told of, so that
   * what was applied is held against the root of what is there.
   */
  async #catchUp(newest: PublishedCheckpoint | undefined, { size, root }: TreeHead): Promise<void> {
    this.#tree ??= await this.#baseTree(newest);
    for (let from = this.#registered.size; from < size; from = this.#registered.size) {
      const leaves = await this.#reader.readLeaves(from, Math.min(size, from + PAGE));
      if (leaves.length === 0)
        throw new UntrueStoreError(`the store has ${size} entries, but no entry ${from}`);
      for (const leaf of leaves) this.#apply(this.#tree, leaf);
      // The tiles are the leader's to store.
      this.#tree.takeWrites();
    }
    if (this.#tree.size !== size || equalBytes(this.#tree.root(), root)) return;
    this.#forget();
    throw new UntrueStoreError("the store took back entries that it had shown; they are read anew");
  }

  async #baseTree(newest: PublishedCheckpoint | undefined): Promise<GrowingTree> {
    const base = this.#publication.newest?.checkpoint ?? (newest && checkpointIn(newest));
    return base === undefined ? GrowingTree.empty() : GrowingTree.load(this.#reader, base);
  }

  #apply(tree: GrowingTree, leaf: Uint8Array): void {
    const entry = { ...parseLeaf(leaf), index: this.#registered.size };
    this.#registered = applyEntry(this.#registered, entry);
    this.#ahead.push(entry);
    tree.append(hashLeaf(leaf, nativeSha256));
  }

  /** Verifies a checkpoint: the log's signature, and that the tiles lead to its root. */
  async #show(published: PublishedCheckpoint): Promise<void> {
    const { note, cosignedAt } = published;
    const { size } = checkpointIn(published);
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

function checkpointIn({ note }: PublishedCheckpoint): Checkpoint {
  return parseCheckpoint(parseNote(note).text);
}
