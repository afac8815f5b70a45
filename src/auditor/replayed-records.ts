// Holds the replayed entries as the registration rules ask for them: by digest, by identity, and those from which follows what is in force.
// Records are written one after the other into the file; in memory is where to find them, at most 64 bytes an entry.
import { hash } from "node:crypto";
import type { Database, Statement } from "better-sqlite3";
import type { Found, Identity, Lookup } from "../log/store/log-store.ts";
import type { Kind } from "../protocol/entry/kinds.ts";
import type { VerifiedEnvelope } from "../protocol/envelope/dsse.ts";
import { tokenIdOf } from "../protocol/registration/identities.ts";
import type { EntryRecord } from "../protocol/registration/references.ts";
import { TagIndex } from "./tag-index.ts";

export class ReplayedRecords {
  readonly #insert: Statement<[number, number, number, string]>;
  readonly #at: Statement<[number], string>;
  readonly #since: Statement<[number], string>;
  readonly #tags: Statement<[], [number, number, number]>;
  readonly #insertToken: Statement<[Uint8Array, number]>;
  readonly #token: Statement<[Uint8Array], { id: Buffer }>;
  readonly #doubt: Statement<[number, string]>;
  readonly #confirm: Statement<[number]>;
  readonly #unconfirmed: Statement<[], { index: number; recordedAt: string }>;
  readonly #govern: Statement<[string, number, Uint8Array]>;
  readonly #governing: Statement<[], { index: number; leaf: Buffer }>;
  readonly #inSlot: Statement<[string], { leaf: Buffer }>;
  readonly #seed: string;
  /** Null until it is needed: it follows from the file. */
  #index: TagIndex | null = null;

  /** @param seed of the file, secret: nobody shall make entries whose tags are the same. */
  constructor(database: Database, seed: string) {
    this.#seed = seed;
    this.#insert = database.prepare("INSERT INTO records VALUES (?, ?, ?, ?)");
    this.#at = database.prepare<[number], string>("SELECT record FROM records WHERE idx = ?").pluck();
    this.#since = database
      .prepare<[number], string>("SELECT record FROM records WHERE idx >= ? ORDER BY idx")
      .pluck();
    this.#tags = database
      .prepare<[], [number, number, number]>("SELECT digest_tag, identity_tag, idx FROM records")
      .raw();
    this.#insertToken = database.prepare("INSERT INTO tokens VALUES (?, ?)");
    this.#token = database.prepare("SELECT id FROM tokens WHERE id = ?");
    this.#doubt = database.prepare("INSERT INTO unconfirmed VALUES (?, ?)");
    this.#confirm = database.prepare("DELETE FROM unconfirmed WHERE idx = ?");
    this.#unconfirmed = database.prepare(
      "SELECT idx AS 'index', recorded_at AS recordedAt FROM unconfirmed ORDER BY idx",
    );
    this.#govern = database.prepare("INSERT OR REPLACE INTO governing VALUES (?, ?, ?)");
    this.#governing = database.prepare("SELECT DISTINCT idx AS 'index', leaf FROM governing ORDER BY idx");
    this.#inSlot = database.prepare("SELECT leaf FROM governing WHERE slot = ?");
  }

  /** Adds an entry that was registered. */
  add(record: EntryRecord, envelope: VerifiedEnvelope): void {
    const index = this.#loaded();
    const tags = [this.#digestTag(record.digest), this.#identityTag(record)] as const;
    this.#insert.run(record.index, ...tags, JSON.stringify(record));
    for (const tag of tags) index.add(tag, record.index);
    const slot = slotOf(record);
    if (slot !== null) this.#govern.run(slot, record.index, envelope.leaf);
    this.#addTokens(record.index, envelope);
  }

  #addTokens(index: number, { tokens, recordedAt, leaf }: VerifiedEnvelope): void {
    if (recordedAt === null) return;
    for (const token of tokens) this.#insertToken.run(Buffer.from(tokenIdOf(token), "hex"), index);
    this.#doubt.run(index, recordedAt);
    this.#govern.run("recorded-at", index, leaf);
  }

  /** Entries with identities of which nothing has shown that they were there in time. */
  unconfirmed(): Array<{ readonly index: number; readonly recordedAt: string }> {
    return this.#unconfirmed.all();
  }

  /** An entry was there in time, and stays so. */
  confirm(index: number): void {
    this.#confirm.run(index);
  }

  /** Reads the file anew, which has gone back to an earlier state. */
  reload(): void {
    this.#index = null;
  }

  governing(): Array<{ readonly index: number; readonly leaf: Uint8Array }> {
    return this.#governing.all();
  }

  /** The records from an index on, in order. */
  *since(index: number): Generator<EntryRecord> {
    for (const record of this.#since.iterate(index)) yield JSON.parse(record) as EntryRecord;
  }

  /** The leaf of the newest status. */
  newestStatus(): Uint8Array | undefined {
    return this.#inSlot.get("status")?.leaf;
  }

  /** Whether an attachment is there is checked by fetching it, and is a finding of its own. */
  async lookup({
    digests = [],
    identities = [],
    attachments = [],
    tokens = [],
  }: Partial<Lookup>): Promise<Found> {
    return {
      entries: [...new Set(digests)].flatMap((digest) =>
        this.#find(this.#digestTag(digest), (record) => record.digest === digest),
      ),
      identities: identities.flatMap((identity) =>
        this.#find(this.#identityTag(identity), (record) => isNamed(record, identity)),
      ),
      attachments,
      tokens: tokens.filter((token) => this.#token.get(Buffer.from(token, "hex")) !== undefined),
    };
  }

  #find(tag: number, isMeant: (record: EntryRecord) => boolean): EntryRecord[] {
    const records = this.#loaded()
      .find(tag)
      .map((index) => JSON.parse(this.#at.get(index) ?? "null") as EntryRecord | null);
    return records.filter((record) => record !== null).filter(isMeant);
  }

  #loaded(): TagIndex {
    if (this.#index !== null) return this.#index;
    const index = new TagIndex();
    for (const [digestTag, identityTag, idx] of this.#tags.iterate()) {
      index.add(digestTag, idx);
      index.add(identityTag, idx);
    }
    this.#index = index;
    return index;
  }

  #digestTag(digest: string): number {
    return this.#tagOf(digest);
  }

  #identityTag({ kind, name, version }: Identity): number {
    return this.#tagOf(`${kind}\n${name}\n${version}`);
  }

  #tagOf(text: string): number {
    return Number.parseInt(hash("sha256", this.#seed + text).slice(0, 8), 16);
  }
}

const isNamed = (record: EntryRecord, { kind, name, version }: Identity) =>
  record.kind === kind && record.name === name && record.version === version;

/** Trust roots, revocations and keys of providers stay for ever; of a policy and of the status the newest one counts. */
function slotOf({
  kind,
  name,
  version,
}: Readonly<{ kind: Kind; name: string; version: string }>): string | null {
  if (kind === "status") return kind;
  if (kind === "policy") return `${kind}/${name}`;
  const stays = kind === "trust-root" || kind === "revocation" || kind === "identity-keys";
  return stays ? `${kind}/${name}/${version}` : null;
}
