// Keeps the policy of a log, and asks for it again before it is older than its user wants: a revocation is noticed that soon.
import { type FetchPolicyOptions, fetchPolicy } from "../verifier/bundle/fetch-policy.ts";
import type { VerifiedBundle } from "../verifier/bundle/verify-bundle.ts";
import { RefusedError, UnreachableError } from "../verifier/service-errors.ts";
import { GateError } from "./gate-error.ts";

/** Milliseconds for which a log is not asked again that did not answer, while there is a policy to go by. */
const SILENCE_MEMORY = 5000;

export class PolicyOfLog {
  readonly #options: Omit<FetchPolicyOptions, "now">;
  readonly #now: () => Date;
  readonly #maxAge: number;
  #kept: VerifiedBundle | null = null;
  #asking: Promise<VerifiedBundle> | null = null;
  /** When nobody answered, in milliseconds. */
  #silentAt = Number.NEGATIVE_INFINITY;

  /** @param maxAge milliseconds. */
  constructor(options: Omit<FetchPolicyOptions, "now">, now: () => Date, maxAge: number) {
    this.#options = options;
    this.#now = now;
    this.#maxAge = maxAge;
  }

  /**
   * A policy that was asked for lately; where nobody answers, the one before: it says itself until when it is good.
   * @throws GateError "bundle" or "unreachable".
   */
  async current(): Promise<VerifiedBundle> {
    const kept = this.#kept;
    if (kept === null) return this.ask();
    if (!this.isOld()) return kept;
    return this.ask().catch((error: unknown) => {
      if (error instanceof GateError && error.code === "unreachable") return kept;
      throw error;
    });
  }

  /** Whether to ask again. A clock that was turned back makes no policy younger, and a log that was silent is not asked again at once. */
  isOld(): boolean {
    if (this.#kept === null) return true;
    const now = this.#now().getTime();
    const [age, silence] = [now - this.#kept.asOf.getTime(), now - this.#silentAt];
    return (age < 0 || age >= this.#maxAge) && (silence < 0 || silence >= SILENCE_MEMORY);
  }

  /** Asks the log, once for all who want to know at the same time. */
  ask(): Promise<VerifiedBundle> {
    this.#asking ??= this.#fetch().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #fetch(): Promise<VerifiedBundle> {
    try {
      this.#kept = await fetchPolicy({ ...this.#options, now: this.#now() });
      return this.#kept;
    } catch (cause) {
      const outage = isOutage(cause);
      // Of a log that says no, nothing that it said before counts.
      if (outage) this.#silentAt = this.#now().getTime();
      else this.#kept = null;
      const code = outage ? "unreachable" : "bundle";
      throw new GateError(code, cause instanceof Error ? cause.message : "no policy", { cause });
    }
  }
}

/** Nobody said no: nobody answered, or a server that is overloaded or broken did. */
function isOutage(error: unknown): boolean {
  if (error instanceof RefusedError) return error.status === 429 || error.status >= 500;
  return error instanceof UnreachableError;
}
