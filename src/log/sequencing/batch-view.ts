// Shows registration the log while a batch is being decided: what was read from the store for these envelopes, and on top of it the
// entries of the batch that were accepted so far.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { Attachment } from "../../protocol/entry/attachment.ts";
import type { Envelope, VerifiedEnvelope } from "../../protocol/envelope/dsse.ts";
import { tokenIdOf } from "../../protocol/registration/identities.ts";
import type { InForce } from "../../protocol/registration/in-force.ts";
import {
  attachmentsOf,
  type EntryRecord,
  type KnownEntry,
  referencesOf,
} from "../../protocol/registration/references.ts";
import type { LogView } from "../../protocol/registration/register.ts";
import type { EntryLookup, Identity, Lookup } from "../store/log-store.ts";

const keyOf = ({ kind, name, version }: Identity) => `${kind}\n${name}\n${version}`;
const attachmentKey = (digest: string, size: number) => `${digest}:${size}`;

/** Where the rules find the roots that documents state. */
export interface Roots {
  /** Root of the tree at that moment, 32 bytes. */
  readonly tree: () => Uint8Array;
  /** Root of the index over the first entries, hex; undefined where it is not to be had. */
  readonly index: (size: number) => string | undefined;
}

export class BatchView implements LogView {
  inForce: InForce;
  readonly #byDigest = new Map<string, EntryRecord>();
  readonly #byIdentity = new Map<string, KnownEntry>();
  #attachments: ReadonlySet<string> = new Set();
  /** By the index of their entry where the batch added them. */
  readonly #tokens = new Map<string, number | null>();
  readonly #added: EntryRecord[] = [];
  readonly #roots: Roots;

  private constructor(inForce: InForce, roots: Roots) {
    this.inForce = inForce;
    this.#roots = roots;
  }

  /** Reads everything that the rules may ask about these envelopes. */
  static async load(
    store: EntryLookup,
    inForce: InForce,
    envelopes: readonly Asking[],
    roots: Roots,
  ): Promise<BatchView> {
    const view = new BatchView(inForce, roots);
    const found = await store.lookup(whatRulesAskAbout(envelopes));
    for (const record of found.entries) view.#byDigest.set(record.digest, record);
    for (const known of found.identities) view.#byIdentity.set(keyOf(known), known);
    for (const token of found.tokens) view.#tokens.set(token, null);
    view.#attachments = new Set(found.attachments.map(({ digest, size }) => attachmentKey(digest, size)));
    return view;
  }

  findByDigest(payloadDigest: string): EntryRecord | undefined {
    return this.#byDigest.get(payloadDigest);
  }

  findByIdentity(kind: string, name: string, version: string): KnownEntry | undefined {
    return this.#byIdentity.get(keyOf({ kind, name, version }));
  }

  hasAttachment({ digest, size }: Attachment): boolean {
    return this.#attachments.has(attachmentKey(digest, size));
  }

  hasToken(tokenId: string): boolean {
    return this.#tokens.has(tokenId);
  }

  treeRoot(): string {
    return encodeHex(this.#roots.tree());
  }

  indexRoot(size: number): string | undefined {
    return this.#roots.index(size);
  }

  /** An entry that was accepted is there for the ones after it. */
  add(record: EntryRecord, inForce: InForce, tokens: readonly string[]): void {
    this.#added.push(record);
    for (const token of tokens) this.#tokens.set(token, record.index);
    this.#byDigest.set(record.digest, record);
    this.#byIdentity.set(keyOf(record), record);
    this.inForce = inForce;
  }

  /** Documents that came with the entries which are decided next: those that stay are stored in the same transaction. */
  attach(attached: ReadonlyMap<string, Uint8Array>): void {
    if (attached.size === 0) return;
    const keys = [...attached].map(([digest, { length }]) => attachmentKey(digest, length));
    this.#attachments = new Set([...this.#attachments, ...keys]);
  }

  /** Remembers this moment. @returns what goes back to it, for a group of which one entry is refused. */
  savepoint(): () => void {
    const count = this.#added.length;
    const { inForce } = this;
    const attachments = this.#attachments;
    return () => {
      for (const record of this.#added.splice(count)) {
        this.#byDigest.delete(record.digest);
        this.#byIdentity.delete(keyOf(record));
        for (const [token, index] of this.#tokens) if (index === record.index) this.#tokens.delete(token);
      }
      this.inForce = inForce;
      this.#attachments = attachments;
    };
  }
}

type Asking = Pick<Envelope, "statement"> & Partial<Pick<VerifiedEnvelope, "tokens">>;

function whatRulesAskAbout(envelopes: readonly Asking[]): Lookup {
  const statements = envelopes.map(({ statement }) => statement);
  const digests = statements.flatMap((statement) => [
    ...referencesOf(statement).map(({ digest }) => digest),
    ...(statement.kind === "revocation" ? statement.predicate.digests : []),
  ]);
  return {
    digests,
    identities: statements,
    attachments: statements.flatMap(attachmentsOf),
    tokens: envelopes.flatMap(({ tokens = [] }) => tokens.map(tokenIdOf)),
  };
}
