// Follows a log that another process writes: shows what that one publishes, and knows what is recorded and not published yet, so that a
// revocation counts here as soon as it is durable. Nothing that the store says of a checkpoint is shown before it is verified.
import { setTimeout as sleep } from "node:timers/promises";
import { logVerifier } from "../../node/ed25519.ts";
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

/** What is published: everything that is known beyond it follows from this. */
interface Base {
  readonly inForce: InForce;
  readonly tree: GrowingTree;
}

/** An entry that is not published yet. */
interface Ahead {
  readonly entry: PlacedEntry;
  readonly hash: Uint8Array;
}

export class Follower {
  readonly #reader: LogReader;
  readonly #publication: Publication;
  /** What was published when this began to follow. */
  readonly #start: Published | null;
  #base: Base | null = null;
  /** The entries that follow it, as far as they are known, and what follows from them. */
  #ahead: Ahead[] = [];
  #registered: InForce;
  #tree: GrowingTree = GrowingTree.empty();
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
    this.#start = publication.newest;
    this.#registered = this.#start?.inForce ?? NOTHING_IN_FORCE;
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
        // Nobody waits for who leads to see what is new.
        void watch.ask();
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
    const from = this.#registered.size;
    const { head, checkpoint, leaves } = await this.#reader.news(from, PAGE);
    // What is not shown yet is not verified yet.
    const base = (this.#publication.newest && this.#base) ?? (await this.#begin(checkpoint));
    if (head.size < this.#registered.size) this.#forget(base);
    if (this.#registered.size === from) this.#apply(leaves);
    await this.#catchUp(base, head);
    if (checkpoint !== undefined && checkpoint.note !== this.#publication.newest?.note)
      await this.#show(base, checkpoint);
    this.#seen = { size: head.size, cosignedAt: checkpoint?.cosignedAt ?? null };
    this.#hasRead = true;
    await asked;
    this.#caughtUp.read(head.size);
  }

  /** Loads what is shown already or, where nothing is, what the store's newest checkpoint says: no entry is read that it does not follow from. */
  async #begin(newest: PublishedCheckpoint | undefined): Promise<Base> {
    const checkpoint = this.#start?.checkpoint ?? (newest && checkpointIn(newest));
    const base = {
      inForce: this.#start?.inForce ?? (await loadInForce(this.#reader, checkpoint?.size ?? 0)),
      tree: checkpoint ? await GrowingTree.load(this.#reader, checkpoint) : GrowingTree.empty(),
    };
    this.#base = base;
    this.#forget(base);
    return base;
  }

  /** What is known beyond what is published is read anew. */
  #forget({ inForce, tree }: Base): void {
    this.#ahead = [];
    this.#registered = inForce;
    this.#tree = tree.fork();
  }

  /**
   * Applies what is missing up to the head. A database that failed over may have taken back what it showed and nobody was told of, so that
   * what was applied is held against the root of what is there.
   */
  async #catchUp(base: Base, { size, root }: TreeHead): Promise<void> {
    for (let from = this.#registered.size; from < size; from = this.#registered.size) {
      const leaves = await this.#reader.readLeaves(from, Math.min(size, from + PAGE));
      if (leaves.length === 0)
        throw new UntrueStoreError(`the store has ${size} entries, but no entry ${from}`);
      this.#apply(leaves);
    }
    if (this.#tree.size !== size || equalBytes(this.#tree.root(), root)) return;
    this.#forget(base);
    throw new UntrueStoreError("the store took back entries that it had shown; they are read anew");
  }

  #apply(leaves: readonly Uint8Array[]): void {
    for (const leaf of leaves) {
      const entry = { ...parseLeaf(leaf), index: this.#registered.size };
      const hash = hashLeaf(leaf, nativeSha256);
      this.#registered = applyEntry(this.#registered, entry);
      this.#ahead.push({ entry, hash });
      this.#tree.append(hash);
    }
    // The tiles are the leader's to store.
    this.#tree.takeWrites();
  }

  /** Verifies a checkpoint: the log's signature, and that the entries lead to its root. */
  async #show(base: Base, published: PublishedCheckpoint): Promise<void> {
    const { note, cosignedAt } = published;
    const { size } = checkpointIn(published);
    if (size < this.#publication.size)
      throw new UntrueStoreError(
        `the store went back: it shows size ${size}, after ${this.#publication.size}`,
      );
    if (size > this.#registered.size) return;
    const covered = this.#ahead.slice(0, size - base.inForce.size);
    const inForce = covered.reduce((before, { entry }) => applyEntry(before, entry), base.inForce);
    const root = currentTrustRoot(inForce)?.root;
    if (root === undefined) throw new UntrueStoreError("the store has a checkpoint and no trust root");
    // By this thread: WebCrypto's would have it wait behind the entries of whoever publishes here, and everybody waits for a checkpoint.
    const key = logKeyOf(root.logPolicy);
    const checkpoint = await openCheckpoint(note, key, logVerifier(key));
    const tree = base.tree.fork();
    for (const { hash } of covered) tree.append(hash);
    tree.takeWrites();
    if (tree.size !== size || !equalBytes(tree.root(), checkpoint.root))
      throw new UntrueStoreError(`the store shows two trees of size ${size}`);
    const edge = tree.edge();
    this.#publication.offer({ checkpoint, note, cosignedAt: new Date(cosignedAt * 1000), inForce, edge });
    this.#ahead.splice(0, covered.length);
    this.#base = { inForce, tree };
  }
}

function checkpointIn({ note }: PublishedCheckpoint): Checkpoint {
  return parseCheckpoint(parseNote(note).text);
}
