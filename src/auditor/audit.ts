// Audits a whole log: replays it as a stranger, who trusts nothing but one trust root (C2SP tlog-tiles, RFC 9162; rules of registration/).
import { openChecker } from "../log/checking/entry-checker.ts";
import { SignatureThreads } from "../log/checking/signature-threads.ts";
import type { ReadPath } from "../log/maintenance/recover.ts";
import { GrowingTree } from "../log/tree/growing-tree.ts";
import { equalBytes } from "../protocol/encoding/bytes.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import type { TrustRoot } from "../protocol/entry/trust-root.ts";
import { MalformedError } from "../protocol/errors.ts";
import type { CosignedCheckpoint } from "../protocol/note/cosigned-checkpoint.ts";
import { currentTrustRoot, type InForce } from "../protocol/registration/in-force.ts";
import type { TrustAnchor, TrustPin } from "../verifier/bundle/trust-pin.ts";
import { AuditFindings, type CheckpointCode, WrongAnswerError } from "./audit-finding.ts";
import type { AuditReport } from "./audit-report.ts";
import { type AuditState, type Counts, NOTHING_COUNTED, type SeenCheckpoint } from "./audit-state.ts";
import { confirmEntries } from "./confirmed-entries.ts";
import { type AuditDepth, leftOut, type Uncovered } from "./coverage.ts";
import { problemsOfAge } from "./document-ages.ts";
import { EntryReplay } from "./entry-replay.ts";
import { SECOND_OPINION_LIMIT, secondRoot } from "./second-opinion.ts";
import {
  authenticate,
  type Continuity,
  compareTrees,
  describeBoth,
  proveSplitView,
  readShown,
  type ShownCheckpoint,
} from "./shown-checkpoint.ts";
import { TileReader } from "./tile-reader.ts";
import { TreeReplay } from "./tree-replay.ts";

export interface AuditOptions {
  /** Reads the log; see openSource. */
  readonly read: ReadPath;
  /** The trust root that is pinned; null trusts the first one on first use, and the state file's from then on. */
  readonly trust: TrustAnchor | null;
  readonly state: AuditState;
  readonly now: Date;
  /** How much of the log is looked at; everything unless given. */
  readonly depth?: AuditDepth;
  readonly onProgress?: (checked: number, size: number) => void;
  /** What verifies the signatures of a long log. */
  readonly threads?: SignatureThreads;
}

/**
 * Replays the log from where the state ends to the checkpoint that is shown now. When it is interrupted, the next call goes on.
 * @throws RefusedError, UnreachableError: what was replayed so far is kept.
 */
export async function audit(options: AuditOptions): Promise<AuditReport> {
  const threads = new SignatureThreads();
  try {
    return await new Audit({ threads, ...options }).run();
  } finally {
    options.state.rollback();
    await threads.close();
  }
}

class Audit {
  readonly #options: AuditOptions;
  readonly #state: AuditState;
  readonly #reader: TileReader;
  readonly #threads: SignatureThreads;
  readonly #depth: AuditDepth;
  readonly #uncovered: Uncovered[];
  #since: number;
  #findings: AuditFindings;
  #counts: Counts;
  #pin: TrustPin | null;
  #cosigned: CosignedCheckpoint | null = null;
  #secondOpinion: AuditReport["secondOpinion"] = "skipped";
  #unconfirmed: AuditReport["unconfirmed"] = [];
  #successor: string | null = null;
  #evidence: AuditReport["evidence"] = null;
  #splitView: AuditReport["splitView"] = null;

  constructor(options: AuditOptions & { readonly threads: SignatureThreads }) {
    const { memory } = options.state;
    this.#options = options;
    this.#threads = options.threads;
    this.#state = options.state;
    this.#reader = new TileReader(options.read);
    this.#depth = options.depth ?? "everything";
    this.#uncovered = leftOut(this.#depth);
    const forgets = this.#depth === "tiles";
    this.#since = forgets ? 0 : memory.completed;
    this.#counts = forgets ? NOTHING_COUNTED : memory.counts;
    this.#findings = forgets
      ? new AuditFindings()
      : new AuditFindings(options.state.findings(), memory.omitted);
    this.#pin = options.trust ?? memory.pin;
  }

  async run(): Promise<AuditReport> {
    const shown = await this.#readCheckpoint();
    if (shown === null || !(await this.#mayContinue(shown))) {
      this.#uncovered.push({ part: "tree", why: "it was not replayed, for the reason found" });
      return this.#report(shown);
    }
    if (this.#depth === "tiles") await this.#auditTiles(shown);
    else await this.#auditEntries(shown);
    return this.#report(shown);
  }

  async #auditEntries(shown: ShownCheckpoint): Promise<void> {
    await this.#resume(shown);
    let replayed = await this.#replay(shown);
    if (replayed.entries.lacksIndex) {
      this.#startOver(true);
      replayed = await this.#replay(shown);
    }
    const { tree, entries, complete } = replayed;
    this.#counts = entries.counts;
    if (entries.gap)
      this.#uncovered.push({ part: "entries", why: "what follows a missing entry was not judged" });
    const whole = complete && !entries.gap;
    await this.#checkRoot(tree, shown);
    if (whole) await this.#judge(shown, entries.inForce);
    this.#state.rollback();
    const { records } = this.#state;
    this.#unconfirmed = await confirmEntries(this.#reader, records, entries.inForce, shown);
    await this.#finish(shown, whole);
  }

  /** The tree alone, from its beginning: of it nothing is remembered but the checkpoint. */
  async #auditTiles(shown: ShownCheckpoint): Promise<void> {
    const tree = GrowingTree.empty();
    const replay = new TreeReplay(this.#reader, this.#findings, tree, shown.size);
    for await (const { hashes } of replay.ranges(null)) {
      for (const hash of hashes) tree.append(hash);
      await replay.compareFull();
      this.#options.onProgress?.(tree.size, shown.size);
    }
    if (tree.size === shown.size) await replay.compareEdge();
    await this.#checkRoot(tree, shown);
    const root = this.#knownRoot();
    await this.#authenticate(shown, root);
    if (root !== undefined) this.#checkTimes(root);
    await this.#finish(shown, false);
  }

  async #checkRoot(tree: GrowingTree, shown: ShownCheckpoint): Promise<void> {
    if (tree.size < shown.size) {
      this.#uncovered.push({ part: "tree", why: `${tree.size} of ${shown.size} entries could be followed` });
      return;
    }
    const sound = !this.#findings.servedWrong;
    if (!equalBytes(tree.root(), shown.root))
      this.#findings.addServed("root-differs", null, `the tiles lead to root ${encodeHex(tree.root())}`);
    if (sound) await this.#askAgain(shown);
  }

  /** The newest trust root that is known before anything is replayed. */
  #knownRoot(): TrustRoot | undefined {
    const { head } = this.#state.memory;
    return currentTrustRoot(this.#state.loadInForce(head.size))?.root ?? this.#options.trust?.root;
  }

  async #readCheckpoint(): Promise<ShownCheckpoint | null> {
    try {
      const shown = readShown(await this.#reader.checkpoint(this.#state.memory.seen?.size));
      if (this.#pin === null || shown.origin === this.#pin.origin) return shown;
      this.#find("checkpoint-origin", `it is of ${shown.origin}, not of ${this.#pin.origin}`);
      return null;
    } catch (error) {
      if (error instanceof WrongAnswerError) this.#findings.addServed(error.code, null, error.message);
      else if (error instanceof MalformedError) this.#find("checkpoint-malformed", error.message);
      else throw error;
      return null;
    }
  }

  /** Against the newest checkpoint that was seen. A log that went back or took another way is not replayed: it is shown. */
  async #mayContinue(shown: ShownCheckpoint): Promise<boolean> {
    const { seen } = this.#state.memory;
    const known = this.#knownRoot();
    const early = known && (await authenticate(shown.note, known));
    if (early && "cosignatures" in early) this.#cosigned = early;
    const fate = await this.#compareWithSeen(shown);
    if (seen !== null && (fate === "rolled-back" || fate === "forked")) {
      const signed = !(early && "code" in early && early.code === "checkpoint-signature");
      await this.#showBoth(fate, seen, shown, signed);
      if (early && "code" in early) this.#find(early.code, early.message);
      return false;
    }
    if (fate === "unproven") this.#startOver();
    else if (this.#cosigned !== null) this.#see(shown);
    return true;
  }

  async #compareWithSeen(shown: ShownCheckpoint): Promise<Continuity | "rolled-back"> {
    const { seen } = this.#state.memory;
    if (seen === null) return "continues";
    return shown.size < seen.size ? "rolled-back" : compareTrees(this.#reader, seen, shown);
  }

  async #showBoth(
    fate: "rolled-back" | "forked",
    seen: SeenCheckpoint,
    shown: ShownCheckpoint,
    signed = true,
  ): Promise<void> {
    this.#find(`checkpoint-${fate}`, describeBoth(seen, shown));
    this.#evidence = { seen: seen.note, shown: shown.note };
    if (fate === "forked" && signed)
      this.#splitView = await proveSplitView(this.#reader, readShown(seen.note), shown);
  }

  #see({ size, root, note }: ShownCheckpoint): void {
    this.#state.remember({ seen: { size, root: encodeHex(root), note } });
  }

  /** What an interrupted audit replayed was perhaps never in an authentic tree: if it is not in this one, it counts for nothing. */
  async #resume(shown: ShownCheckpoint): Promise<void> {
    const { head, withAttachments } = this.#state.memory;
    const beyond = head.size > shown.size;
    const isShallow = this.#depth === "everything" && !withAttachments;
    if (beyond || isShallow || (await compareTrees(this.#reader, head, shown)) !== "continues")
      this.#startOver();
  }

  /** @param withIndex whether the index is built again, which takes every entry from the first on. */
  #startOver(withIndex = this.#state.memory.withIndex): void {
    this.#state.rollback();
    this.#state.restart(withIndex);
    this.#findings = new AuditFindings();
    this.#since = 0;
  }

  async #replay(shown: ShownCheckpoint) {
    const withAttachments = this.#depth === "everything";
    if (!withAttachments) this.#state.remember({ withAttachments });
    const tree = await this.#state.loadTree(this.#state.memory.head);
    const entries = new EntryReplay(this.#reader, this.#state, this.#findings, tree, withAttachments);
    const { trustRoots, identityKeys } = entries.inForce;
    const keys = [...trustRoots.flatMap(({ root }) => root.keys), ...identityKeys.map((known) => known.keys)];
    const checker = await openChecker(this.#threads, shown.size - tree.size, keys);
    const replay = new TreeReplay(this.#reader, this.#findings, tree, shown.size);
    for await (const range of replay.ranges(checker)) {
      this.#state.begin();
      await entries.replay(range);
      if (entries.lacksIndex) break;
      await replay.compareFull();
      if (!this.#findings.servedWrong) this.#state.commit(tree, entries.counts, this.#findings.omitted);
      this.#options.onProgress?.(tree.size, shown.size);
    }
    const complete = tree.size === shown.size;
    if (complete) await replay.compareEdge();
    return { tree, entries, complete };
  }

  /** The second opinion. */
  async #askAgain({ size, root }: ShownCheckpoint): Promise<void> {
    if (size === 0 || size > SECOND_OPINION_LIMIT) return;
    const second = await this.#findings.attempt(null, secondRoot(this.#reader, size));
    if (second === undefined) return;
    this.#secondOpinion = equalBytes(second, root) ? "agrees" : "differs";
    if (this.#secondOpinion === "differs")
      this.#findings.addServed(
        "second-opinion-differs",
        null,
        `merkletreejs computes root ${encodeHex(second)}`,
      );
  }

  /** What follows from the whole log: that it is the pinned one, and that its newest trust root accepts the checkpoint now. */
  async #judge(shown: ShownCheckpoint, inForce: InForce): Promise<void> {
    this.#checkPin(inForce);
    const root = currentTrustRoot(inForce)?.root ?? this.#options.trust?.root;
    await this.#authenticate(shown, root);
    if (root !== undefined) this.#checkTimes(root, this.#state.records.newestStatus());
  }

  #checkPin({ trustRoots }: InForce): void {
    const first = trustRoots[0];
    if (this.#pin === null && first !== undefined)
      this.#pin = { origin: first.root.origin, version: 1, digest: first.digest };
    const pin = this.#pin;
    if (!trustRoots.some(({ digest, root }) => digest === pin?.digest && root.version === pin.version)) {
      this.#find(
        "trust-root-not-pinned",
        `the log does not contain trust root ${pin?.digest ?? "version 1"}`,
      );
    }
  }

  async #authenticate(shown: ShownCheckpoint, root: TrustRoot | undefined): Promise<void> {
    const result =
      root === undefined
        ? ({ code: "checkpoint-signature", message: "the log has no trust root to verify it with" } as const)
        : await authenticate(shown.note, root);
    this.#cosigned = "code" in result ? null : result;
    if ("code" in result) this.#find(result.code, result.message);
  }

  #checkTimes(root: TrustRoot, statusLeaf?: Uint8Array): void {
    this.#successor = root.successor?.origin ?? null;
    const { now } = this.#options;
    for (const { code, message } of problemsOfAge({ root, cosigned: this.#cosigned, statusLeaf, now }))
      this.#find(code, message);
  }

  /** What was built on a wrong answer is forgotten; the next audit looks again. */
  async #finish(shown: ShownCheckpoint, complete: boolean): Promise<void> {
    this.#state.rollback();
    if (this.#cosigned !== null) await this.#seeIfProven(shown);
    this.#state.remember({
      pin: this.#pin && namePin(this.#pin),
      ...(complete && !this.#findings.servedWrong && { completed: shown.size }),
    });
  }

  /** A checkpoint takes the place of the one that was seen only when it continues it: a wrong tile must not hide a fork. */
  async #seeIfProven(shown: ShownCheckpoint): Promise<void> {
    const { seen } = this.#state.memory;
    const fate = await this.#compareWithSeen(shown);
    if (fate === "continues") return this.#see(shown);
    if (fate === "forked" && seen !== null) await this.#showBoth(fate, seen, shown);
    else if (!this.#findings.servedWrong)
      this.#findings.addServed(
        "root-differs",
        null,
        "the tiles do not prove that the tree continues the one seen before",
      );
  }

  #find(code: CheckpointCode, message: string): void {
    this.#findings.add({ code, index: null, message });
  }

  #report(shown: ShownCheckpoint | null): AuditReport {
    const cosignatures = this.#cosigned?.cosignatures ?? [];
    return {
      origin: shown?.origin ?? null,
      size: shown?.size ?? null,
      root: shown && encodeHex(shown.root),
      cosigned: cosignatures.map(({ name, timestamp }) => ({
        name,
        time: new Date(timestamp * 1000).toISOString(),
      })),
      pin: this.#pin && namePin(this.#pin),
      trust: this.#options.trust === null ? "first-use" : "pinned",
      since: this.#since,
      ...this.#counts,
      depth: this.#depth,
      uncovered: this.#uncovered,
      presented: [],
      secondOpinion: this.#secondOpinion,
      unconfirmed: this.#unconfirmed,
      successor: this.#successor,
      findings: this.#findings.list,
      omitted: this.#findings.omitted,
      evidence: this.#evidence,
      splitView: this.#splitView,
    };
  }
}

function namePin({ origin, version, digest }: TrustPin): TrustPin {
  return { origin, version, digest };
}
