// Checks step 1 of bundle verification: the chain of trust roots, from the one that the verifier pinned, backwards by digest and forwards
// by threshold signatures, to the newest, which must be unexpired and not older than remembered.
import type { LoggedEntry, PolicyBundle } from "../../protocol/bundle/policy-bundle.ts";
import type { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import { keyIdOf } from "../../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { type Envelope, verifyEnvelope } from "../../protocol/envelope/dsse.ts";
import { authoriseTrustRoot } from "../../protocol/registration/authorisation.ts";
import { checkTrustRootUsable } from "../../protocol/registration/succession.ts";
import { asBundleError, refuseBroken, refuseUnacceptable } from "./bundle-error.ts";
import type { VerifyBundleOptions } from "./trust-pin.ts";

export interface PlacedTrustRoot {
  readonly index: number;
  readonly digest: string;
  readonly root: TrustRoot;
  readonly envelope: Envelope;
}

/**
 * Verifies the chain and puts the keys of all of its trust roots on the ring.
 * @returns the trust roots, oldest first; the last one is in force.
 */
export async function verifyTrustRootChain(
  bundle: Pick<PolicyBundle, "trustRoots">,
  keys: KeyRing,
  { pin, now, remembered }: Omit<VerifyBundleOptions, "policy">,
): Promise<PlacedTrustRoot[]> {
  const roots: PlacedTrustRoot[] = [];
  for (const entry of bundle.trustRoots) roots.push(placeTrustRoot(entry, roots.at(-1)));
  // The pin before any key: a chain of somebody else's may hold 32,768 of them, and importing takes seconds.
  requirePinned(roots, pin);
  for (const [i, placed] of roots.entries())
    await admit(placed, roots[i - 1]?.root ?? null, keys, pin.version);
  requireInForce(roots, now, remembered?.trustRootVersion ?? 0);
  return roots;
}

/** The trust root by which an entry at this index is judged: the newest one below it. */
export function trustRootAt(roots: readonly PlacedTrustRoot[], index: number): TrustRoot {
  const placed = roots.findLast((candidate) => candidate.index < index);
  if (placed === undefined)
    return refuseBroken("trust-root-chain", `no trust root stands before index ${index}`);
  return placed.root;
}

function placeTrustRoot(
  { index, envelope }: LoggedEntry,
  previous: PlacedTrustRoot | undefined,
): PlacedTrustRoot {
  const { statement, payloadDigest } = envelope;
  if (statement.kind !== "trust-root")
    return refuseBroken("trust-root-chain", `entry ${index} is a ${statement.kind}`);
  const root = statement.predicate;
  const followsOn =
    previous === undefined
      ? root.version === 1 && index === 0
      : root.version === previous.root.version + 1 &&
        root.previous === previous.digest &&
        index > previous.index;
  if (!followsOn)
    refuseBroken("trust-root-chain", `trust root version ${root.version} does not follow the one before it`);
  return { index, digest: payloadDigest, root, envelope };
}

/**
 * Puts the keys of a trust root on the ring. One that is newer than the pinned one is believed because thresholds of the one before
 * it and of its own signed it.
 */
async function admit(
  { root, envelope }: PlacedTrustRoot,
  previous: TrustRoot | null,
  keys: KeyRing,
  pinned: number,
): Promise<void> {
  await asBundleError("trust-root-chain", `trust root version ${root.version}`, async () => {
    checkTrustRootUsable(root, new Set(root.keys.map((spki) => keyIdOf(decodeBase64(spki)))));
    await keys.add(root.keys);
    if (root.version <= pinned) return;
    authoriseTrustRoot(previous, root, await verifyEnvelope(envelope, keys.lookup));
  });
}

function requirePinned(roots: readonly PlacedTrustRoot[], pin: VerifyBundleOptions["pin"]): void {
  const pinned = roots[pin.version - 1];
  if (pinned?.digest !== pin.digest || roots.some(({ root }) => root.origin !== pin.origin)) {
    refuseBroken(
      "trust-root-pin",
      `the chain does not contain the pinned trust root version ${pin.version} of ${pin.origin}`,
    );
  }
}

function requireInForce(roots: readonly PlacedTrustRoot[], now: Date, remembered: number): void {
  const root = roots.at(-1)?.root;
  if (root === undefined || root.version < remembered) {
    refuseUnacceptable(
      "trust-root-rolled-back",
      `version ${root?.version ?? 0} is older than ${remembered}, which was seen before`,
    );
  }
  if (now.getTime() >= Date.parse(root.expires)) {
    refuseUnacceptable(
      "trust-root-expired",
      `trust root version ${root.version} expired ${root.expires}; the log must publish the next one`,
    );
  }
  if (root.successor)
    refuseUnacceptable("log-closed", `the log is closed; its successor is ${root.successor.origin}`);
}
