// Checks the receipt keys of a trust root (docs/formats.md, "Receipts"). Nothing that a bundle says rests on them, so registration and its
// replay look at them, and verifiers of bundles do not.

import { ed25519Spki, signatureAlgorithmOf } from "../cryptography/signature.ts";
import { decodeBase64, encodeBase64 } from "../encoding/base64.ts";
import type { TrustRoot } from "../entry/trust-root.ts";
import { parseTlogPolicy } from "../note/tlog-policy.ts";
import { refuse } from "./refusal.ts";

/**
 * Receipts are signed by every machine that serves them, and say less than a checkpoint: their keys stand for nothing else.
 * @param root whose `logPolicy` was read before.
 * @throws PolicyError "trust-root-not-usable".
 */
export function checkReceiptKeys({ version, keys, receiptKeys, logPolicy }: TrustRoot): void {
  const unusable = (why: string): never =>
    refuse("trust-root-not-usable", `trust root version ${version}: ${why}`);
  const { logs, witnesses } = parseTlogPolicy(logPolicy);
  const noteKeys = [...logs, ...witnesses].map(({ key }) => key.publicKey).filter((raw) => raw.length === 32);
  const others = [...keys, ...noteKeys.map((raw) => encodeBase64(ed25519Spki(raw)))];
  for (const key of receiptKeys) {
    const algorithm = signatureAlgorithmOf(decodeBase64(key));
    if (algorithm !== "ed25519" && algorithm !== "ecdsa-p256-sha256")
      unusable("a receipt key is neither an Ed25519 nor a P-256 key in its one DER form");
    if (others.includes(key))
      unusable(
        "a receipt key is listed twice, has a role, or signs checkpoints; make a key for receipts alone",
      );
    others.push(key);
  }
}
