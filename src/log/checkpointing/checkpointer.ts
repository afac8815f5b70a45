// Signs checkpoints and has them cosigned. The sequencer says when, and in which order.
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { type Checkpoint, formatCheckpoint } from "../../protocol/note/checkpoint.ts";
import { formatNote, type NoteSigner, parseNote, signNote } from "../../protocol/note/signed-note.ts";
import type { PolicyWitness, TlogPolicy } from "../../protocol/note/tlog-policy.ts";
import { currentTrustRoot, type InForce } from "../../protocol/registration/in-force.ts";
import type { LogConfig } from "../config.ts";
import type { Logger } from "../observer.ts";
import type { LogState } from "../sequencing/recorder.ts";
import type { PublishedCheckpoint } from "../store/log-store.ts";
import type { Prover } from "../tree/prover.ts";
import { askWitnesses } from "./ask-witnesses.ts";
import { type Cosigner, LogBehindError } from "./cosigner.ts";
import { gatherCosignatures, type Quorum, quorumOf } from "./quorum.ts";

export interface CheckpointerConfig
  extends Pick<LogConfig, "signer" | "mlDsaSigner" | "cosigners" | "witnessAt" | "highWater" | "clock"> {
  readonly prover: Prover;
  /** The checkpoint of the high-water mark, of which the start checks know that the tree extends it. */
  readonly signed: Checkpoint | null;
  readonly logger: Logger;
}

/** A checkpoint with the log's signatures and no other. */
export interface SignedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly note: string;
}

export class Checkpointer {
  readonly #config: CheckpointerConfig;
  /** The checkpoint of the high-water mark. */
  #marked: Checkpoint | null;
  #quorum: { readonly digest: string; readonly quorum: Quorum } | null = null;
  /** Witnesses by the URLs of trust roots: each remembers what it saw last. */
  readonly #reached = new Map<string, Cosigner>();

  constructor(config: CheckpointerConfig) {
    this.#config = config;
    this.#marked = config.signed;
  }

  /** Asks witnesses before the first signature. @param note of the high-water mark. @throws StartRefusedError "database-behind" */
  async ask(note: string, { head, inForce }: LogState): Promise<void> {
    const { logger } = this.#config;
    const { policy } = await this.#quorumOf(trustRootOf(inForce));
    await askWitnesses({ policy, cosigners: this.#cosignersOf(policy), note, size: head.size, logger });
  }

  /**
   * Signs a durable tree. Nobody may see the signature before `mark` has resolved.
   * @throws LogBehindError when the log has signed something else before.
   */
  async sign({ head, inForce }: LogState): Promise<SignedCheckpoint> {
    const current = trustRootOf(inForce);
    const { root } = current;
    const checkpoint = { origin: root.origin, size: head.size, root: head.root };
    const marked = this.#marked;
    if (marked !== null && contradicts(marked, checkpoint)) {
      throw new LogBehindError(
        `the log has signed size ${marked.size} with root ${encodeHex(marked.root)} before`,
      );
    }
    const { policy } = await this.#quorumOf(current);
    return { checkpoint, note: await signNote(formatCheckpoint(checkpoint), this.#signersIn(policy)) };
  }

  /** The log's keys that the trust root names: the ML-DSA-44 key may be configured before it does. */
  #signersIn({ logs }: TlogPolicy): NoteSigner[] {
    const { signer, mlDsaSigner } = this.#config;
    const isNamed = mlDsaSigner !== undefined && logs.some(({ key }) => isBy(mlDsaSigner, key));
    return isNamed ? [signer, mlDsaSigner] : [signer];
  }

  /**
   * Remembers outside the database that this was signed, with its Ed25519 signature. It is durable once this resolves.
   * @throws MarkMovedError when somebody else signs for this log.
   */
  async mark({ checkpoint, note }: SignedCheckpoint): Promise<void> {
    if (this.#marked?.size !== checkpoint.size) {
      const { text, signatures } = parseNote(note);
      const own = signatures.filter((signature) => isBy(this.#config.signer, signature));
      await this.#config.highWater.swap(formatNote({ text, signatures: own }));
    }
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
    const { prover, logger, clock } = this.#config;
    const quorum = await this.#quorumOf(trustRootOf(inForce));
    const cosigners = this.#cosignersOf(quorum.policy);
    const consistencyFrom = (size: number) => prover.consistency(size, checkpoint.size);
    const request = { checkpoint, note, consistencyFrom };
    const own = parseNote(note);
    for await (const given of gatherCosignatures(cosigners, request, quorum, signal, { logger, clock })) {
      const cosigned = formatNote({ text: own.text, signatures: [...own.signatures, ...given.signatures] });
      yield { size: checkpoint.size, cosignedAt: given.cosignedAt, note: cosigned };
    }
  }

  /** Who is configured, and the witnesses that the trust root says where to reach. */
  #cosignersOf({ witnesses }: TlogPolicy): Cosigner[] {
    const { cosigners, witnessAt } = this.#config;
    const isConfigured = ({ name, key }: PolicyWitness) =>
      cosigners.some((cosigner) => cosigner.name === name || cosigner.name === key.name);
    const reached = witnesses
      .filter((witness) => !isConfigured(witness))
      .flatMap(({ name, url }) => this.#reach(name, url, witnessAt));
    return [...cosigners, ...new Set(reached)];
  }

  #reach(name: string, url: string | undefined, witnessAt: LogConfig["witnessAt"]): Cosigner[] {
    if (url === undefined || witnessAt === undefined) return [];
    const known = this.#reached.get(url) ?? witnessAt(name, url);
    this.#reached.set(url, known);
    return [known];
  }

  async #quorumOf({ digest, root }: { digest: string; root: TrustRoot }): Promise<Quorum> {
    if (this.#quorum?.digest !== digest) this.#quorum = { digest, quorum: await quorumOf(root) };
    const { quorum } = this.#quorum;
    const { signer } = this.#config;
    if (!quorum.policy.logs.some(({ key }) => isBy(signer, key))) {
      throw new Error(
        `the trust root in force does not name log key ${signer.name}+${signer.keyId}; restart with the key it names`,
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

function isBy(signer: NoteSigner, { name, keyId }: Pick<NoteSigner, "name" | "keyId">): boolean {
  return signer.name === name && signer.keyId === keyId;
}
