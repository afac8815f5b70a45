// Holds the replayed entries as the registration rules ask for them: by digest, by identity, and those from which follows what is in force.
import type { Database, Statement } from "better-sqlite3";
import type { Found, Lookup } from "../log/store/log-store.ts";
import type { Kind } from "../protocol/entry/kinds.ts";
import type { Reference } from "../protocol/entry/reference.ts";
import type { VerifiedEnvelope } from "../protocol/envelope/dsse.ts";
import { tokenIdOf } from "../protocol/registration/identities.ts";
import type { EntryRecord } from "../protocol/registration/references.ts";

interface Row {
  idx: number;
  digest: Buffer;
  kind: Kind;
  name: string;
  version: string;
  svn: number | null;
  signers: Buffer;
  identities: string;
  refs: string;
  boots: string;
}

const KEY_ID_BYTES = 32;

export class ReplayedRecords {
  readonly #insert: Statement<
    [number, Uint8Array, string, string, string, number | null, Uint8Array, string, string, string]
  >;
  readonly #insertToken: Statement<[Uint8Array, number]>;
  readonly #token: Statement<[Uint8Array], { id: Buffer }>;
  readonly #doubt: Statement<[number, string]>;
  readonly #confirm: Statement<[number]>;
  readonly #unconfirmed: Statement<[], { index: number; recordedAt: string }>;
  readonly #byDigest: Statement<[Uint8Array], Row>;
  readonly #byIdentity: Statement<[string, string, string], Row>;
  readonly #since: Statement<[number], Row>;
  readonly #govern: Statement<[string, number, Uint8Array]>;
  readonly #governing: Statement<[], { index: number; leaf: Buffer }>;
  readonly #inSlot: Statement<[string], { leaf: Buffer }>;

  constructor(database: Database) {
    this.#insert = database.prepare("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.#insertToken = database.prepare("INSERT INTO tokens VALUES (?, ?)");
    this.#token = database.prepare("SELECT id FROM tokens WHERE id = ?");
    this.#doubt = database.prepare("INSERT INTO unconfirmed VALUES (?, ?)");
    this.#confirm = database.prepare("DELETE FROM unconfirmed WHERE idx = ?");
    this.#unconfirmed = database.prepare(
      "SELECT idx AS 'index', recorded_at AS recordedAt FROM unconfirmed ORDER BY idx",
    );
    this.#byDigest = database.prepare("SELECT * FROM records WHERE digest = ?");
    this.#byIdentity = database.prepare("SELECT * FROM records WHERE name = ? AND kind = ? AND version = ?");
    this.#since = database.prepare("SELECT * FROM records WHERE idx >= ? ORDER BY idx");
    this.#govern = database.prepare("INSERT OR REPLACE INTO governing VALUES (?, ?, ?)");
    this.#governing = database.prepare("SELECT DISTINCT idx AS 'index', leaf FROM governing ORDER BY idx");
    this.#inSlot = database.prepare("SELECT leaf FROM governing WHERE slot = ?");
  }

  /** Adds an entry that was registered. */
  add(record: EntryRecord, envelope: VerifiedEnvelope): void {
    const { index, digest, kind, name, version, svn, signers, identities, references, boots } = record;
    const keyIds = Buffer.from(signers.join(""), "hex");
    this.#insert.run(
      index,
      Buffer.from(digest, "hex"),
      kind,
      name,
      version,
      svn,
      keyIds,
      JSON.stringify(identities),
      JSON.stringify(references),
      JSON.stringify(boots),
    );
    const slot = slotOf(kind, name, version);
    if (slot !== null) this.#govern.run(slot, index, envelope.leaf);
    this.#addTokens(index, envelope);
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

  governing(): Array<{ readonly index: number; readonly leaf: Uint8Array }> {
    return this.#governing.all();
  }

  /** The records from an index on, in order. */
  *since(index: number): Generator<EntryRecord> {
    for (const row of this.#since.iterate(index)) yield recordOf(row);
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
    const byDigest = [...new Set(digests)].map((digest) => this.#byDigest.get(Buffer.from(digest, "hex")));
    const byIdentity = identities.map(({ kind, name, version }) => this.#byIdentity.get(name, kind, version));
    return {
      entries: byDigest.flatMap(asRecords),
      identities: byIdentity.flatMap(asRecords),
      attachments,
      tokens: tokens.filter((token) => this.#token.get(Buffer.from(token, "hex")) !== undefined),
    };
  }
}

/** Trust roots, revocations and keys of providers stay for ever; of a policy and of the status the newest one counts. */
function slotOf(kind: Kind, name: string, version: string): string | null {
  if (kind === "status") return kind;
  if (kind === "policy") return `${kind}/${name}`;
  const stays = kind === "trust-root" || kind === "revocation" || kind === "identity-keys";
  return stays ? `${kind}/${name}/${version}` : null;
}

function asRecords(row: Row | undefined): EntryRecord[] {
  return row === undefined ? [] : [recordOf(row)];
}

function recordOf(row: Row): EntryRecord {
  const { idx, digest, kind, name, version, svn, signers, identities, refs, boots } = row;
  const keyIds = Array.from({ length: signers.length / KEY_ID_BYTES }, (_, i) =>
    signers.toString("hex", i * KEY_ID_BYTES, (i + 1) * KEY_ID_BYTES),
  );
  const references = JSON.parse(refs) as Reference[];
  return {
    index: idx,
    digest: digest.toString("hex"),
    kind,
    name,
    version,
    svn,
    signers: keyIds,
    identities: JSON.parse(identities) as string[],
    references,
    boots: JSON.parse(boots) as string[],
  };
}
