// Gives what every view of a verdict is made of: the verdict, and the digests of what it is about, so that it can be held against them.
import { sha256 } from "../protocol/cryptography/hash.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import { formatTime } from "../protocol/entry/fields.ts";
import type { Verdict } from "../verifier/appraisal/verdict.ts";
import { policyDigestOf } from "../verifier/bundle/policy-digest.ts";
import type { VerifiedBundle } from "../verifier/bundle/verify-bundle.ts";
import { parseEvidence } from "../verifier/evidence.ts";
import { policyLabel } from "./policy-in-force.ts";

export interface JudgedMachine {
  readonly verdict: Verdict;
  /** SHA-256 of evidence.json, hex. */
  readonly evidence: string;
  readonly gpus: number;
  /** null where the bundle was refused, so that no policy was applied. */
  readonly policy: {
    readonly label: string;
    readonly origin: string;
    readonly index: number;
    readonly digest: string;
  } | null;
  /** The challenge that was sent, 32 bytes. */
  readonly nonce: Uint8Array | null;
  /** RFC 3339: the verdict says nothing of any later time. */
  readonly expires: string;
}

/** A refusal is repeated for as long as it takes to hand it on: the next appraisal may say otherwise. */
const REFUSAL_SECONDS = 300;

export function judgedMachine(
  verdict: Verdict,
  bundle: VerifiedBundle | null,
  evidence: Uint8Array,
  nonce: Uint8Array | null,
): JudgedMachine {
  const refusedUntil = formatTime(new Date(Date.parse(verdict.asOf) + REFUSAL_SECONDS * 1000));
  return {
    verdict,
    evidence: encodeHex(sha256(evidence)),
    gpus: countGpus(evidence),
    policy: bundle && policyOf(bundle),
    nonce,
    expires: verdict.validUntil ?? refusedUntil,
  };
}

function policyOf(bundle: VerifiedBundle): JudgedMachine["policy"] {
  const { policy, policyIndex, checkpoint } = bundle;
  return {
    label: policyLabel(policy),
    origin: checkpoint.origin,
    index: policyIndex,
    digest: policyDigestOf(bundle),
  };
}

/** Evidence that cannot be read shows none. */
function countGpus(evidence: Uint8Array): number {
  try {
    return parseEvidence(evidence).gpus.length;
  } catch {
    return 0;
  }
}
