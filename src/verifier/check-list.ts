// Keeps a fixed list of checks. The list is made before anything is looked at, so a check that was never made cannot pass:
// it stays "not-evaluated", and only a list whose every check passed is accepted.
import { printable } from "../protocol/errors.ts";

/**
 * @example
 * ```ts
 * import type { Check, Outcome } from "touchstone/verifier";
 * const counts = (checks: readonly Check[], outcome: Outcome): number => checks.filter((check) => check.outcome === outcome).length;
 * ```
 */
export type Outcome = "pass" | "fail" | "not-evaluated";

/**
 * @example
 * ```ts
 * import type { Check } from "touchstone/verifier";
 * const failed = ({ outcome }: Check): boolean => outcome === "fail";
 * ```
 */
export interface Check {
  /** Stable identifier such as "tdx.pck.chain". */
  readonly id: string;
  readonly outcome: Outcome;
  readonly expected: string | null;
  readonly actual: string | null;
  /** The logged entry that states the expected value, as "kind/name@version", where one does. */
  readonly entry: string | null;
  /** One sentence for the reader: what was found, and on failure what to do. */
  readonly detail: string;
}

export type CheckDetail = Partial<Pick<Check, "expected" | "actual" | "entry" | "detail">>;

export class CheckList<Id extends string = string> {
  readonly #checks: Map<Id, Check>;

  constructor(ids: readonly Id[]) {
    this.#checks = new Map(ids.map((id) => [id, { id, outcome: "not-evaluated", ...NOTHING_FOUND }]));
  }

  pass(id: Id, finding: CheckDetail = {}): void {
    this.#record(id, "pass", finding);
  }

  fail(id: Id, finding: CheckDetail & { detail: string }): void {
    this.#record(id, "fail", finding);
  }

  /** Passes when the two texts are equal. */
  equal(id: Id, expected: string, actual: string, finding: CheckDetail = {}): boolean {
    const same = expected === actual;
    const detail = finding.detail ?? (same ? "equal" : "differs");
    this.#record(id, same ? "pass" : "fail", { ...finding, expected, actual, detail });
    return same;
  }

  /**
   * Runs one check. Whatever it throws, of whatever type, is its failure: evidence is hostile, and the libraries that read it
   * throw what they like. Returns undefined when it failed, so that what depends on it stays not evaluated.
   */
  async attempt<T>(
    id: Id,
    body: () => T | Promise<T>,
    found: (value: T) => CheckDetail = () => ({}),
  ): Promise<T | undefined> {
    try {
      const value = await body();
      this.pass(id, found(value));
      return value;
    } catch (error) {
      this.fail(id, { detail: error instanceof Error ? error.message : "failed" });
      return undefined;
    }
  }

  get checks(): Check[] {
    return [...this.#checks.values()];
  }

  get accepted(): boolean {
    return this.#checks.size > 0 && this.checks.every((check) => check.outcome === "pass");
  }

  /** A check may go from passed to failed, never back. */
  #record(id: Id, outcome: Outcome, finding: CheckDetail): void {
    const current = this.#checks.get(id);
    if (current === undefined) throw new Error(`check ${id} is not in this list`);
    if (current.outcome === "fail") return;
    const { entry = null, expected = null, actual = null, detail = "" } = finding;
    const shown = (text: string | null) => text && printable(text);
    this.#checks.set(id, {
      id,
      outcome,
      entry,
      expected: shown(expected),
      actual: shown(actual),
      detail: printable(detail),
    });
  }
}

const NOTHING_FOUND = { expected: null, actual: null, entry: null, detail: "" } as const;
