// Decides the entries of a batch, each against the log as it will be at the index that the entry would get.
import { nativeSha256 } from "../../node/sha256.ts";
import { formatTime } from "../../protocol/entry/fields.ts";
import { needsTime, recordAt, type VerifiedEnvelope } from "../../protocol/envelope/dsse.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";
import { requireTimely } from "../../protocol/registration/document-times.ts";
import { tokenIdOf } from "../../protocol/registration/identities.ts";
import type { InForce } from "../../protocol/registration/in-force.ts";
import { attachmentsOf } from "../../protocol/registration/references.ts";
import { register } from "../../protocol/registration/register.ts";
import { BatchRefusedError } from "../errors.ts";
import type { EntryLookup, NewAttachment } from "../store/log-store.ts";
import type { GrowingTree } from "../tree/growing-tree.ts";
import { BatchView, type Roots } from "./batch-view.ts";

/** Where an entry is in the log, and what is there where it was not before. */
export type Sequenced =
  | { readonly outcome: "known"; readonly index: number }
  | { readonly outcome: "new"; readonly index: number; readonly entry: AcceptedEntry };

/** A new entry of the batch, and its hash in the tree. */
export interface AcceptedEntry {
  readonly envelope: VerifiedEnvelope;
  /** 32 bytes. */
  readonly leafHash: Uint8Array;
  /** What it names, of what came with it. */
  readonly attachments: readonly NewAttachment[];
}

/** Roots of the index, hex, by how many entries it is over. */
type Drawn = Map<number, string>;

/** Documents that came with envelopes, by their hex SHA-256. */
export type Attached = ReadonlyMap<string, Uint8Array>;

export class PendingBatch {
  readonly #view: BatchView;
  readonly #accepted: AcceptedEntry[];
  readonly #drawn: Drawn;

  private constructor(view: BatchView, accepted: AcceptedEntry[], drawn: Drawn) {
    this.#view = view;
    this.#accepted = accepted;
    this.#drawn = drawn;
  }

  /** Begins a batch on top of a durable log: what is in force there, and its tree. It decides these envelopes, and a status. */
  static async begin(
    store: EntryLookup,
    inForce: InForce,
    tree: GrowingTree,
    envelopes: readonly VerifiedEnvelope[],
    indexRoot: Roots["index"],
  ): Promise<PendingBatch> {
    const accepted: AcceptedEntry[] = [];
    const drawn: Drawn = new Map();
    const roots: Roots = {
      tree: () => tree.rootWith(accepted.map(({ leafHash }) => leafHash)),
      index: (size) => drawn.get(size) ?? indexRoot(size),
    };
    return new PendingBatch(await BatchView.load(store, inForce, envelopes, roots), accepted, drawn);
  }

  /** Tells the batch the root of the index over everything up to here, hex, for a status that follows. */
  drawIndex(root: string): void {
    this.#drawn.set(this.inForce.size, root);
  }

  /** The entries that were accepted as new, in the order of their indexes. */
  get accepted(): readonly AcceptedEntry[] {
    return this.#accepted;
  }

  /** What is in force after them. */
  get inForce(): InForce {
    return this.#view.inForce;
  }

  /**
   * Accepts envelopes together, in their order, or none of them.
   * @param arrived when they came in: what is new and has expired by then is refused. Null for what a log holds already.
   * @param attached documents that came with them; what none of the new ones names is left behind.
   * @throws PolicyError of registration, or with a DocumentTimeCode, for one envelope, BatchRefusedError around it for several.
   */
  accept(
    envelopes: readonly VerifiedEnvelope[],
    arrived: Date | null,
    attached: Attached = new Map(),
  ): Sequenced[] {
    const undo = this.#view.savepoint();
    this.#view.attach(attached);
    const before = this.#accepted.length;
    const sequenced: Sequenced[] = [];
    try {
      for (const envelope of envelopes) sequenced.push(this.#register(envelope, arrived, attached));
      return sequenced;
    } catch (error) {
      this.#accepted.length = before;
      undo();
      throw envelopes.length === 1 ? error : new BatchRefusedError(sequenced.length, error as Error);
    }
  }

  #register(sent: VerifiedEnvelope, arrived: Date | null, attached: Attached): Sequenced {
    const envelope = arrived !== null && needsTime(sent) ? this.#recordNow(sent, arrived) : sent;
    const registration = register(this.#view, envelope);
    const { index } = registration.record;
    if (registration.outcome === "known") return { outcome: "known", index };
    if (arrived !== null) requireTimely(envelope.statement, arrived);
    const leafHash = hashLeaf(envelope.leaf, nativeSha256);
    const entry = { envelope, leafHash, attachments: namedBy(envelope, attached) };
    this.#accepted.push(entry);
    this.#view.add(registration.record, registration.inForce, envelope.tokens.map(tokenIdOf));
    return { outcome: "new", index, entry };
  }

  /** The entry with its time, which is never before that of an entry before it, whatever the clock says. */
  #recordNow(envelope: VerifiedEnvelope, now: Date): VerifiedEnvelope {
    const time = formatTime(now);
    const before = this.#view.inForce.recordedAt ?? time;
    return { ...envelope, ...recordAt(envelope, before > time ? before : time) };
  }
}

function namedBy({ statement }: VerifiedEnvelope, attached: Attached): NewAttachment[] {
  return attachmentsOf(statement).flatMap(({ digest }) => {
    const bytes = attached.get(digest);
    return bytes === undefined ? [] : [{ digest, bytes }];
  });
}
