// Verifies what a log answers to a lookup, offline, at a time that the caller states: exactly these entries of the log, or none, have the
// term that was asked for (docs/formats.md, "Lookup"). Trust root, checkpoint, status and remembered state are judged as a policy bundle's.
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import { decodeHex } from "../../protocol/encoding/hex.ts";
import { formatTime } from "../../protocol/entry/fields.ts";
import type { Status } from "../../protocol/entry/status.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { PolicyError, VerificationError } from "../../protocol/errors.ts";
import { type LookupAnswer, parseLookupAnswer } from "../../protocol/lookup/lookup-answer.ts";
import { type LookupProofCode, verifyLookupProof } from "../../protocol/lookup/prefix-tree.ts";
import { keyOfTerm, parseTerm, type Term } from "../../protocol/lookup/term.ts";
import type { Checkpoint } from "../../protocol/note/checkpoint.ts";
import { NOTHING_IN_FORCE } from "../../protocol/registration/in-force.ts";
import type { RememberedState } from "../bundle/remembered-state.ts";
import { verifyRemembered } from "../bundle/remembered-tree.ts";
import type { TrustPin } from "../bundle/trust-pin.ts";
import { verifyTrustRootChain } from "../bundle/trust-root-chain.ts";
import { newest, requireStatusNotRevoked, verifyCheckpoint, verifyStatus } from "../bundle/verify-bundle.ts";

/**
 * Why an answer is not accepted that is authentic: it is to another question, or the log has no index by which it could answer. Beside these
 * there are the codes of verifyBundle's steps 1, 2, 3 and 6, and `lookup-proof`.
 * @example
 * ```ts
 * import type { LookupCode } from "touchstone/verifier/lookup";
 * const askAgain = (code: LookupCode): boolean => code === "lookup-not-asked-for";
 * ```
 */
export type LookupCode = "lookup-not-asked-for" | "index-not-kept";

/**
 * Everything that verification depends on beside the answer itself.
 * @example
 * ```ts
 * import type { TrustPin, VerifiedBundle } from "touchstone/verifier";
 * import type { VerifyLookupOptions } from "touchstone/verifier/lookup";
 * const isNamed = (pin: TrustPin, digest: string, { state, asOf }: VerifiedBundle): VerifyLookupOptions => ({
 *   pin, type: "digest", value: digest, now: asOf, remembered: state, // asked of the log that the bundle is of, and not of an older one
 * });
 * ```
 */
export interface VerifyLookupOptions {
  readonly pin: TrustPin;
  /** measurement, digest, name, payload or signer. */
  readonly type: string;
  /**
   * measurement: `<part>/<value>` (`mrtd`, `rtmr0`, `rtmr1`, `rtmr2`: 96 hex digits; `rim`, `rim-table`: 64; `vbios` and `driver`: a version);
   * digest: 64, 96 or 128 hex digits; name: `<kind>/<name>`; payload: its SHA-256 in hex; signer: a key id, or `identity/<rule>`.
   */
  readonly value: string;
  /** The time at which everything must be valid. */
  readonly now: Date;
  /** What was remembered of this log, or null on the first visit. */
  readonly remembered: RememberedState | null;
}

/**
 * @example
 * ```ts
 * import type { VerifiedLookup } from "touchstone/verifier/lookup";
 * const describe = ({ indices, size }: VerifiedLookup): string =>
 *   indices.length === 0 ? `none of the first ${size} entries` : `entries ${indices.join(", ")} of the first ${size}`;
 * ```
 */
export interface VerifiedLookup {
  readonly term: Term;
  /** Indices of the entries that have the term, ascending. Empty: there is none. */
  readonly indices: readonly number[];
  /** Whether these are all. Otherwise they are the newest, 1,000 at most, and there are older ones. */
  readonly isComplete: boolean;
  /** The answer is about so many entries, from the first on. What came later is not in it. */
  readonly size: number;
  readonly trustRoot: TrustRoot;
  readonly checkpoint: Checkpoint;
  /** Time of the oldest cosignature of its quorum. */
  readonly cosignedAt: Date;
  /** The status whose index this is. */
  readonly status: Status;
  /** What to remember now; pass it to the next verification. */
  readonly state: RememberedState;
  /** The time that it was verified at. */
  readonly asOf: Date;
}

/**
 * Verifies what a log answers to a lookup: that of the first `size` entries of the log exactly the `indices` have the term, or none has.
 * A status says what is in force; this says what was ever published: that no revocation names a digest, or which entries a key signed.
 * @param bytes the answer as it was fetched, at most 8 MiB.
 * @throws MalformedError when it cannot be read, or no entry can have the term.
 * @throws VerificationError (`lookup-proof` or a BrokenCode) when something in it is forged or damaged.
 * @throws PolicyError (a LookupCode or a NotAcceptableCode) when it is authentic but expired, rolled back or to another question.
 * @example
 * ```ts
 * import type { TrustPin } from "touchstone/verifier";
 * import { verifyLookup } from "touchstone/verifier/lookup";
 * const isUnknown = async (bytes: Uint8Array, pin: TrustPin, mrtd: string): Promise<boolean> => {
 *   const options = { pin, type: "measurement", value: `mrtd/${mrtd}`, now: new Date(), remembered: null };
 *   return (await verifyLookup(bytes, options)).indices.length === 0; // proven, not merely not found
 * };
 * ```
 */
export async function verifyLookup(bytes: Uint8Array, options: VerifyLookupOptions): Promise<VerifiedLookup> {
  const term = parseTerm(options.type, options.value);
  const answer = parseLookupAnswer(bytes);
  requireAskedFor(answer, term);
  const { now, remembered } = options;
  const keys = new KeyRing();
  const roots = await verifyTrustRootChain(answer, keys, options);
  const { root } = newest(roots);
  const shown = [...answer.trustRoots, answer.status];
  const { checkpoint, cosignedAt } = await verifyCheckpoint(answer, shown, root, now);
  const judge = { roots, keys, now, remembered, identityKeys: [], revoked: NOTHING_IN_FORCE };
  const { predicate: status } = await verifyStatus(answer, judge);
  requireStatusNotRevoked(answer.status, { ...status, revokedDigests: new Set(status.revokedDigests) });
  const size = verifyInIndex(answer, status);
  const state = {
    origin: checkpoint.origin,
    trustRootVersion: root.version,
    statusSequence: status.sequence,
    checkpoint: { note: answer.checkpoint, cosignedAt: formatTime(cosignedAt) },
    policies: {},
    fork: null,
  };
  await verifyRemembered(answer, state, remembered);
  return {
    term,
    indices: answer.indices,
    isComplete: answer.before === null,
    size,
    trustRoot: root,
    checkpoint,
    cosignedAt,
    status,
    state,
    asOf: now,
  };
}

function requireAskedFor({ term }: LookupAnswer, { type, value }: Term): void {
  if (term.type !== type || term.value !== value)
    throw new PolicyError<LookupCode>(
      "lookup-not-asked-for",
      `asked for ${type} ${value}, and this is about ${term.type} ${term.value}`,
    );
}

/** Exactly these entries, or none, in the index whose root the status has. @returns the size of that index. */
function verifyInIndex({ term, indices, before, proof }: LookupAnswer, { index }: Status): number {
  if (index === null)
    throw new PolicyError<LookupCode>(
      "index-not-kept",
      "the log keeps no index: its trust root says index: false",
    );
  if ((indices.at(-1) ?? -1) >= index.size)
    throw new VerificationError<LookupProofCode>(
      "lookup-proof",
      "it names an entry that the index does not cover",
    );
  verifyLookupProof({ key: keyOfTerm(term), indices, before, root: decodeHex(index.root) }, proof);
  return index.size;
}
