// Remembers what was read and verified of bytes that come again and again, such as Intel's collateral, the certificates of a machine, and
// what is said of their revocation: the next appraisal pays for the signatures that are new in it. Nothing that depends on the time is in it, and nothing that failed.
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import { utf8 } from "../protocol/encoding/text.ts";

/** What passed of some inputs, by the check that found it. */
export type Findings = Map<string, unknown>;

/**
 * For a server that appraises many connections: one for the process, in every call's `verified`.
 * @example
 * ```ts
 * import { appraiseEvidence, type AppraiseOptions, VerifiedCache, type VerifiedBundle } from "touchstone/verifier";
 * const verified = new VerifiedCache();
 * const judge = (policy: VerifiedBundle, evidence: Uint8Array, options: AppraiseOptions) =>
 *   appraiseEvidence(policy, evidence, { ...options, verified });
 * ```
 */
export class VerifiedCache {
  readonly #most: number;
  /** By digest of the inputs, the one that was asked for last at the end. */
  readonly #known = new Map<string, Findings>();

  /**
   * @param most inputs that are remembered: the least recently used are forgotten. Collateral takes up to about a megabyte, the rest
   *   kilobytes; a machine of eight GPUs with OCSP answers brings 34.
   */
  constructor(most = 64) {
    this.#most = most;
  }

  /** @param inputs everything that the findings follow from, the pinned root among it; strings must be well-formed. */
  async findingsOf(...inputs: readonly (string | Uint8Array)[]): Promise<Findings> {
    const parts = inputs.map((input) => (typeof input === "string" ? utf8(input) : input));
    // With the lengths no two lists of inputs are one text.
    const lengths = utf8(parts.map(({ length }) => length).join());
    const digest = await crypto.subtle.digest("SHA-256", concatBytes(lengths, utf8("\n"), ...parts).slice());
    const key = encodeHex(new Uint8Array(digest));
    const findings = this.#known.get(key) ?? new Map();
    this.#known.delete(key);
    this.#known.set(key, findings);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= this.#most) break;
      this.#known.delete(oldest);
    }
    return findings;
  }
}

/** What was found before, or is found now and remembered unless it throws. */
export async function once<T>(
  findings: Findings | undefined,
  check: string,
  find: () => T | Promise<T>,
): Promise<T> {
  if (findings?.has(check)) return findings.get(check) as T;
  const found = await find();
  findings?.set(check, found);
  return found;
}
