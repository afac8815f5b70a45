// Recomputes everything in a log's database from its entries alone and says where the database differs. It is the oracle of the crash tests.

import { nativeSha256 } from "../../node/sha256.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import type { VerifiedEnvelope } from "../../protocol/envelope/dsse.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { parseTlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { tokenIdOf } from "../../protocol/registration/identities.ts";
import { currentTrustRoot, type InForce, NOTHING_IN_FORCE } from "../../protocol/registration/in-force.ts";
import { attachmentsOf } from "../../protocol/registration/references.ts";
import { register } from "../../protocol/registration/register.ts";
import { ahead } from "../checking/ahead.ts";
import type { CheckedEntry } from "../checking/checked-entry.ts";
import { type CheckedBundle, type EntryChecker, openChecker } from "../checking/entry-checker.ts";
import { SignatureThreads } from "../checking/signature-threads.ts";
import type { HighWater } from "../checkpointing/high-water.ts";
import { BatchView } from "../sequencing/batch-view.ts";
import { entriesBefore } from "../sequencing/entries-before.ts";
import type { PublishedCheckpoint, TileWrite } from "../store/log-store.ts";
import { damageIn } from "../store/open-store.ts";
import type { InspectedStore } from "../store/store-inspection.ts";
import { GrowingTree } from "../tree/growing-tree.ts";
import { type FsckFinding, FsckFindings } from "./fsck-finding.ts";
import { checkInForce, inForceReadBack } from "./fsck-in-force.ts";
import { FsckIndex, type InspectedIndex } from "./fsck-index.ts";
import { FsckRows } from "./fsck-rows.ts";
import { checkStart } from "./fsck-start.ts";
import { requireSound } from "./stored-checkpoint.ts";

export interface FsckReport {
  readonly entries: number;
  readonly checkpoints: number;
  readonly attachments: number;
  /** Empty when the log is sound. */
  readonly findings: readonly FsckFinding[];
}

export interface FsckOptions {
  readonly onProgress?: (checked: number, entries: number) => void;
  /** What verifies the signatures of a long log. */
  readonly threads?: SignatureThreads;
  /** The file of the index, which is compared with the log; null where there is none. */
  readonly index?: InspectedIndex | null;
}

/** What the store says of the entries of one page. */
interface Page {
  /** What was registered before each of them; null where something cannot be read. */
  readonly view: BatchView | null;
  /** The index that their kind, name and version lead to. */
  readonly named: ReadonlyMap<string, number>;
}

/** Entries that are read at once: those of one tile. */
const PAGE = 256;

/**
 * Checks a whole log, offline: what a start checks, in the same words; then the store's own structure, every leaf, signature and
 * registration, every index, tile, checkpoint and attachment, and the tree head.
 * @param highWater null for a copy, which may be behind it.
 */
export async function fsck(
  store: InspectedStore,
  highWater: Pick<HighWater, "read"> | null,
  { onProgress = () => undefined, threads, index = null }: FsckOptions = {},
): Promise<FsckReport> {
  const own = new SignatureThreads();
  try {
    return await new Fsck(store, highWater, threads ?? own, index).run(onProgress);
  } finally {
    await own.close();
  }
}

class Fsck {
  readonly #store: InspectedStore;
  readonly #highWater: Pick<HighWater, "read"> | null;
  readonly #threads: SignatureThreads;
  readonly #inspected: InspectedIndex | null;
  readonly #findings = new FsckFindings();
  readonly #rows: FsckRows;
  /** Hex SHA-256 of what the entries name. */
  readonly #attached = new Set<string>();
  readonly #tree = GrowingTree.empty();
  #inForce: InForce = NOTHING_IN_FORCE;
  /** Null where there is nothing to compare with one. */
  #index: FsckIndex | null = null;
  #checkpoints: PublishedCheckpoint[] = [];

  constructor(
    store: InspectedStore,
    highWater: Pick<HighWater, "read"> | null,
    threads: SignatureThreads,
    inspected: InspectedIndex | null,
  ) {
    this.#inspected = inspected;
    this.#store = store;
    this.#highWater = highWater;
    this.#threads = threads;
    this.#rows = new FsckRows(store.inspection, this.#findings);
  }

  async run(onProgress: (checked: number, entries: number) => void): Promise<FsckReport> {
    let attachments = 0;
    let checkpoints = 0;
    try {
      await checkStart(this.#store, this.#highWater, this.#findings);
      for (const line of await this.#store.inspection.integrity()) this.#findings.add("database", line);
      this.#checkpoints = await this.#store.checkpointsFrom(0, Number.MAX_SAFE_INTEGER);
      checkpoints = this.#checkpoints.length;
      const { entries, newest } = await this.#store.inspection.counts();
      if (entries === newest + 1) await this.#checkEntries(entries, onProgress);
      else
        this.#findings.add(
          "entry",
          `${newest + 1 - entries} entries below ${newest} are missing; nothing behind them can be checked`,
        );
      attachments = await this.#checkAttachments();
    } catch (error) {
      const damage = damageIn(error);
      if (damage === undefined) throw error;
      this.#findings.add("database", damage);
    }
    return { entries: this.#tree.size, checkpoints, attachments, findings: this.#findings.list };
  }

  async #checkEntries(
    entries: number,
    onProgress: (checked: number, entries: number) => void,
  ): Promise<void> {
    const checker = await openChecker(this.#threads, entries, []);
    if (await this.#hasIndex(entries))
      this.#index = new FsckIndex(this.#inspected, (detail) => this.#findings.add("index-file", detail));
    try {
      for (const page of ahead(this.#pages(entries, checker), checker.ahead)) {
        await this.#checkPage(await page);
        onProgress(this.#tree.size, entries);
      }
      this.#index?.finish(entries);
    } finally {
      this.#index?.close();
    }
    await this.#checkEnd();
  }

  /** Whether statuses may state one, or there is a file of one. */
  async #hasIndex(size: number): Promise<boolean> {
    if (this.#inspected !== null) return true;
    const inForce = await inForceReadBack(this.#store, size, this.#findings);
    return inForce?.trustRoots.some(({ root }) => root.index) ?? true;
  }

  *#pages(entries: number, checker: EntryChecker): Generator<Promise<CheckedBundle>> {
    for (let start = 0; start < entries; start += PAGE) {
      const page = checker.check(this.#store.readLeaves(start, start + PAGE));
      // Its failure is told where its turn comes.
      page.catch(() => undefined);
      yield page;
    }
  }

  async #checkPage({ hashes, entries }: CheckedBundle): Promise<void> {
    const first = this.#tree.size;
    const tile = (await this.#store.readTile(0, first / PAGE))?.hashes;
    const page = await this.#loadPage(first, entries);
    for (const [i, hash] of hashes.entries()) {
      await this.#checkEntry(entries[i] as CheckedEntry, first + i, page);
      if (tile === undefined || !equalBytes(hash, tile.subarray(32 * i, 32 * i + 32))) {
        this.#findings.add("entry", `entry ${first + i} does not have the hash in its tile`);
      }
      this.#tree.append(hash);
      await this.#checkCheckpoints();
    }
    for (const tile of this.#tree.takeWrites()) await this.#checkTile(tile);
  }

  /** Asks the store for all entries of a page at once. Where one of them or of those before cannot be read, each is asked for by itself. */
  async #loadPage(first: number, entries: readonly CheckedEntry[]): Promise<Page> {
    const envelopes = entries.flatMap(({ envelope }) => envelope ?? []);
    const { identities } = await this.#store.lookup({
      identities: envelopes.map(({ statement }) => statement),
    });
    const named = new Map(identities.map((known) => [describeReference(known), known.index]));
    if (envelopes.length < entries.length) return { view: null, named };
    try {
      return { view: await this.#viewBefore(first, envelopes), named };
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      return { view: null, named };
    }
  }

  #viewBefore(index: number, envelopes: readonly VerifiedEnvelope[]): Promise<BatchView> {
    const earlier = entriesBefore(this.#store, index);
    return BatchView.load(earlier, this.#inForce, envelopes, {
      tree: () => this.#tree.root(),
      index: (size) => this.#index?.rootAt(size),
    });
  }

  async #checkEntry({ envelope, problem }: CheckedEntry, index: number, page: Page): Promise<void> {
    if (envelope === null) {
      const check = problem.code === "entry-malformed" ? "entry" : "signature";
      return this.#findings.add(check, `entry ${index}: ${problem.message}`);
    }
    for (const { digest } of attachmentsOf(envelope.statement)) this.#attached.add(digest);
    await this.#registerAgain(envelope, index, page);
    this.#index?.add(index, envelope);
  }

  async #registerAgain(envelope: VerifiedEnvelope, index: number, page: Page): Promise<void> {
    await this.#findings.readable(
      "registration",
      `entry ${index} depends on what cannot be read`,
      async () => {
        this.#checkRegistration(page.view ?? (await this.#viewBefore(index, [envelope])), envelope, index);
        await this.#rows.check(envelope, index, page.named);
      },
    );
  }

  #checkRegistration(view: BatchView, envelope: VerifiedEnvelope, index: number): void {
    const registration = this.#findings.attempt("registration", index, () => register(view, envelope));
    const tokens = envelope.tokens.map(tokenIdOf);
    if (registration?.outcome === "new") view.add(registration.record, registration.inForce, tokens);
    else {
      view.inForce = { ...view.inForce, size: index + 1 };
      if (registration !== undefined)
        this.#findings.add("registration", `entry ${index} is entry ${registration.record.index} again`);
    }
    this.#inForce = view.inForce;
  }

  async #checkTile({ level, index, hashes, inner }: TileWrite): Promise<void> {
    const stored = await this.#store.readTile(level, index);
    const label = `tile ${index} of level ${level}`;
    const whole = stored !== undefined && equalBytes(stored.hashes.subarray(0, hashes.length), hashes);
    if (!whole) return this.#findings.add("tile", `${label} does not hold the hashes of its entries`);
    if (inner !== null && (stored.inner === null || !equalBytes(stored.inner, inner))) {
      this.#findings.add("tile", `the inner nodes of ${label} are wrong`);
    }
  }

  /** Checkpoints come ordered by size; those of the size the tree has now are compared with it. */
  async #checkCheckpoints(): Promise<void> {
    while (this.#checkpoints[0]?.size === this.#tree.size) {
      const published = this.#checkpoints.shift() as PublishedCheckpoint;
      const { size } = published;
      const root = currentTrustRoot(this.#inForce)?.root;
      try {
        if (root === undefined) throw new Error("there is no trust root yet");
        await requireSound(published, this.#tree, parseTlogPolicy(root.logPolicy));
      } catch (error) {
        this.#findings.add("checkpoint", `the checkpoint of size ${size}: ${(error as Error).message}`);
      }
    }
  }

  async #checkEnd(): Promise<void> {
    const { size } = this.#tree;
    const head = await this.#store.head();
    if (head.size !== size || !equalBytes(head.root, this.#tree.root())) {
      this.#findings.add(
        "tree-head",
        `it says size ${head.size} and root ${encodeHex(head.root)}, the entries give ${size} and ${encodeHex(this.#tree.root())}`,
      );
    }
    for (const { size: beyond } of this.#checkpoints)
      this.#findings.add("checkpoint", `the checkpoint of size ${beyond} is beyond the tree`);
    await this.#rows.checkCounts(size);
    await checkInForce(this.#store, this.#inForce, size, this.#findings);
  }

  async #checkAttachments(): Promise<number> {
    const digests = await this.#store.inspection.attachmentDigests();
    for (const digest of digests) {
      const bytes = await this.#store.attachment(digest);
      if (bytes === undefined || encodeHex(nativeSha256(bytes)) !== digest) {
        this.#findings.add("attachment", `attachment ${digest} has other bytes`);
      }
      if (!this.#attached.has(digest))
        this.#findings.add("attachment", `attachment ${digest} is named by no entry that could be read`);
    }
    return digests.length;
  }
}
