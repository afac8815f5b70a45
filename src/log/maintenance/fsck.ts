// Recomputes everything in a log's database from its entries alone and says where the database differs. It is the oracle of the crash tests.

import { nativeSha256 } from "../../node/sha256.ts";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { canonicalize } from "../../protocol/envelope/canonical-json.ts";
import type { VerifiedEnvelope } from "../../protocol/envelope/dsse.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { digestsOf } from "../../protocol/lookup/term.ts";
import { tilesOfSize } from "../../protocol/merkle/tile.ts";
import { parseTlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { tokenIdOf } from "../../protocol/registration/identities.ts";
import { currentTrustRoot, type InForce, NOTHING_IN_FORCE } from "../../protocol/registration/in-force.ts";
import { attachmentsOf } from "../../protocol/registration/references.ts";
import { register } from "../../protocol/registration/register.ts";
import { ahead } from "../checking/ahead.ts";
import type { CheckedEntry } from "../checking/checked-entry.ts";
import type { CheckedBundle, EntryChecker } from "../checking/entry-checker.ts";
import { EntryThreads } from "../checking/entry-threads.ts";
import { openChecker } from "../checking/threaded-checker.ts";
import type { HighWater } from "../checkpointing/high-water.ts";
import { StartRefusedError } from "../errors.ts";
import { BatchView } from "../sequencing/batch-view.ts";
import { entriesBefore } from "../sequencing/entries-before.ts";
import { loadInForce } from "../sequencing/load-in-force.ts";
import { loadStored, requireExtended, requireFounded, requireMarkKept } from "../start-checks.ts";
import type { PublishedCheckpoint, TileWrite } from "../store/log-store.ts";
import { damageIn } from "../store/open-store.ts";
import type { InspectedStore } from "../store/store-inspection.ts";
import { GrowingTree } from "../tree/growing-tree.ts";
import { type FsckCheck, type FsckFinding, FsckFindings } from "./fsck-finding.ts";
import { FsckIndex, type InspectedIndex } from "./fsck-index.ts";
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
  /** What checks the entries of a long log. */
  readonly threads?: EntryThreads;
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
  const own = new EntryThreads();
  try {
    return await new Fsck(store, highWater, threads ?? own, index).run(onProgress);
  } finally {
    await own.close();
  }
}

class Fsck {
  readonly #store: InspectedStore;
  readonly #highWater: Pick<HighWater, "read"> | null;
  readonly #threads: EntryThreads;
  readonly #inspected: InspectedIndex | null;
  readonly #findings = new FsckFindings();
  readonly #expected = { digests: 0, signers: 0, tokens: 0 };
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
    threads: EntryThreads,
    inspected: InspectedIndex | null,
  ) {
    this.#inspected = inspected;
    this.#store = store;
    this.#highWater = highWater;
    this.#threads = threads;
  }

  async run(onProgress: (checked: number, entries: number) => void): Promise<FsckReport> {
    let attachments = 0;
    let checkpoints = 0;
    try {
      await this.#checkStart();
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

  /**
   * What makes a start refuse. A log that goes on writing is ahead of the mark that was read before the store, and never behind it; what it
   * has published is never ahead of the mark that is read after.
   */
  async #checkStart(): Promise<void> {
    const before = await this.#refusable("high-water", () => this.#highWater?.read());
    const stored = await this.#refusable("start", () => loadStored(this.#store));
    const after = await this.#refusable("high-water", () => this.#highWater?.read());
    if (stored === undefined) return;
    await this.#refusable("start", () => requireFounded(stored.state));
    if (this.#highWater === null || this.#findings.has("high-water")) return;
    const isTorn = before?.isTorn === true && after?.isTorn === true;
    const kept = after && { ...after, isTorn };
    await this.#refusable("high-water", () => requireMarkKept(stored, kept));
    if (!this.#findings.has("high-water"))
      await this.#refusable("high-water", () => requireExtended(stored, before));
  }

  async #refusable<T>(check: FsckCheck, run: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      const isJudged = error instanceof StartRefusedError || error instanceof MalformedError;
      if (!isJudged) throw error;
      this.#findings.add(check, error.message);
      return undefined;
    }
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
    const inForce = await this.#readable("in-force", "what the start reads back", () =>
      loadInForce(this.#store, size),
    );
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
    await this.#readable("registration", `entry ${index} depends on what cannot be read`, async () => {
      this.#checkRegistration(page.view ?? (await this.#viewBefore(index, [envelope])), envelope, index);
      await this.#checkIndexes(envelope, index, page);
    });
  }

  #checkRegistration(view: BatchView, envelope: VerifiedEnvelope, index: number): void {
    const registration = this.#attempt("registration", index, () => register(view, envelope));
    const tokens = envelope.tokens.map(tokenIdOf);
    if (registration?.outcome === "new") view.add(registration.record, registration.inForce, tokens);
    else {
      view.inForce = { ...view.inForce, size: index + 1 };
      if (registration !== undefined)
        this.#findings.add("registration", `entry ${index} is entry ${registration.record.index} again`);
    }
    this.#inForce = view.inForce;
  }

  async #checkIndexes(envelope: VerifiedEnvelope, index: number, { named }: Page): Promise<void> {
    const { inspection } = this.#store;
    const byDigest = await inspection.indexOf(envelope.payloadDigest);
    if (named.get(describeReference(envelope.statement)) !== index || byDigest !== index)
      this.#findings.add("index", `entry ${index} is not found by its digest or name`);
    const digests = digestsOf(envelope);
    const tokens = envelope.tokens.map(tokenIdOf);
    this.#expected.tokens += tokens.length;
    this.#expected.digests += inspection.digestRows(digests);
    this.#expected.signers += envelope.signers.length;
    if (!(await inspection.leadsTo(index, { digests, tokens, signers: envelope.signers })))
      this.#findings.add("index", `entry ${index} is not found by a digest or key in it`);
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
    await this.#checkCounts(size);
    await this.#checkInForce(size);
  }

  async #checkCounts(size: number): Promise<void> {
    const counts = await this.#store.inspection.counts();
    const tiles = tilesOfSize(size).reduce((sum, { full, partial }) => sum + full + (partial > 0 ? 1 : 0), 0);
    if (counts.entries !== size)
      this.#findings.add("entry", `${counts.entries - size} entries are not in line with the others`);
    if (counts.tiles !== tiles)
      this.#findings.add("tile", `${counts.tiles} tiles are stored, the tree has ${tiles}`);
    const { digests, signers, tokens: used } = this.#expected;
    if (counts.digests !== digests)
      this.#findings.add("index", `${counts.digests} digests are indexed, the entries name ${digests}`);
    if (counts.signers !== signers)
      this.#findings.add("index", `${counts.signers} signatures are indexed, the entries have ${signers}`);
    if (counts.tokens !== used)
      this.#findings.add("index", `${counts.tokens} tokens are indexed, the entries have ${used}`);
  }

  async #checkInForce(size: number): Promise<void> {
    const loaded = await this.#readable("in-force", "what the start reads back", () =>
      loadInForce(this.#store, size),
    );
    if (loaded !== undefined && describe(loaded) !== describe(this.#inForce))
      this.#findings.add("in-force", "what the start reads back differs from what the entries say");
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

  /** Other entries are read again to judge one, and may be damaged. */
  async #readable<T>(check: FsckCheck, what: string, run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#findings.add(check, `${what}: ${error.message}`);
      return undefined;
    }
  }

  #attempt<T>(check: FsckCheck, index: number, run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.#findings.add(check, `entry ${index}: ${(error as Error).message}`);
      return undefined;
    }
  }
}

function describe({
  size,
  trustRoots,
  policies,
  revokedDigests,
  revokedKeys,
  revokedIdentities,
  identityKeys,
  recordedAt,
  status,
  changedAt,
}: InForce): string {
  const roots = trustRoots.map(({ index, digest }) => ({ index, digest }));
  const newest = [...policies]
    .map(([name, policy]) => ({ name, ...policy }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return canonicalize({
    size,
    roots,
    newest,
    revoked: [...revokedDigests].sort(),
    revokedKeys,
    revokedIdentities,
    providers: identityKeys.map(({ index, digest }) => ({ index, digest })),
    recordedAt,
    status,
    changedAt,
  });
}
