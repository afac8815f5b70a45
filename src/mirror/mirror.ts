// Brings a static copy of a log up to the checkpoint that the log shows. Everything is verified before it is written, and the copy's
// `checkpoint` is replaced last, so that it never promises what is not there (C2SP tlog-tiles).
import {
  authenticate,
  proveSplitView,
  readShown,
  type ShownCheckpoint,
} from "../auditor/shown-checkpoint.ts";
import type { SplitView } from "../auditor/split-view.ts";
import { TileReader } from "../auditor/tile-reader.ts";
import type { ReadPath } from "../log/maintenance/recover.ts";
import { FileError } from "../node/file-error.ts";
import { equalBytes } from "../protocol/encoding/bytes.ts";
import { decodeUtf8, utf8 } from "../protocol/encoding/text.ts";
import type { TrustRoot } from "../protocol/entry/trust-root.ts";
import type { Envelope } from "../protocol/envelope/dsse.ts";
import { VerificationError } from "../protocol/errors.ts";
import { bundlesOfRange, tileWidth } from "../protocol/merkle/tile.ts";
import { timeOfQuorum } from "../protocol/note/cosigned-checkpoint.ts";
import { parseTlogPolicy } from "../protocol/note/tlog-policy.ts";
import type { TrustAnchor, TrustPin } from "../verifier/bundle/trust-pin.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { CHECKPOINT, type CopyTarget, MIRROR_STATE } from "./copy-target.ts";
import { copyAttachments, copyConfirmations, copyTree, readEnvelope } from "./copy-tree.ts";
import { FollowedTrust } from "./followed-trust.ts";
import { formatMirrorState, type MirrorState, parseMirrorState } from "./mirror-state.ts";
import { VerifiedTree } from "./verified-tree.ts";

/** How long a partial tile stays beside the full one: whoever holds a checkpoint of that size still asks for it. */
const PARTIAL_KEPT_MS = 86_400_000;

export interface MirrorOptions {
  /** Reads the log; see openSource and readStoredLog. */
  readonly read: ReadPath;
  readonly target: CopyTarget;
  /** The trust root that is pinned; null trusts the log's own entry 0 on first use. */
  readonly trust: TrustAnchor | null;
  readonly now: Date;
  /** Whether reading the log costs less than asking the target what it has already, as it does beside the log's own database. */
  readonly isSourceNear?: boolean;
  readonly onProgress?: (copied: number, added: number) => void;
}

export interface Mirrored {
  /** "behind": the log showed an older checkpoint of the same tree, as a cache in front of it may, and the copy stays as it is. */
  readonly outcome: "grown" | "unchanged" | "behind";
  readonly origin: string;
  /** Of the copy, now. */
  readonly size: number;
  /** Entries that were added. */
  readonly added: number;
  /** Hex SHA-256 of attachments that the log does not have, or has with other bytes; the next call asks for them again. */
  readonly missing: readonly string[];
  /** Partial tiles and bundles that were removed, since the full ones have been there for a day. */
  readonly removed: number;
  readonly pin: TrustPin;
}

export type MirrorCode =
  | "checkpoint-forked"
  | "checkpoint-origin"
  | "checkpoint-malformed"
  | "checkpoint-quorum"
  | "checkpoint-signature";

/**
 * Copies what is new. Interrupted at any point, also by a power cut, the next call goes on.
 * @throws VerificationError when the log shows another tree than the copy's, or a checkpoint that its trust root does not accept; the copy is
 *   as it was. WrongAnswerError, RefusedError, UnreachableError: what was copied so far is kept. FileError when the copy is damaged, or of
 *   another log.
 */
export async function mirrorLog(options: MirrorOptions): Promise<Mirrored> {
  return new Mirror(options, await readState(options)).run();
}

async function readState({ target, trust }: MirrorOptions): Promise<MirrorState | null> {
  const bytes = await target.read(MIRROR_STATE);
  const state = bytes === undefined ? null : parseMirrorState(bytes);
  const isOther =
    state !== null &&
    trust !== null &&
    trust.digest !== state.pin.digest &&
    trust.digest !== state.trustRoot.payloadDigest;
  if (isOther)
    throw new FileError(
      MIRROR_STATE,
      `is of a mirror that follows trust root ${state.pin.digest} of ${state.pin.origin}: give that one, or begin a mirror in another folder`,
    );
  return state;
}

class Mirror {
  readonly #options: MirrorOptions;
  readonly #state: MirrorState | null;
  readonly #reader: TileReader;
  readonly #trust: FollowedTrust;

  constructor(options: MirrorOptions, state: MirrorState | null) {
    this.#options = options;
    this.#state = state;
    this.#reader = new TileReader(options.read);
    this.#trust = new FollowedTrust(state?.trustRoot ?? options.trust?.envelope ?? null);
  }

  async run(): Promise<Mirrored> {
    const kept = await this.#kept();
    const shown = readShown(await this.#reader.checkpoint(kept?.size));
    if (kept !== null && kept.note === shown.note && this.#missing.length === 0) return this.#tidy(kept);
    await this.#authenticateEarly(shown, kept?.size ?? 0);
    if (kept !== null && shown.size < kept.size) return this.#showBehind(shown, kept);
    const tree = await VerifiedTree.open(this.#reader, shown);
    if (kept !== null && !equalBytes(await tree.rootAt(kept.size), kept.root))
      return refuseFork(this.#reader, kept, shown);
    return this.#grow(tree, shown, kept);
  }

  async #kept(): Promise<ShownCheckpoint | null> {
    const bytes = await this.#options.target.read(CHECKPOINT);
    return bytes === undefined ? null : readShown(decodeUtf8(bytes));
  }

  /**
   * Before anything is copied, so that nobody can fill the disk who does not have the log's keys. A trust root among the entries that are not
   * copied yet may have changed them: it is believed for its own signatures, wherever it stands.
   */
  async #authenticateEarly(shown: ShownCheckpoint, from: number): Promise<void> {
    if (this.#trust.root === null && shown.size > 0) {
      const [first] = await this.#reader.bundle(0, tileWidth("entries", 0, shown.size));
      await this.#offer(first && readEnvelope(first));
    }
    if (!("code" in (await authenticate(shown.note, this.#requireRoot(shown))))) return;
    for (const { index, first, width } of bundlesOfRange(from, shown.size - from, shown.size)) {
      const entries = await this.#reader.bundle(index, width);
      for (const entry of entries.slice(first)) await this.#offer(readEnvelope(entry));
    }
    await this.#authenticate(shown);
  }

  async #offer(envelope: Envelope | undefined): Promise<void> {
    if (envelope !== undefined) await this.#trust.offer(envelope);
  }

  /** @throws VerificationError unless the newest trust root accepts it. @returns the time of its quorum. */
  async #authenticate(shown: ShownCheckpoint): Promise<number | null> {
    const root = this.#requireRoot(shown);
    const result = await authenticate(shown.note, root);
    if ("code" in result) throw new VerificationError<MirrorCode>(result.code as MirrorCode, result.message);
    return timeOfQuorum(parseTlogPolicy(root.logPolicy), result.cosignatures);
  }

  #requireRoot({ origin }: ShownCheckpoint): TrustRoot {
    const { root } = this.#trust;
    if (root === null)
      throw new VerificationError<MirrorCode>(
        "checkpoint-signature",
        "the log has no trust root to begin with",
      );
    if (root.origin !== origin)
      throw new VerificationError<MirrorCode>(
        "checkpoint-origin",
        `it shows a checkpoint of ${origin}, not of ${root.origin}`,
      );
    return root;
  }

  /** The copy has a larger tree: of the same log, if it began as the one that is shown. */
  async #showBehind(shown: ShownCheckpoint, kept: ShownCheckpoint): Promise<Mirrored> {
    const reader = new TileReader((path) => this.#options.target.read(path));
    const copy = await VerifiedTree.open(reader, kept);
    if (!equalBytes(await copy.rootAt(shown.size), shown.root)) return refuseFork(reader, kept, shown);
    await this.#keepNote(shown);
    return this.#report("behind", kept, 0, this.#missing, 0);
  }

  /** Nothing is new. */
  async #tidy(kept: ShownCheckpoint): Promise<Mirrored> {
    return this.#report("unchanged", kept, 0, this.#missing, await this.#removePartials());
  }

  async #grow(tree: VerifiedTree, shown: ShownCheckpoint, kept: ShownCheckpoint | null): Promise<Mirrored> {
    const { read, target, isSourceNear = false, onProgress = () => undefined } = this.#options;
    const from = kept?.size ?? 0;
    const copied = await copyTree(tree, target, { from, isSourceNear, onProgress });
    const { trustRoots, attachments, byIdentity } = copied;
    for (const { envelope } of trustRoots) await this.#trust.offer(envelope);
    const time = await this.#authenticate(shown);
    const wanted = [...new Set([...this.#missing, ...attachments])];
    const missing = await copyAttachments(read, target, wanted, isSourceNear);
    await copyConfirmations(this.#reader, tree, target, byIdentity);
    await this.#keepNote(shown);
    await target.settle();
    await this.#writeState(missing);
    // The point of no return: from now on the copy promises this tree.
    const isNewer = kept === null || shown.size > kept.size || (await this.#isLater(time, kept));
    if (isNewer) await target.replace(CHECKPOINT, utf8(shown.note));
    const outcome = shown.size > from ? "grown" : "unchanged";
    return this.#report(outcome, shown, shown.size - from, missing, await this.#removePartials());
  }

  get #missing(): readonly string[] {
    return this.#state?.missing ?? [];
  }

  #removePartials(): Promise<number> {
    const { target, now } = this.#options;
    return target.removePartials(new Date(now.getTime() - PARTIAL_KEPT_MS));
  }

  /** Of two checkpoints over one tree the copy keeps the one that was cosigned later. */
  async #isLater(time: number | null, kept: ShownCheckpoint): Promise<boolean> {
    const before = await this.#authenticate(kept).catch(() => null);
    return time !== null && (before === null || time > before);
  }

  async #keepNote({ size, note }: ShownCheckpoint): Promise<void> {
    const bytes = utf8(note);
    await this.#options.target.put(checkpointPath(size, bytes), bytes);
  }

  async #writeState(missing: readonly string[]): Promise<void> {
    const trustRoot = this.#trust.envelope;
    if (trustRoot === null) throw new TypeError("a checkpoint was authenticated without a trust root");
    const bytes = formatMirrorState({ pin: this.#pin(), trustRoot, missing });
    const before = await this.#options.target.read(MIRROR_STATE);
    if (before === undefined || !equalBytes(before, bytes))
      await this.#options.target.replace(MIRROR_STATE, bytes);
  }

  #pin(): TrustPin {
    const { trust } = this.#options;
    const pinned = this.#state?.pin ?? trust;
    if (pinned) return { origin: pinned.origin, version: pinned.version, digest: pinned.digest };
    const { envelope, root } = this.#trust;
    if (envelope === null || root === null) throw new TypeError("there is no trust root to pin");
    return { origin: root.origin, version: root.version, digest: envelope.payloadDigest };
  }

  #report(
    outcome: Mirrored["outcome"],
    { origin, size }: ShownCheckpoint,
    added: number,
    missing: readonly string[],
    removed: number,
  ): Mirrored {
    return { outcome, origin, size, added, missing, removed, pin: this.#pin() };
  }
}

/** Both notes are signed, and one of them is a lie. @param reader reads the tiles of the larger tree. */
async function refuseFork(reader: TileReader, kept: ShownCheckpoint, shown: ShownCheckpoint): Promise<never> {
  const splitView = await proveSplitView(reader, kept, shown);
  throw new ForkedError(kept.size, shown.size, splitView);
}

/** The log shows another tree than the one that was copied: two signed checkpoints of which one must be a lie. */
export class ForkedError extends VerificationError<MirrorCode> {
  /** What convinces anybody who has the trust root; null where the log took back what it had shown meanwhile. */
  readonly splitView: SplitView | null;
  readonly sizes: { readonly kept: number; readonly shown: number };

  constructor(kept: number, shown: number, splitView: SplitView | null) {
    super(
      "checkpoint-forked",
      `the tree of size ${shown} that the log shows and the one of size ${kept} that was copied contradict each other; the copy stays as it is`,
    );
    this.splitView = splitView;
    this.sizes = { kept, shown };
  }
}
