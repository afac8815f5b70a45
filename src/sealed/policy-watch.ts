// Keeps the policy of a log at hand, and asks the log again when what it said is too old: is it still in force? A log that cannot be reached
// changes nothing, for as long as what it signed lasts; one that says no ends everything that rests on it.
import { PolicyError, VerificationError } from "../protocol/errors.ts";
import { bundleEnds } from "../verifier/appraisal/bundle-in-time.ts";
import type { BundleCode } from "../verifier/bundle/bundle-error.ts";
import type { FetchPolicyOptions } from "../verifier/bundle/fetch-policy.ts";
import { fetchPolicy } from "../verifier/bundle/fetch-policy.ts";
import { policyDigestOf } from "../verifier/bundle/policy-digest.ts";
import { StateChangedError } from "../verifier/bundle/state-changed.ts";
import type { VerifiedBundle } from "../verifier/bundle/verify-bundle.ts";
import { RefusedError, UnreachableError } from "../verifier/service-errors.ts";
import { GateError } from "./gate-error.ts";

export interface PolicyWatchOptions extends Omit<FetchPolicyOptions, "now" | "signal"> {
  readonly now: () => Date;
  /** Milliseconds after which the log is asked again. */
  readonly statusMaxAge: number;
  /** Called before anybody gets to see a bundle whose policy or status is another than before. It must not ask for the bundle itself. */
  readonly onChange: (bundle: VerifiedBundle) => Promise<void>;
  /** Called when the policy that was in force is no longer. */
  readonly onRefused: (error: GateError) => void;
}

/** Refusals, and failures to reach the log, are remembered for so long, milliseconds: clients that retry come in herds. */
export const MEMORY_MS = 5_000;

/** The bundle is authentic and its time is up: a mirror that lags shows one of these, too. What was seen before ends by itself. */
const EXPIRED: readonly BundleCode[] = [
  "trust-root-expired",
  "checkpoint-stale",
  "status-expired",
  "policy-not-in-force",
];

/** A log that has no bundle which a verifier would accept, and one that has no such policy (openapi.yaml). */
const SAYS_NO = ["bundle-not-acceptable", "not-found"];

export class PolicyWatch {
  readonly #options: PolicyWatchOptions;
  #held: VerifiedBundle | null = null;
  #refusal: GateError | null = null;
  /** Milliseconds since the epoch between which nobody needs to ask. Wall-clock time: a laptop that slept asks again. */
  #settled = { from: 0, until: 0 };
  #asking: Promise<void> | null = null;

  constructor(options: PolicyWatchOptions) {
    this.#options = options;
  }

  /** The bundle, where the log was asked lately enough; null where it has to be asked first. */
  get fresh(): VerifiedBundle | null {
    return this.#isSettled() ? this.#held : null;
  }

  /** Milliseconds until the log is to be asked again. */
  get dueIn(): number {
    return this.#isSettled() ? this.#settled.until - this.#options.now().getTime() : 0;
  }

  /**
   * The bundle that is in force, asked for no longer ago than `statusMaxAge` where the log can be reached.
   * @throws GateError "bundle" | "unreachable".
   */
  async current(): Promise<VerifiedBundle> {
    if (!this.#isSettled()) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = null;
      });
      await this.#asking;
    }
    if (this.#held === null) throw this.#refusal ?? new GateError("bundle", "the log was not asked");
    return this.#held;
  }

  /** The same, asked for now, whatever was asked lately. */
  again(): Promise<VerifiedBundle> {
    this.#settled = { from: 0, until: 0 };
    return this.current();
  }

  #isSettled(): boolean {
    const now = this.#options.now().getTime();
    return this.#settled.from <= now && now < this.#settled.until;
  }

  #settleFor(ms: number): void {
    const from = this.#options.now().getTime();
    this.#settled = { from, until: from + ms };
  }

  async #ask(): Promise<void> {
    const { now, statusMaxAge, onChange } = this.#options;
    try {
      const bundle = await fetchPolicy({ ...this.#options, now: now() });
      const changed = this.#held === null || basisOf(bundle) !== basisOf(this.#held);
      this.#held = bundle;
      this.#refusal = null;
      if (changed) await onChange(bundle);
      this.#settleFor(statusMaxAge);
    } catch (error) {
      this.#takeFailure(error);
      this.#settleFor(Math.min(statusMaxAge, MEMORY_MS));
    }
  }

  #takeFailure(error: unknown): void {
    const message = error instanceof Error ? error.message : "the log cannot be asked";
    if (isRefusal(error) && (this.#held === null || !this.#hasEnded(this.#held))) {
      const wasInForce = this.#held !== null;
      this.#refusal = new GateError("bundle", message);
      this.#held = null;
      if (wasInForce) this.#options.onRefused(new GateError("revoked", message, { sent: true }));
    } else if (this.#held === null) {
      this.#refusal = new GateError(isOutage(error) ? "unreachable" : "bundle", message);
    }
  }

  /** Then the refusal says no more than that, and replies under way are not cut. */
  #hasEnded(bundle: VerifiedBundle): boolean {
    return Math.min(...Object.values(bundleEnds(bundle))) <= this.#options.now().getTime();
  }
}

/** Names what a bundle says is in force: verdicts that were made by one of the same basis need not be made again. */
export function basisOf(bundle: VerifiedBundle): string {
  return `${policyDigestOf(bundle)} ${bundle.status.sequence}`;
}

/** Whether the log said no, or whoever answers for it: what cannot be read at all says nothing about the policy. */
function isRefusal(error: unknown): boolean {
  if (error instanceof StateChangedError) return false;
  if (error instanceof RefusedError) return SAYS_NO.includes(error.code);
  if (error instanceof PolicyError) return !EXPIRED.some((code) => code === error.code);
  return error instanceof VerificationError;
}

/** Nobody answered, or a server did that is overloaded or broken. */
function isOutage(error: unknown): boolean {
  if (error instanceof RefusedError) return error.status === 429 || error.status >= 500;
  return error instanceof UnreachableError;
}
