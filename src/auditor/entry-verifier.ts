// Reads entries and verifies their signatures, many at a time and ahead of the replay: verification runs on the thread pool while the
// next bundle is being read.
import { nativeSha256 } from "../node/sha256.ts";
import { KeyRing } from "../protocol/cryptography/key-ring.ts";
import {
  type Envelope,
  parseLeaf,
  type VerifiedEnvelope,
  verifyEnvelope,
} from "../protocol/envelope/dsse.ts";
import { MalformedError, VerificationError } from "../protocol/errors.ts";
import type { EntryProblem } from "./audit-finding.ts";

/** An entry whose signatures all verify, or what is wrong with it. */
export type CheckedEntry =
  | { readonly envelope: VerifiedEnvelope; readonly problem: null }
  | { readonly envelope: null; readonly problem: EntryProblem };

export class EntryVerifier {
  /** The keys of every trust root and provider so far. What each of them may sign is for the registration rules to say. */
  readonly keys = new KeyRing();
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * Reads and verifies the entries of a bundle. Bundles must come in the order of the log: a trust root's keys verify what follows.
   * Rejects only as `entries` does.
   */
  verify(entries: Promise<readonly Uint8Array[]>): Promise<CheckedEntry[]> {
    const parsed = this.#turn.then(async () => this.#parse(await entries));
    this.#turn = parsed.catch(() => undefined);
    return parsed.then((envelopes) => Promise.all(envelopes.map((envelope) => this.#verifyOne(envelope))));
  }

  async #parse(entries: readonly Uint8Array[]): Promise<Array<Envelope | EntryProblem>> {
    const envelopes: Array<Envelope | EntryProblem> = [];
    for (const entry of entries) envelopes.push(await this.#parseOne(entry));
    return envelopes;
  }

  #parseOne(entry: Uint8Array): Envelope | EntryProblem | Promise<Envelope | EntryProblem> {
    try {
      const envelope = parseLeaf(entry, nativeSha256);
      const { statement } = envelope;
      if (statement.kind === "trust-root")
        return this.keys.add(statement.predicate.keys).then(() => envelope, malformed);
      if (statement.kind === "identity-keys")
        return this.keys.addProvider(statement.predicate).then(() => envelope, malformed);
      return envelope;
    } catch (error) {
      return malformed(error);
    }
  }

  #verify(envelope: Envelope): Promise<VerifiedEnvelope> {
    return verifyEnvelope(envelope, this.keys.lookup, undefined, this.keys.providers);
  }

  async #verifyOne(envelope: Envelope | EntryProblem): Promise<CheckedEntry> {
    if ("code" in envelope) return { envelope: null, problem: envelope };
    try {
      return { envelope: await this.#verify(envelope), problem: null };
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      return { envelope: null, problem: { code: "entry-signature", message: error.message } };
    }
  }
}

function malformed(error: unknown): EntryProblem {
  if (!(error instanceof MalformedError)) throw error;
  return { code: "entry-malformed", message: error.message };
}
