// Signs checkpoints and has them cosigned. The sequencer says when, and in which order.
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { type Checkpoint, formatCheckpoint } from "../../protocol/note/checkpoint.ts";
import { formatNote, type NoteSigner, parseNote, signNote } from "../../protocol/note/signed-note.ts";
import { currentTrustRoot, type InForce } from "../../protocol/registration/in-force.ts";
import type { Logger } from "../observer.ts";
import type { LogState } from "../sequencing/recorder.ts";
import type { PublishedCheckpoint } from "../store/log-store.ts";
import type { Prover } from "../tree/prover.ts";
import { type Cosigner, LogBehindError } from "./cosigner.ts";
import type { HighWater } from "./high-water.ts";
import { gatherCosignatures, type Quorum, quorumOf } from "./quorum.ts";

export interface CheckpointerConfig {
  readonly signer: NoteSigner;
  readonly cosigners: readonly Cosigner[];
  readonly highWater: HighWater;
  readonly prover: Prover;
  /** The checkpoint of the high-water mark, of which the start checks know that the tree extends it. */
  readonly signed: Checkpoint | null;
  readonly clock: () => Date;
  readonly logger: Logger;
}

/** A checkpoint with the log's signature and no other. */
export interface SignedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly note: string;
}

export class Checkpointer {
  readonly #config: CheckpointerConfig;
  /** The checkpoint of the high-water mark. */
  #marked: Checkpoint | null;
  #quorum: { readonly digest: string; readonly quorum: Quorum } | null = null;

  constructor(config: CheckpointerConfig) {
    this.#config = config;
    this.#marked = config.signed;
  }

  /**
   * Signs a durable tree. Nobody may see the signature before `mark` has resolved.
   * @throws LogBehindError when the log has signed something else before.
   */
  async sign({ head, inForce }: LogState): Promise<SignedCheckpoint> {
    const { root } = trustRootOf(inForce);
    const checkpoint = { origin: root.origin, size: head.size, root: head.root };
    const marked = this.#marked;
    if (marked !== null && contradicts(marked, checkpoint)) {
      throw new LogBehindError(
        `the log has signed size ${marked.size} with root ${encodeHex(marked.root)} before`,
      );
    }
    return { checkpoint, note: await signNote(formatCheckpoint(checkpoint), [this.#config.signer]) };
  }

  /** Remembers outside the database that this was signed. It is durable once this resolves. */
  async mark({ checkpoint, note }: SignedCheckpoint): Promise<void> {
    if (this.#marked?.size !== checkpoint.size) await this.#config.highWater.write(note);
    this.#marked = checkpoint;
  }

  /**
   * Has a checkpoint cosigned by the quorum of the trust root in force: the first value. Each later one is the same checkpoint with the
   * cosignatures that came in since, until all have answered or the signal is raised.
   * @throws LogBehindError when a cosigner has seen more than it; QuorumNotMetError before the first value.
   */
  async *cosign(
    { checkpoint, note }: SignedCheckpoint,
    inForce: InForce,
    signal: AbortSignal,
  ): AsyncGenerator<PublishedCheckpoint, void> {
    const { prover, cosigners, logger, clock } = this.#config;
    const consistencyFrom = (size: number) => prover.consistency(size, checkpoint.size);
    const quorum = await this.#quorumOf(trustRootOf(inForce));
    const request = { checkpoint, note, consistencyFrom };
    const own = parseNote(note);
    for await (const given of gatherCosignatures(cosigners, request, quorum, signal, { logger, clock })) {
      const cosigned = formatNote({ text: own.text, signatures: [...own.signatures, ...given.signatures] });
      yield { size: checkpoint.size, cosignedAt: given.cosignedAt, note: cosigned };
    }
  }

  async #quorumOf({ digest, root }: { digest: string; root: TrustRoot }): Promise<Quorum> {
    if (this.#quorum?.digest !== digest) this.#quorum = { digest, quorum: await quorumOf(root) };
    const { quorum } = this.#quorum;
    const { name, keyId } = this.#config.signer;
    if (!quorum.policy.logs.some(({ key }) => key.name === name && key.keyId === keyId)) {
      throw new Error(
        `the trust root in force does not name log key ${name}+${keyId}; restart with the key it names`,
      );
    }
    return quorum;
  }
}

/** The trust root whose quorum cosigns. */
export function trustRootOf(inForce: InForce): { digest: string; root: TrustRoot } {
  const current = currentTrustRoot(inForce);
  if (current === undefined) throw new Error("a log without a trust root has no checkpoint");
  return current;
}

/** A smaller tree, or another one of the same size. Larger ones extend it, since the tree only ever grows. */
function contradicts(signed: Checkpoint, next: Checkpoint): boolean {
  return next.size < signed.size || (next.size === signed.size && !equalBytes(next.root, signed.root));
}
