// Decides what a witness cosigns: C2SP tlog-witness, add-checkpoint. It cosigns a checkpoint that a log of its lists signed and that extends
// what it cosigned of that log before, and has written down that it did before anybody sees the cosignature.
import { signingNatively, witnessVerifier } from "../node/ed25519.ts";
import { nativeSha256 } from "../node/sha256.ts";
import { equalBytes } from "../protocol/encoding/bytes.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";
import { MalformedError, VerificationError } from "../protocol/errors.ts";
import { verifyConsistency } from "../protocol/merkle/consistency.ts";
import { EMPTY_ROOT } from "../protocol/merkle/hash.ts";
import { type Checkpoint, formatCheckpoint } from "../protocol/note/checkpoint.ts";
import { createCosigner } from "../protocol/note/cosignature.ts";
import type { NotePrivateKey } from "../protocol/note/key.ts";
import {
  formatNote,
  formatSignatureLine,
  type NoteSignature,
  type NoteVerifier,
  openNote,
} from "../protocol/note/signed-note.ts";
import { type AddCheckpointRequest, parseAddCheckpoint } from "./add-checkpoint-request.ts";
import { Budget } from "./budget.ts";
import { type KnownLog, mergeLogs } from "./log-list.ts";
import type { Cosigned, WitnessStore } from "./witness-store.ts";

/** Why a witness does not cosign; app.ts gives each its status. */
export type Refusal =
  /** It cannot be read, or the old size is beyond the new one. */
  | "malformed"
  /** No list has a log of this origin. */
  | "unknown-log"
  /** No key that its list has for the log signed it, or a signature of one is wrong. */
  | "not-signed"
  /** The log had more cosigned today than its list allows. */
  | "too-often"
  /** It is of another tree than what was cosigned before. */
  | "inconsistent";

export type Answer =
  /** Signature lines, `— name base64\n` each. */
  | { readonly outcome: "cosigned"; readonly lines: readonly string[] }
  /** The proof is not from the size that was cosigned last, which is this one. */
  | { readonly outcome: "stale"; readonly size: number }
  | { readonly outcome: Refusal; readonly reason: string };

export interface WitnessConfig {
  /** Of types 0x04 and 0x06; each signs every checkpoint. */
  readonly keys: readonly NotePrivateKey[];
  readonly logs: readonly KnownLog[];
  readonly store: WitnessStore;
  /** Checkpoints that a log may have cosigned in a day where its list does not say. */
  readonly perDay: number;
  readonly clock: () => Date;
  /** Told of two notes that the log signed and that cannot both be true of it, as far as this witness can tell. */
  readonly onInconsistent?: (cosigned: string, shown: string) => void;
}

interface TrustedLog extends KnownLog {
  readonly verifiers: readonly NoteVerifier[];
}

class Refused extends Error {
  readonly outcome: Refusal;

  constructor(outcome: Refusal, reason: string) {
    super(reason);
    this.outcome = outcome;
  }
}

export class Witness {
  readonly #config: WitnessConfig;
  #logs: ReadonlyMap<string, KnownLog> = new Map();
  /** Origins by their SHA-256 in hex, as monitors ask for them. */
  readonly #origins = new Map<string, string>();
  readonly #keys: readonly NotePrivateKey[];
  readonly #budget = new Budget();

  constructor(config: WitnessConfig) {
    this.#config = config;
    this.#keys = config.keys.map(signingNatively);
    this.learn(config.logs);
  }

  /** Adds logs, and keys of logs. None is ever taken away while the witness runs: what it cosigned it goes on to watch. */
  learn(logs: readonly KnownLog[]): void {
    const all = mergeLogs([...this.#logs.values(), ...logs]);
    this.#logs = new Map(all.map((log) => [log.origin, log]));
    for (const { origin } of all) this.#origins.set(encodeHex(nativeSha256(utf8(origin))), origin);
  }

  /** Logs that may be cosigned. */
  get knownLogs(): number {
    return this.#logs.size;
  }

  /** Answers an add-checkpoint request. What it returns as cosigned is durable. */
  async addCheckpoint(body: Uint8Array): Promise<Answer> {
    try {
      return await this.#add(parseAddCheckpoint(body));
    } catch (error) {
      if (error instanceof Refused) return { outcome: error.outcome, reason: error.message };
      if (error instanceof MalformedError) return { outcome: "malformed", reason: error.message };
      throw error;
    }
  }

  /**
   * The largest checkpoint of a log that was cosigned, with the cosignatures; undefined where none was.
   * @param digest SHA-256 of the origin, hex.
   */
  cosigned(digest: string): string | undefined {
    const origin = this.#origins.get(digest);
    return origin === undefined ? undefined : this.#config.store.find(origin)?.note;
  }

  async #add(request: AddCheckpointRequest): Promise<Answer> {
    const { oldSize, checkpoint } = request;
    const log = await this.#trusted(checkpoint.origin);
    const signatures = await verifyLog(request.note, log);
    this.#spend(log);
    if (oldSize > checkpoint.size) throw new Refused("malformed", "the old size is beyond the checkpoint");
    const before = this.#config.store.find(log.origin);
    if (oldSize !== (before?.size ?? 0)) return { outcome: "stale", size: before?.size ?? 0 };
    this.#requireConsistent(request, before);
    const { lines, next } = await this.#cosign(checkpoint, signatures);
    // The point of no return: from here on no other tree of this size, and no smaller one, is ever cosigned.
    const { store } = this.#config;
    if (store.replace(log.origin, before, next)) return { outcome: "cosigned", lines };
    // Another request was faster, and nobody has seen this cosignature.
    return { outcome: "stale", size: store.find(log.origin)?.size ?? 0 };
  }

  async #trusted(origin: string): Promise<TrustedLog> {
    const log = this.#logs.get(origin);
    if (log === undefined) throw new Refused("unknown-log", "unknown log");
    return { ...log, verifiers: await Promise.all(log.keys.map(witnessVerifier)) };
  }

  /** Only what the log signed counts, so that nobody else uses its budget up. */
  #spend({ origin, perDay = this.#config.perDay }: KnownLog): void {
    if (!this.#budget.take(origin, perDay, this.#config.clock().getTime()))
      throw new Refused("too-often", `at most ${perDay} checkpoints of a log in a day`);
  }

  #requireConsistent(request: AddCheckpointRequest, before: Cosigned | undefined): void {
    try {
      checkConsistent(request, before);
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      if (before !== undefined && contradicts(before, request.checkpoint))
        this.#config.onInconsistent?.(before.note, request.note);
      throw new Refused("inconsistent", error.message);
    }
  }

  /** Signs what was parsed, written again, so that what is signed is what was checked. */
  async #cosign(
    checkpoint: Checkpoint,
    logSignatures: readonly NoteSignature[],
  ): Promise<{ lines: string[]; next: Cosigned }> {
    const now = this.#config.clock();
    const text = formatCheckpoint(checkpoint);
    const cosignatures = await Promise.all(
      this.#keys.map(async (key) => {
        const { name, keyId, sign } = createCosigner(key, () => now);
        return { name, keyId, signature: await sign(utf8(text)) };
      }),
    );
    const note = formatNote({ text, signatures: [...logSignatures, ...cosignatures] });
    const { size, root } = checkpoint;
    const next = { size, root, cosignedAt: Math.floor(now.getTime() / 1000), note };
    return { lines: cosignatures.map(formatSignatureLine), next };
  }
}

/** The log's own lines, verified; those of unknown keys are dropped. */
async function verifyLog(note: string, { verifiers }: TrustedLog): Promise<readonly NoteSignature[]> {
  try {
    return (await openNote(note, verifiers)).verified;
  } catch (error) {
    if (error instanceof VerificationError) throw new Refused("not-signed", error.message);
    throw error;
  }
}

/** @throws Refused, VerificationError unless it extends the checkpoint that was cosigned before, the empty tree where none was. */
function checkConsistent({ proof, checkpoint }: AddCheckpointRequest, before: Cosigned | undefined): void {
  const { size, root } = checkpoint;
  if (size === 0 && !equalBytes(root, EMPTY_ROOT))
    throw new Refused("inconsistent", "a tree of size 0 has the root of something");
  if (before !== undefined && before.size > 0)
    verifyConsistency({ fromSize: before.size, fromRoot: before.root, toSize: size, toRoot: root, proof });
  else if (proof.length > 0)
    throw new Refused("inconsistent", "a consistency proof from size 0 has no hashes");
}

/** Two roots of one size. A larger tree with a wrong proof may be the fault of whoever made the request. */
function contradicts(before: Cosigned, { size, root }: Checkpoint): boolean {
  return before.size === size && !equalBytes(before.root, root);
}
