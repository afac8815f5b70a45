// Issues receipts (docs/formats.md, "Receipts") of published trees, by the key that this server has and the trust root lists.
import { LRUCache } from "lru-cache";
import type { Published } from "../../log/checkpointing/publication.ts";
import type { PublishedLog } from "../../log/published-log.ts";
import type { CoseSignature, CoseSigner } from "../../protocol/cose/cose-sign1.ts";
import { encodeReceipt, signTree } from "../../protocol/cose/receipt.ts";
import { parseCheckpoint } from "../../protocol/note/checkpoint.ts";
import { parseNote } from "../../protocol/note/signed-note.ts";
import { requirePublished } from "../entries/read-entry.ts";
import { oneATurn } from "../http/one-a-turn.ts";
import { requireWithin } from "../http/parameters.ts";
import { type ProblemCode, RequestProblem } from "../problem.ts";

/** One signature serves all receipts over a tree. */
const KEPT_SIGNATURES = 4096;

export interface ReceiptIssuerOptions {
  readonly log: PublishedLog;
  readonly origin: string;
  /** null where this server has no receipt key. */
  readonly signer: CoseSigner | null;
}

export class ReceiptIssuer {
  readonly #log: PublishedLog;
  readonly #origin: string;
  readonly #signer: CoseSigner | null;
  /** A signer may be a program that is started for each signature, and a log has as many trees as anybody cares to name. */
  readonly #nextTurn = oneATurn();
  readonly #signed = new LRUCache<number, Promise<CoseSignature>>({ max: KEPT_SIGNATURES });

  constructor({ log, origin, signer }: ReceiptIssuerOptions) {
    this.#log = log;
    this.#origin = origin;
    this.#signer = signer;
  }

  /**
   * Who signs what this log says in COSE: receipts over a tree of `size`, and views of what is in force in it.
   * @param size of a published tree; the newest unless given.
   * @throws RequestProblem "receipts-off" (404) where the trust root in force there lists no key, or not the one of this server;
   * "no-receipt-key" (503) where it lists one and this server has none.
   */
  signerOf(size?: number): CoseSigner {
    const { inForce, checkpoint } = requirePublished(this.#log);
    const asked = size ?? checkpoint.size;
    const receiptKeys = receiptKeysIn(inForce, asked);
    if (receiptKeys.length === 0)
      throw new RequestProblem(
        "receipts-off",
        `the trust root in force at size ${asked} lists no receipt key: this log signs its checkpoints and nothing else`,
      );
    if (this.#signer === null)
      throw new RequestProblem(
        "no-receipt-key",
        "this server has no receipt key; ask another one of this log",
      );
    if (!receiptKeys.includes(this.#signer.spki))
      throw new RequestProblem(
        "receipts-off",
        `the trust root in force at size ${asked} does not list the receipt key of this server, ${this.#signer.keyId}`,
      );
    return this.#signer;
  }

  /** Whether the trust root lists receipt keys, and this server has none: another one of this log may. */
  lacksKey(): boolean {
    return this.#signer === null && this.areGiven();
  }

  /** As `signerOf`, for what is shown unsigned, too: null where this server signs nothing. */
  signerIfAny(): CoseSigner | null {
    try {
      return this.signerOf();
    } catch (error) {
      if (error instanceof RequestProblem && WITHOUT_KEY.includes(error.code)) return null;
      throw error;
    }
  }

  /** Whether the trust root in force lists a key, so that some server of this log gives receipts. */
  areGiven(): boolean {
    const { inForce, checkpoint } = requirePublished(this.#log);
    return receiptKeysIn(inForce, checkpoint.size).length > 0;
  }

  /** @throws RequestProblem as `signerOf`; "beyond-tree"; "not-found" where no checkpoint of this size was published. */
  async inclusion(index: number, size: number): Promise<Uint8Array> {
    requireWithin(index + 1, size, `entry ${index}`);
    const tree = await this.#signedTree(size);
    const path = await this.#log.proveInclusion(index, size);
    return encodeReceipt(tree, { kind: "inclusion", size, index, path });
  }

  /** @throws RequestProblem as `inclusion`, for either size. */
  async consistency(fromSize: number, size: number): Promise<Uint8Array> {
    if (fromSize >= size)
      throw new RequestProblem("invalid-parameter", "from: the earlier tree is smaller than `to`");
    await this.#rootOf(fromSize);
    const tree = await this.#signedTree(size);
    const path = await this.#log.proveConsistency(fromSize, size);
    return encodeReceipt(tree, { kind: "consistency", fromSize, size, path });
  }

  async #signedTree(size: number): Promise<CoseSignature> {
    const signer = this.signerOf(size);
    const root = await this.#rootOf(size);
    const kept = this.#signed.get(size);
    if (kept !== undefined) return kept;
    const signing = this.#nextTurn(() => signTree(signer, { origin: this.#origin, size, root }));
    this.#signed.set(size, signing);
    signing.catch(() => this.#signed.delete(size));
    return signing;
  }

  /** A root that no checkpoint has is signed for nobody: it would be a tree that witnesses never saw. */
  async #rootOf(size: number): Promise<Uint8Array> {
    const { checkpoint } = requirePublished(this.#log);
    requireWithin(size, checkpoint.size, `size ${size}`);
    if (size === checkpoint.size) return checkpoint.root;
    const [first] = await this.#log.checkpointsFrom(size, 1);
    if (first?.size !== size)
      throw new RequestProblem("not-found", `no checkpoint of size ${size} was published`);
    return parseCheckpoint(parseNote(first.note).text).root;
  }
}

const WITHOUT_KEY: readonly ProblemCode[] = ["receipts-off", "no-receipt-key"];

/** The receipt keys of the trust root with the highest index in a tree of `size`. */
function receiptKeysIn({ trustRoots }: Published["inForce"], size: number): readonly string[] {
  return trustRoots.findLast(({ index }) => index < size)?.root.receiptKeys ?? [];
}
