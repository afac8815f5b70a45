// Holds every entry against the rules again, at its index: what the log decided when it registered it, decided by someone else.
import type { CheckedEntry } from "../log/checking/checked-entry.ts";
import { BatchView } from "../log/sequencing/batch-view.ts";
import type { GrowingTree } from "../log/tree/growing-tree.ts";
import type { VerifiedEnvelope } from "../protocol/envelope/dsse.ts";
import { PolicyError } from "../protocol/errors.ts";
import { tokenIdOf } from "../protocol/registration/identities.ts";
import type { InForce } from "../protocol/registration/in-force.ts";
import { attachmentsOf } from "../protocol/registration/references.ts";
import type { RefusalCode } from "../protocol/registration/refusal.ts";
import { register } from "../protocol/registration/register.ts";
import type { AuditFindings, EntryProblem } from "./audit-finding.ts";
import type { AuditState, Counts } from "./audit-state.ts";
import { checkAttachment, checkStatement } from "./check-content.ts";
import type { TileReader } from "./tile-reader.ts";
import type { ReplayedRange } from "./tree-replay.ts";

export class EntryReplay {
  inForce: InForce;
  readonly counts: Counts;
  /** Whether some entries were not to be had. */
  gap = false;
  /** Whether statuses state an index, and the entries before were replayed without one: the replay begins anew. */
  lacksIndex = false;
  readonly #reader: TileReader;
  readonly #state: AuditState;
  readonly #findings: AuditFindings;
  readonly #tree: GrowingTree;

  readonly #withAttachments: boolean;
  readonly #withIndex: boolean;

  /** @param withAttachments whether the documents are fetched and checked that entries name. */
  constructor(
    reader: TileReader,
    state: AuditState,
    findings: AuditFindings,
    tree: GrowingTree,
    withAttachments: boolean,
  ) {
    this.#reader = reader;
    this.#withAttachments = withAttachments;
    this.#withIndex = state.memory.withIndex;
    this.#state = state;
    this.#findings = findings;
    this.#tree = tree;
    this.inForce = state.loadInForce(tree.size);
    this.counts = { ...state.memory.counts };
  }

  /**
   * Registers the entries of a range and appends their hashes to the tree. From the first range on whose entries are not to be had only
   * the tree goes on: what is allowed depends on every entry before, and nobody is accused of what was not seen.
   */
  async replay({ start, hashes, entries }: ReplayedRange): Promise<void> {
    if (entries === undefined) this.gap = true;
    const known = this.gap ? [] : (entries ?? []);
    const envelopes = known.flatMap(({ envelope }) => envelope ?? []);
    const view = await BatchView.load(this.#state.records, this.inForce, envelopes, {
      tree: () => this.#tree.root(),
      index: (size) => this.#state.index.rootAt(size),
    });
    for (const [i, hash] of hashes.entries()) {
      const entry = known[i];
      if (entry !== undefined) await this.#check(view, entry, start + i);
      view.inForce = { ...view.inForce, size: start + i + 1 };
      this.#tree.append(hash);
    }
    this.inForce = view.inForce;
  }

  async #check(view: BatchView, { envelope, problem }: CheckedEntry, index: number): Promise<void> {
    this.counts.entriesChecked++;
    this.#report(problem, index);
    if (envelope === null) return;
    this.#index(envelope, index);
    this.counts.signaturesChecked += envelope.signatures.length;
    if (envelope.statement.kind === "status") this.counts.statusesRecomputed++;
    this.#register(view, envelope, index);
    this.#report(checkStatement(envelope.statement), index);
    if (this.#withAttachments) await this.#checkAttachments(envelope, index);
  }

  /** Everything in the tree has its place in the index, whatever the rules say of it. */
  #index(envelope: VerifiedEnvelope, index: number): void {
    const { statement } = envelope;
    if (this.#withIndex) this.#state.index.add(index, envelope);
    else if (statement.kind === "trust-root" && statement.predicate.index) this.lacksIndex = true;
  }

  /** What is refused stays out of the records: for the rules it does not exist. */
  #register(view: BatchView, envelope: VerifiedEnvelope, index: number): void {
    try {
      const result = register(view, envelope);
      if (result.outcome === "new") {
        view.add(result.record, result.inForce, envelope.tokens.map(tokenIdOf));
        this.#state.records.add(result.record, envelope);
      } else {
        const problem: EntryProblem = {
          code: "entry-repeated",
          message: `it is entry ${result.record.index} again`,
        };
        this.#report(problem, index);
      }
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      this.#report({ code: `rule-${error.code as RefusalCode}`, message: error.message }, index);
    }
  }

  async #checkAttachments({ statement }: VerifiedEnvelope, index: number): Promise<void> {
    for (const attachment of attachmentsOf(statement)) {
      const bytes = await this.#findings.attempt(index, this.#reader.attachment(attachment.digest));
      if (bytes === undefined) continue;
      this.counts.attachmentsChecked++;
      this.#report(checkAttachment(statement, attachment, bytes), index);
    }
  }

  #report(problem: EntryProblem | null, index: number): void {
    if (problem === null) return;
    const finding = { code: problem.code, index, message: `entry ${index}: ${problem.message}` };
    if (this.#findings.add(finding)) this.#state.addFinding(finding);
  }
}
