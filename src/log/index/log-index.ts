// Follows the log with its index: adds what is committed, in the background, gives statuses their roots, and answers what the index says as of
// the published status. The file is its own process's alone, and is built again from the log whenever it is not what follows from it.
import { FileError } from "../../node/file-error.ts";
import { nativeSha256 } from "../../node/sha256.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { verifyLookupProof } from "../../protocol/lookup/prefix-tree.ts";
import { currentTrustRoot, type InForce } from "../../protocol/registration/in-force.ts";
import { LogUnavailableError } from "../errors.ts";
import type { Logger } from "../observer.ts";
import type { LogReader } from "../store/log-store.ts";
import { buildAtOnce, leavesOf } from "./build-index.ts";
import type { IndexState, KeyFound } from "./index-file.ts";
import {
  builtSize,
  forgettable,
  hasPassedServed,
  MAX_BEHIND,
  type Moment,
  marksFrom,
  nextStop,
  targetOf,
} from "./index-plan.ts";
import { IndexDamagedError } from "./sealed-row.ts";
import { ThreadedIndex } from "./threaded-index.ts";

export interface LogIndexConfig {
  /** Its file. */
  readonly file: string;
  /** Whether the file is kept though no trust root asks for it yet, so that it is ready when one does. */
  readonly ahead: boolean;
}

/** What the index reads of its log. */
export interface IndexedLog {
  readonly store: LogReader;
  /** Root of the tree over the first `size` entries, which are durable. */
  readonly rootAt: (size: number) => Promise<Uint8Array>;
  /** What is in force after everything durable. */
  readonly registered: () => InForce;
  /** What is in force under the published checkpoint. */
  readonly published: () => InForce;
  /**
   * Whether this process issues the statuses: their indexes are over all that is durable. Otherwise people draft them, at published sizes, and
   * the index stays readable at those.
   */
  readonly issues: () => boolean;
  readonly logger: Logger;
}

/** The index that a status states. */
export interface StatedIndex {
  readonly size: number;
  /** Hex. */
  readonly root: string;
}

export class LogIndex {
  readonly #config: LogIndexConfig;
  readonly #log: IndexedLog;
  #file: ThreadedIndex | null = null;
  #state: IndexState | null = null;
  #following: Promise<void> | null = null;
  #woken = false;
  readonly #closing = new AbortController();
  /** Whether a root is being drawn, perhaps for the trust root that switches the index on, which nothing has registered yet. */
  #wanted = false;
  #failed: Error | null = null;
  /** Entries that are built at once, none of which is covered before all are; 0 while none are. */
  #building = 0;
  /** The size that is served, after the one that was before it: whoever began to read there may end. */
  #served: readonly number[] = [];
  /** Calls whoever waits for the next step. */
  #waiting: Array<() => void> = [];

  constructor(config: LogIndexConfig, log: IndexedLog) {
    this.#config = config;
    this.#log = log;
  }

  /** Entries that the index covers; null while its file is not open. */
  get size(): number | null {
    return this.#state?.size ?? null;
  }

  /** Opens the file where the index is on. @throws FileError for a file that is something else, or in use. */
  async start(): Promise<void> {
    if (!this.#isOn) return;
    try {
      this.#state = await this.#open();
    } catch (error) {
      if (error instanceof FileError) {
        await this.close();
        throw error;
      }
      this.#note(error as Error);
    }
    this.wake();
  }

  /** Takes up what has been committed or published since. */
  wake(): void {
    this.#woken = true;
    if (!this.#closing.signal.aborted) this.#following ??= this.#follow();
  }

  get #isOn(): boolean {
    const root = currentTrustRoot(this.#log.registered())?.root;
    return this.#wanted || this.#config.ahead || root?.index === true;
  }

  /**
   * The root over the first `size` entries, hex, where a status that was drafted elsewhere may state it; undefined for a size that was never
   * published, or whose index is not kept any more.
   * @throws LogUnavailableError "index-not-ready" where the index does not cover that size yet.
   */
  rootAt(size: number): string | undefined {
    if (size > targetOf(this.#moment)) return undefined;
    if (this.#state === null || this.#state.size < size) throw this.#notReady();
    const mark = this.#state.marks.find((one) => one.size === size);
    return mark && encodeHex(mark.root);
  }

  /** The root over the first `size` entries, which are durable, and some more; null where the index is too far behind to be waited for. */
  async rootWith(size: number, leaves: readonly Uint8Array[]): Promise<Uint8Array | null> {
    this.#wanted = true;
    try {
      if (!(await this.reach(size)) || this.#file === null) return null;
      return await this.#file.rootWith(size, leaves);
    } catch (error) {
      if (error instanceof IndexDamagedError) this.#rebuild(error);
      else if (this.#file?.hasEnded === true) this.#openAgain();
      throw error;
    } finally {
      this.#wanted = false;
    }
  }

  /** Waits until the index covers a size of the durable log. @returns false where it is too far behind, or cannot be written. */
  async reach(size: number): Promise<boolean> {
    this.wake();
    while (this.#following !== null && !this.#covers(size)) {
      if (this.#state !== null && Math.max(size, this.#building) - this.#state.size > MAX_BEHIND)
        return false;
      await Promise.race([this.#following, new Promise<void>((resolve) => this.#waiting.push(resolve))]);
    }
    return this.#covers(size);
  }

  #covers(size: number): boolean {
    return this.#state !== null && this.#state.size >= size;
  }

  /**
   * What the index says of a key, at the size of the published status.
   * @param index that the status states.
   * @throws LogUnavailableError "index-not-ready" while it is built.
   */
  async find(key: Uint8Array, index: StatedIndex, limit: number): Promise<KeyFound> {
    const { size } = index;
    const markOf = () => this.#state?.marks.find((mark) => mark.size === size);
    if (markOf() === undefined) await this.reach(size);
    const mark = markOf();
    if (this.#file === null || mark === undefined || encodeHex(mark.root) !== index.root)
      throw this.#notReady();
    try {
      const found = await this.#file.find(key, size, limit);
      verifyLookupProof({ ...found, key, root: mark.root }, found.proof, nativeSha256);
      return found;
    } catch (error) {
      if (this.#file.hasEnded) this.#openAgain();
      else if (error instanceof IndexDamagedError || error instanceof VerificationError)
        this.#rebuild(new IndexDamagedError(error.message));
      else throw error;
      throw this.#notReady();
    }
  }

  /** Builds the file again, since something in it is not as it was written. */
  #rebuild(found: IndexDamagedError): void {
    this.#failed = found;
    this.#openAgain();
  }

  #openAgain(): void {
    this.#state = null;
    this.wake();
  }

  #notReady(): LogUnavailableError {
    const at = this.#state === null ? "" : `: it covers ${this.#state.size} entries`;
    return new LogUnavailableError("index-not-ready", `the index is being built${at}; try again soon`);
  }

  async #follow(): Promise<void> {
    // Whoever woke it goes on first.
    await null;
    while (this.#woken && !this.#closing.signal.aborted) {
      this.#woken = false;
      try {
        if (this.#isOn) await this.#catchUp();
      } catch (error) {
        this.#note(error as Error);
      }
      this.#step();
    }
    this.#following = null;
  }

  /** A damaged file is built again at once; for what else went wrong, such as a full disk, it is tried again when there is something new. */
  #note(error: Error): void {
    const again = error instanceof IndexDamagedError && !(this.#failed instanceof IndexDamagedError);
    if (error.message !== this.#failed?.message)
      this.#log.logger.error({ err: error }, "the index could not be written; statuses wait for it");
    this.#failed = error;
    if (error instanceof IndexDamagedError || this.#file?.hasEnded === true) this.#state = null;
    if (again) this.#woken = true;
  }

  async #catchUp(): Promise<void> {
    let isBehind = true;
    while (isBehind && !this.#closing.signal.aborted) {
      // Whoever reads it may find out meanwhile that it is damaged.
      if (this.#state === null) {
        this.#state = await this.#open();
        this.#step();
      }
      isBehind = await this.#advance(this.#state);
    }
    this.#failed = null;
  }

  /** One step. @returns whether there may be another one. */
  async #advance(state: IndexState): Promise<boolean> {
    if (hasPassedServed(this.#moment, state)) {
      this.#log.logger.warn(
        { size: state.size },
        "the index has passed the size of the status; it is built again",
      );
      this.#failed = new IndexDamagedError("it has passed the size of the status");
      this.#state = null;
      return true;
    }
    const built = builtSize(this.#moment, state);
    if (built > 0) {
      await this.#build(state, built);
      return true;
    }
    const { stop, isMarked } = await nextStop(this.#moment, state, this.#log.store);
    if (stop > state.size) await this.#add(state, stop, isMarked);
    else await this.#tidy(state);
    return stop > state.size;
  }

  /** Opens the file, and builds it again where it is of another log, ahead of this one, or was found damaged. */
  async #open(): Promise<IndexState> {
    const { logger } = this.#log;
    this.#file ??= new ThreadedIndex(this.#config.file);
    if (!(this.#failed instanceof IndexDamagedError)) {
      const state = await this.#file.open(false);
      if (await this.#isOfThisLog(state)) return state;
    }
    logger.warn({ file: this.#config.file }, "the index is not that of this log as it is; it is built again");
    return this.#file.open(true);
  }

  async #isOfThisLog({ size, treeRoot }: IndexState): Promise<boolean> {
    if (size > this.#log.registered().size) return false;
    return size === 0 || equalBytes(await this.#log.rootAt(size), treeRoot);
  }

  /** The log, as far as it says where the index goes. */
  get #moment(): Moment {
    const { registered, published, issues } = this.#log;
    return { registered: registered(), published: published(), issues: issues() };
  }

  async #add(state: IndexState, stop: number, markEnd: boolean): Promise<void> {
    const leaves = await leavesOf(this.#log.store, state.size, stop);
    const treeRoot = await this.#log.rootAt(stop);
    this.#reached(
      state,
      await this.#file?.add({ leaves, treeRoot, markFrom: marksFrom(this.#moment), markEnd }),
    );
  }

  /** The first `size` entries of a long log, into an empty file. */
  async #build(state: IndexState, size: number): Promise<void> {
    this.#log.logger.info({ size }, "the index is being built");
    this.#building = size;
    // Whoever waits for a smaller size need not wait for all of it.
    this.#step();
    try {
      const built = this.#file && (await buildAtOnce(this.#file, this.#log, size, this.#closing.signal));
      this.#reached(state, built);
    } finally {
      this.#building = 0;
    }
  }

  /** @param before what the file held: somebody may have found out meanwhile that it is damaged. */
  #reached(before: IndexState, state: IndexState | null | undefined): void {
    if (this.#state === before && state != null) this.#state = state;
    this.#step();
  }

  /** Forgets the sizes that nobody asks about any more. */
  async #tidy(state: IndexState): Promise<void> {
    const from = marksFrom(this.#moment);
    if (from !== this.#served.at(-1)) this.#served = [...this.#served, from].slice(-2);
    const old = forgettable(this.#moment, state, this.#served);
    if (old.length === 0 || this.#state !== state) return;
    // Nobody is to read what is about to go.
    this.#state = { ...state, marks: state.marks.filter(({ size }) => !old.includes(size)) };
    await this.#file?.unmark(old);
  }

  #step(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#following;
    await this.#file?.close();
  }
}
