// Knows the key that requests are sealed to, for as long as a verdict about it lasts, and cuts replies in flight when it is withdrawn.
import { type AppraiseOptions, appraiseEvidence, prepareAppraisal } from "../verifier/appraisal/appraise.ts";
import type { Verdict } from "../verifier/appraisal/verdict.ts";
import type { VerifiedBundle } from "../verifier/bundle/verify-bundle.ts";
import { VerifiedCache } from "../verifier/verified-cache.ts";
import { GateError, refusalOf } from "./gate-error.ts";
import { type Asking, fetchEvidence, fetchKey } from "./machine.ts";
import type { KeyConfiguration } from "./oblivious-http/key-configuration.ts";
import type { PolicyWatch } from "./policy-watch.ts";

export interface TrustedKey {
  readonly configuration: KeyConfiguration;
  readonly verdict: Verdict;
  /** Whether a reply that was sealed under it has been seen: a refusal after that says that it has been replaced. */
  proven: boolean;
}

interface Held extends TrustedKey {
  readonly evidence: Uint8Array;
  readonly nonce: Uint8Array;
  /** When the evidence was made, and when the verdict ends, in milliseconds. */
  readonly since: number;
  readonly until: number;
}

type Shown = Omit<Held, "verdict" | "until">;

export interface KeeperOptions extends Asking {
  readonly policy: Pick<PolicyWatch, "current" | "again">;
  readonly now: () => Date;
  /** Milliseconds. */
  readonly maxVerdictAge: number;
  readonly roots?: AppraiseOptions["roots"];
  readonly onVerdict: (verdict: Verdict) => void;
}

/** A refusal is repeated for so long without asking again: programs try several times, and many at once. Milliseconds. */
const REFUSAL_MEMORY = 5000;

export class KeyKeeper {
  readonly #options: KeeperOptions;
  readonly #verified = new VerifiedCache();
  #held: Held | null = null;
  #appraising: Promise<Held> | null = null;
  #refused: { readonly error: GateError; readonly at: number } | null = null;
  readonly #streams = new Set<AbortController>();

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** The key to seal to. Whoever asks while it is being appraised waits for the same verdict. @throws GateError */
  async key(): Promise<TrustedKey> {
    this.#repeatRefusal();
    if (this.#held === null || !this.#lasts(this.#held)) return this.#appraiseAnew();
    await this.#options.policy.current();
    return this.#held !== null && this.#lasts(this.#held) ? this.#held : this.#appraiseAnew();
  }

  /** Lets go of a key that the machine does not open any more. */
  forget(key: TrustedKey): void {
    if (this.#held?.configuration === key.configuration) this.#held = null;
  }

  /** Cuts the reply when the machine is not trusted any more. @returns what to call when the reply has ended. */
  watch(stream: AbortController): () => void {
    this.#streams.add(stream);
    return () => void this.#streams.delete(stream);
  }

  /** Holds the evidence against a policy or a status that is new: where it is not trusted any more, no reply in flight goes on either. */
  async judgeAgain(bundle: VerifiedBundle): Promise<void> {
    const held = this.#held;
    if (held === null) return;
    try {
      const again = await this.#appraise(bundle, held);
      if (this.#held === held) this.#held = again;
    } catch (error) {
      this.revoke(error);
    }
  }

  /** Forgets the key, and cuts the replies that are sealed under it. */
  revoke(cause: unknown): void {
    this.#held = null;
    const why = cause instanceof Error ? cause.message : "it is not trusted any more";
    for (const stream of this.#streams)
      stream.abort(new GateError("revoked", `the reply was ended: ${why}`, { sent: true, cause }));
    this.#streams.clear();
  }

  #appraiseAnew(): Promise<Held> {
    this.#appraising ??= this.#fetchAndAppraise().finally(() => {
      this.#appraising = null;
    });
    return this.#appraising;
  }

  async #fetchAndAppraise(): Promise<Held> {
    const { policy } = this.#options;
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    const since = this.#options.now().getTime();
    try {
      // The machine first: it is asked twice, and the policy only once what was remembered of the log has been read.
      const [shown, bundle] = await Promise.all([this.#askMachine(nonce), policy.current(), loadCode()]);
      this.#held = await this.#appraiseToLast(bundle, { ...shown, nonce, since, proven: false });
      return this.#held;
    } catch (error) {
      const refused = error instanceof GateError && error.code !== "unreachable";
      if (refused) this.#refused = { error, at: this.#options.now().getTime() };
      throw error;
    }
  }

  async #askMachine(nonce: Uint8Array): Promise<Pick<Held, "configuration" | "evidence">> {
    const configuration = await fetchKey(this.#options);
    return { configuration, evidence: await fetchEvidence(this.#options, configuration.publicKey, nonce) };
  }

  /** A verdict that has not ended already: what had, may have been the policy's part, and the log has a newer one. */
  async #appraiseToLast(bundle: VerifiedBundle, shown: Shown): Promise<Held> {
    const held = await this.#appraise(bundle, shown);
    if (this.#lasts(held)) return held;
    const again = await this.#appraise(await this.#options.policy.again(), shown);
    if (this.#lasts(again)) return again;
    throw new GateError("expired", "the verdict has ended already: look at the clock", {
      verdict: again.verdict,
    });
  }

  /** @throws GateError unless the verdict is "trusted". */
  async #appraise(bundle: VerifiedBundle, shown: Shown): Promise<Held> {
    const { roots, onVerdict, maxVerdictAge } = this.#options;
    const verdict = await appraiseEvidence(bundle, shown.evidence, {
      now: this.#options.now(),
      nonce: shown.nonce,
      channel: { type: "hpke", key: shown.configuration.publicKey },
      verified: this.#verified,
      ...(roots && { roots }),
    });
    onVerdict(verdict);
    if (verdict.verdict !== "trusted") throw refusalOf(verdict);
    const until = Math.min(Date.parse(verdict.validUntil ?? verdict.asOf), shown.since + maxVerdictAge);
    return { ...shown, verdict, until };
  }

  /** By the clock on the wall, which goes on while a laptop sleeps; one that was turned back ends the verdict. */
  #lasts({ since, until }: Held): boolean {
    const now = this.#options.now().getTime();
    return now >= since && now < until;
  }

  #repeatRefusal(): void {
    if (this.#refused === null) return;
    const age = this.#options.now().getTime() - this.#refused.at;
    if (age >= 0 && age < REFUSAL_MEMORY) throw this.#refused.error;
    this.#refused = null;
  }
}

/** While log and machine are being asked. @throws GateError "unreachable" where the page's server does not answer. */
async function loadCode(): Promise<void> {
  await prepareAppraisal().catch((cause: unknown) => {
    throw new GateError("unreachable", "the code that appraises cannot be loaded", { cause });
  });
}
