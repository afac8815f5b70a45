// Defines cosigners: each confirms, with a time, that a checkpoint extends everything it saw before (C2SP tlog-cosignature, tlog-witness).

import { signingNatively } from "../../node/ed25519.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import type { Checkpoint } from "../../protocol/note/checkpoint.ts";
import { createCosigner } from "../../protocol/note/cosignature.ts";
import type { NotePrivateKey } from "../../protocol/note/key.ts";
import { formatSignatureLine, type NoteSigner, parseNote } from "../../protocol/note/signed-note.ts";

export interface CosignRequest {
  readonly checkpoint: Checkpoint;
  /** The checkpoint as a note with the log's signatures and no other. */
  readonly note: string;
  /** The consistency proof from an earlier size to the checkpoint's. @throws RangeError for a size of 0 or beyond it. */
  consistencyFrom(size: number): Promise<Uint8Array[]>;
}

export interface Cosigner {
  /** For log lines. */
  readonly name: string;
  /**
   * Asks for cosignatures and resolves with their lines, `— name base64\n` each. Nothing it returns is trusted: every line is verified.
   * It is asked again for later checkpoints while an earlier call may still run; a call that a later one has overtaken may resolve with none.
   * @throws LogBehindError when it can show a larger checkpoint signed by this log. Any other error counts as no cosignature.
   */
  gather(request: CosignRequest, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * The size of the largest tree of this log that it claims to have seen, where it remembers one.
   * @param note a checkpoint that the log has signed. @throws Error when it does not say.
   */
  sizeSeen?(note: string, signal: AbortSignal): Promise<number>;
}

/** The log has signed a checkpoint that its tree does not extend, as its own mark or a cosigner shows: going on would fork it. */
export class LogBehindError extends Error {
  override readonly name = "LogBehindError";
}

/** The log's own cosigning key. It gives checkpoints a time; it is named in the trust root as not independent. */
export class OwnCosigner implements Cosigner {
  readonly name: string;
  readonly #signer: NoteSigner;

  /** @param key of type 0x04. */
  constructor(key: NotePrivateKey, clock: () => Date) {
    this.#signer = createCosigner(signingNatively(key), clock);
    this.name = key.verifierKey.name;
  }

  async gather({ note }: CosignRequest): Promise<string[]> {
    const { name, keyId } = this.#signer;
    const signature = await this.#signer.sign(utf8(parseNote(note).text));
    return [formatSignatureLine({ name, keyId, signature })];
  }
}
