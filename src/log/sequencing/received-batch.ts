// Checks the lines of one request as they come. The signers of each may publish it and its signatures hold, or it is known, before the next
// one is looked at: whoever may not publish costs the log the reading of one line. Registration decides with the batch.
import { webcrypto } from "node:crypto";
import { entryVerifier } from "../../node/ed25519.ts";
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { Attachment } from "../../protocol/entry/attachment.ts";
import { isReleaseKind } from "../../protocol/entry/kinds.ts";
import {
  type Envelope,
  type KeyLookup,
  type VerifiedEnvelope,
  verifyEnvelope,
} from "../../protocol/envelope/dsse.ts";
import { MalformedError } from "../../protocol/errors.ts";
import type { TokenKeyLookup } from "../../protocol/identity/verify-token.ts";
import { applyEntry, type InForce } from "../../protocol/registration/in-force.ts";
import { attachmentsOf } from "../../protocol/registration/references.ts";
import { checkSigners, findKnown } from "../../protocol/registration/register.ts";
import { BatchRefusedError, LogUnavailableError } from "../errors.ts";
import { withSigners } from "../store/entry-record.ts";
import type { EntryLookup } from "../store/log-store.ts";

/** An envelope, or the bytes of an attachment that an envelope before it names. */
export type BatchLine = Envelope | Uint8Array;

/** Envelopes whose signatures are verified beside each other: what the thread pool works on while the next lines are read. */
const CHECKS_AT_ONCE = 8;

export interface ReceivedBatchConfig {
  readonly store: EntryLookup;
  /** The keys of the log's trust roots. */
  readonly keys: KeyLookup;
  /** The keys of providers of identities that the log has. */
  readonly providers?: TokenKeyLookup;
  /** What is in force after everything durable. */
  readonly inForce: InForce;
  /** Why an envelope that is new is not taken now, or null. */
  readonly unavailable: (envelope: Envelope) => LogUnavailableError | null;
  /** Checks one signature. */
  readonly verify?: ReturnType<typeof entryVerifier>;
}

interface Checked {
  readonly envelope: VerifiedEnvelope;
  /** Its index where the log has its payload already. */
  readonly index: number | undefined;
}

export class ReceivedBatch {
  readonly #config: ReceivedBatchConfig;
  readonly #introduced = new KeyRing();
  readonly #checked: Checked[] = [];
  readonly #checking: Array<Promise<Checked>> = [];
  readonly #awaited: Attachment[] = [];
  readonly #attached = new Map<string, Uint8Array>();
  /** The line of each envelope, from 0. */
  readonly #lines: number[] = [];
  #line = 0;
  #inForce: InForce;

  constructor(config: ReceivedBatchConfig) {
    this.#config = config;
    this.#inForce = config.inForce;
  }

  get envelopes(): readonly VerifiedEnvelope[] {
    return this.#checked.map(({ envelope }) => envelope);
  }

  /** The index of each envelope whose payload is in the log. */
  get logged(): ReadonlyArray<number | undefined> {
    return this.#checked.map(({ index }) => index);
  }

  get attached(): ReadonlyMap<string, Uint8Array> {
    return this.#attached;
  }

  /**
   * Takes the next line. An envelope that brings keys or awaits documents has been checked when this resolves, another one a few
   * lines later.
   * @throws BatchRefusedError naming the line; LogUnavailableError.
   */
  async add(line: BatchLine): Promise<void> {
    const at = this.#line++;
    if (line instanceof Uint8Array) return this.#inLine(at, this.#attach(line));
    this.#lines.push(at);
    const { statement } = line;
    const named = attachmentsOf(statement);
    const isAwaited = bringsKeys(line) || named.length > 0;
    if (isAwaited) await this.settle();
    const checking = this.#check(line);
    // Its failure is told where its turn comes.
    checking.catch(() => undefined);
    this.#checking.push(checking);
    if (isAwaited) await this.settle();
    else if (this.#checking.length >= CHECKS_AT_ONCE) await this.#settleOldest();
    this.#awaited.push(...named);
  }

  /** Waits for the checks under way. @throws as add does, for the first line that fails. */
  async settle(): Promise<void> {
    while (this.#checking.length > 0) await this.#settleOldest();
  }

  async #settleOldest(): Promise<void> {
    const checking = this.#checking.shift();
    if (checking !== undefined)
      this.#checked.push(await this.#inLine(this.#lines[this.#checked.length] ?? 0, checking));
  }

  /** What the log refused about one of the envelopes, as the refusal of its line. */
  refusalOf(error: unknown): unknown {
    if (error instanceof LogUnavailableError) return error;
    const { position, cause } = error instanceof BatchRefusedError ? error : { position: 0, cause: error };
    return new BatchRefusedError(this.#lines[position] ?? 0, cause as Error);
  }

  async #inLine<T>(line: number, result: Promise<T>): Promise<T> {
    try {
      return await result;
    } catch (error) {
      throw error instanceof LogUnavailableError ? error : new BatchRefusedError(line, error as Error);
    }
  }

  async #check(envelope: Envelope): Promise<Checked> {
    if (envelope.recordedAt !== null)
      throw new MalformedError(
        "DSSE envelope",
        "the log says when it takes an entry; send it without",
        "/recordedAt",
      );
    // Documents are few, and what their batch looks up for one may be hundreds of entries, which sending one again is not to cost the log.
    const known = isReleaseKind(envelope.statement.kind) ? undefined : await this.#known(envelope);
    if (known !== undefined) return known;
    try {
      const unavailable = this.#config.unavailable(envelope);
      if (unavailable !== null) throw unavailable;
      return { envelope: await this.#verify(envelope), index: undefined };
    } catch (refusal) {
      // Nearly every release is new, and its batch finds out. What is known is answered as it is logged, whatever it was sent with.
      const logged = await this.#known(envelope);
      if (logged === undefined) throw refusal;
      return logged;
    }
  }

  /** The envelope where the log has its payload already. */
  async #known(envelope: Envelope): Promise<Checked | undefined> {
    const { identities } = await this.#config.store.lookup({ identities: [envelope.statement] });
    const known = findKnown({ findByIdentity: () => identities[0] }, envelope);
    return known && { envelope: withSigners(envelope), index: known.index };
  }

  async #verify(envelope: Envelope): Promise<VerifiedEnvelope> {
    const { statement } = envelope;
    const { verify = entryVerifier(this.#lines.length) } = this.#config;
    const claimed = withSigners(envelope);
    if (statement.kind !== "trust-root") {
      // A key that nobody has introduced is refused below, by that name.
      if (claimed.signers.every((keyId) => this.#lookup(keyId))) checkSigners(this.#inForce, claimed);
      const verified = await verifyEnvelope(envelope, this.#lookup, verify, this.#providers);
      if (statement.kind === "identity-keys") await this.#introduced.addProvider(statement.predicate);
      return verified;
    }
    // A trust root may be signed with keys that it brings itself, and allows the lines after it.
    checkSigners(this.#inForce, claimed);
    await this.#introduced.add(statement.predicate.keys);
    const verified = await verifyEnvelope(envelope, this.#lookup, verify);
    this.#inForce = applyEntry(this.#inForce, { ...envelope, index: this.#inForce.size });
    return verified;
  }

  readonly #providers: TokenKeyLookup = (issuer, kid) => [
    ...(this.#config.providers?.(issuer, kid) ?? []),
    ...this.#introduced.providers(issuer, kid),
  ];

  readonly #lookup: KeyLookup = (keyId) => this.#config.keys(keyId) ?? this.#introduced.lookup(keyId);

  /** Hashes in the thread pool, and only what has the size of something that was named by those who may. */
  async #attach(bytes: Uint8Array): Promise<void> {
    await this.settle();
    const candidates = this.#awaited.filter(({ size }) => size === bytes.length);
    const digest = candidates.length === 0 ? "" : await sha256InPool(bytes);
    const found = candidates.find((candidate) => candidate.digest === digest);
    if (found === undefined)
      throw new MalformedError("batch", "no envelope before this attachment names it by size and digest");
    this.#awaited.splice(this.#awaited.indexOf(found), 1);
    this.#attached.set(digest, bytes);
  }
}

/** Whether lines after it may be signed with keys that it introduces. */
function bringsKeys({ statement: { kind } }: Envelope): boolean {
  return kind === "trust-root" || kind === "identity-keys";
}

/** Hex. */
async function sha256InPool(bytes: Uint8Array): Promise<string> {
  return encodeHex(
    new Uint8Array(await webcrypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)),
  );
}
