// Keeps verdicts by the key that they are about, never by a name, each with the evidence that it was made of, and makes new ones: one at a
// time for each key.
import { createHash, randomBytes } from "node:crypto";
import { MAX_CLOCK_SKEW } from "../protocol/note/cosigned-checkpoint.ts";
import { GateError, refusalOf } from "../sealed/gate-error.ts";
import { basisOf, MEMORY_MS, type PolicyWatch } from "../sealed/policy-watch.ts";
import { type AppraiseOptions, appraiseEvidence } from "../verifier/appraisal/appraise.ts";
import type { Verdict } from "../verifier/appraisal/verdict.ts";
import type { VerifiedBundle } from "../verifier/bundle/verify-bundle.ts";
import { VerifiedCache } from "../verifier/verified-cache.ts";

export interface VerdictKeeperOptions {
  readonly policy: Pick<PolicyWatch, "current">;
  readonly now: () => Date;
  /** Milliseconds that evidence counts from when it was asked for. */
  readonly maxVerdictAge: number;
  readonly roots?: AppraiseOptions["roots"] | undefined;
  /** Told of every verdict, also of those that say no. */
  readonly onVerdict?: ((verdict: Verdict) => void) | undefined;
}

/** Asks the machine for evidence, made for this nonce of 32 bytes. @throws GateError */
type AskEvidence = (nonce: Uint8Array) => Promise<Uint8Array>;

export interface KeptVerdict {
  readonly verdict: Verdict;
  /** Milliseconds since the epoch: it counts from `from`, and no longer at `until`. */
  readonly from: number;
  readonly until: number;
}

interface Kept extends KeptVerdict {
  readonly basis: string;
  readonly spki: Uint8Array;
  readonly nonce: Uint8Array;
  readonly evidence: Uint8Array;
  readonly askedAt: number;
}

const NONCE_BYTES = 32;

export class VerdictKeeper {
  readonly #options: VerdictKeeperOptions;
  /** All by the SHA-256 of the key. */
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Promise<Kept>>();
  readonly #refused = new Map<string, { readonly error: GateError; readonly at: number }>();
  readonly #verified = new VerifiedCache();

  constructor(options: VerdictKeeperOptions) {
    this.#options = options;
  }

  /** The one that was made last, where it still counts. */
  get newest(): KeptVerdict | null {
    const now = this.#now();
    return [...this.#kept.values()].findLast((kept) => counts(kept, now)) ?? null;
  }

  /** When the first of them ends, milliseconds since the epoch; infinite where there is none. */
  get earliestEnd(): number {
    return Math.min(...[...this.#kept.values()].map(({ until }) => until));
  }

  /**
   * The verdict about the machine with this key, which says that it is trusted and still counts.
   * @param spki DER of the key of the connection at hand; @param ask asks over that connection, and only where no verdict counts.
   * @throws GateError
   */
  async verdictFor(spki: Uint8Array, ask: AskEvidence): Promise<KeptVerdict> {
    const id = createHash("sha256").update(spki).digest("hex");
    for (;;) {
      const basis = basisOf(await this.#options.policy.current());
      const kept = this.#kept.get(id);
      if (kept?.basis === basis && counts(kept, this.#now())) return kept;
      this.#throwIfRefused(id);
      const asking = this.#asking.get(id);
      // The policy may have changed while evidence was on its way: what comes out is looked at as any other.
      if (asking === undefined) await this.#begin(id, spki, ask);
      // Whoever else asked may have lost his connection: then it is asked over this one.
      else
        await asking.catch((error: unknown) => {
          if (!isOfOneConnection(error)) throw error;
        });
    }
  }

  /**
   * Appraises all evidence that still counts again.
   * @returns the refusal of the first that this bundle does not trust, or null.
   */
  async appraiseAgain(bundle: VerifiedBundle): Promise<GateError | null> {
    const now = this.#now();
    for (const [id, kept] of this.#kept) {
      if (!counts(kept, now)) this.#kept.delete(id);
      else if (kept.basis !== basisOf(bundle)) {
        const verdict = await this.#appraise(bundle, kept);
        if (verdict.verdict !== "trusted") return refusalOf(verdict);
        this.#keep(id, { ...kept, ...this.#lasting(verdict, kept.askedAt), basis: basisOf(bundle) });
      }
    }
    return null;
  }

  /** Forgets every verdict. */
  forget(): void {
    this.#kept.clear();
    this.#refused.clear();
  }

  #throwIfRefused(id: string): void {
    const refused = this.#refused.get(id);
    if (refused === undefined) return;
    const age = this.#now() - refused.at;
    if (age >= 0 && age < MEMORY_MS) throw refused.error;
    this.#refused.delete(id);
  }

  #begin(id: string, spki: Uint8Array, ask: AskEvidence): Promise<Kept> {
    const asking = this.#renewOrAsk(id, spki, ask)
      .catch((error: unknown) => {
        if (error instanceof GateError && !isOfOneConnection(error)) this.#refuse(id, error);
        throw error;
      })
      .finally(() => this.#asking.delete(id));
    this.#asking.set(id, asking);
    return asking;
  }

  async #renewOrAsk(id: string, spki: Uint8Array, ask: AskEvidence): Promise<Kept> {
    return (await this.#renew(id)) ?? this.#askAndAppraise(id, spki, ask);
  }

  /** What ended may have been the bundle's part: the same evidence is judged by the newer one, until it is too old itself. */
  async #renew(id: string): Promise<Kept | null> {
    const kept = this.#kept.get(id);
    const until = (kept?.askedAt ?? 0) + this.#options.maxVerdictAge;
    if (kept === undefined || !counts({ from: kept.from, until }, this.#now())) return null;
    const bundle = await this.#options.policy.current();
    const verdict = await this.#appraise(bundle, kept);
    const renewed = { ...kept, ...this.#lasting(verdict, kept.askedAt), basis: basisOf(bundle) };
    if (verdict.verdict !== "trusted" || !counts(renewed, this.#now())) return null;
    return this.#keep(id, renewed);
  }

  #refuse(id: string, error: GateError): void {
    const now = this.#now();
    for (const [other, { at }] of this.#refused) if (now - at >= MEMORY_MS) this.#refused.delete(other);
    this.#refused.set(id, { error, at: now });
  }

  async #askAndAppraise(id: string, spki: Uint8Array, ask: AskEvidence): Promise<Kept> {
    const nonce = new Uint8Array(randomBytes(NONCE_BYTES));
    const askedAt = this.#now();
    const evidence = await ask(nonce);
    const bundle = await this.#options.policy.current();
    const verdict = await this.#appraise(bundle, { spki, nonce, evidence });
    if (verdict.verdict !== "trusted") throw refusalOf(verdict);
    const lasting = this.#lasting(verdict, askedAt);
    const kept = { ...lasting, basis: basisOf(bundle), spki, nonce, evidence, askedAt };
    if (counts(kept, this.#now())) return this.#keep(id, kept);
    throw new GateError("expired", "the verdict ended before it could be used: look at the clock", {
      verdict,
    });
  }

  async #appraise(
    bundle: VerifiedBundle,
    { spki, nonce, evidence }: Pick<Kept, "spki" | "nonce" | "evidence">,
  ): Promise<Verdict> {
    const { roots, now, onVerdict } = this.#options;
    const verdict = await appraiseEvidence(bundle, evidence, {
      now: now(),
      nonce,
      channel: { type: "tls-spki", key: spki },
      verified: this.#verified,
      ...(roots && { roots }),
    });
    onVerdict?.(verdict);
    return verdict;
  }

  #lasting(verdict: Verdict, askedAt: number): KeptVerdict {
    const ends = Date.parse(verdict.validUntil ?? verdict.asOf);
    return {
      verdict,
      from: askedAt - MAX_CLOCK_SKEW * 1000,
      until: Math.min(ends, askedAt + this.#options.maxVerdictAge),
    };
  }

  #keep(id: string, kept: Kept): Kept {
    this.#kept.delete(id);
    const oldest = this.#now() - this.#options.maxVerdictAge;
    for (const [other, { askedAt }] of this.#kept) if (askedAt < oldest) this.#kept.delete(other);
    this.#kept.set(id, kept);
    return kept;
  }

  #now(): number {
    return this.#options.now().getTime();
  }
}

/** Also false before its time: where the clock was put back nobody knows how old a verdict is. */
export function counts({ from, until }: Pick<KeptVerdict, "from" | "until">, now: number): boolean {
  return from <= now && now < until;
}

/** What one connection failed by says nothing about the next one to the same machine. */
function isOfOneConnection(error: unknown): boolean {
  return error instanceof GateError && ["unreachable", "evidence.timeout"].includes(error.code);
}
