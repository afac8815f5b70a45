// Verifies a log's receipt (docs/formats.md, "Receipts") by one of its trust roots. It says less than a bundle or a tlog-proof does: no
// witness cosigned what it rests on, and nothing in it says when.
import {
  parseReceipt,
  type Receipt,
  type ReceiptCode,
  receiptIssuer,
  receiptSubject,
  verifyReceiptSignature,
} from "../../protocol/cose/receipt.ts";
import { importPublicKey, keyIdOf, type PublicKey } from "../../protocol/cryptography/signature.ts";
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import type { TrustRoot } from "../../protocol/entry/trust-root.ts";
import { VerificationError } from "../../protocol/errors.ts";
import { hashLeaf } from "../../protocol/merkle/hash.ts";

/**
 * What is not in a receipt, for who has verified one: one sentence each.
 * @example
 * ```ts
 * import { RECEIPT_CANNOT_SAY } from "touchstone/verifier/receipt";
 * for (const sentence of RECEIPT_CANNOT_SAY) console.log(`not in it: ${sentence}`);
 * ```
 */
export const RECEIPT_CANNOT_SAY = [
  "A witness: the log's operator alone signed the tree, and may show others another one.",
  "A time: that nothing was revoked or replaced since is for a bundle to say, and how old the tree is for a checkpoint.",
  "Which trust root was in force at its size: that the pinned one lists the key is what is looked at.",
  "What the entry means: who signed it, whether they might, and whether a policy names it. Entries are DSSE envelopes, and this is no Transparent Statement (RFC 9943).",
] as const;

/**
 * What a verified receipt shows.
 * @example
 * ```ts
 * import type { VerifiedReceipt } from "touchstone/verifier/receipt";
 * const describe = ({ proof }: VerifiedReceipt): string => `${proof.kind} in a tree of ${proof.size}`;
 * ```
 */
export interface VerifiedReceipt {
  readonly proof: Receipt["proof"];
  /** Root of the tree that was signed, 32 bytes. */
  readonly root: Uint8Array;
  /** The receipt key. */
  readonly key: PublicKey;
}

/**
 * Verifies that an entry, or an earlier tree, is in a tree for which the log's operator signed. No witness has a part in it, and it has no
 * time: that the log shows everybody this tree, and that nothing was revoked since, is what bundles are for.
 * @param known the entry's bytes for a receipt of inclusion; for one of consistency the root of the earlier tree, 32 bytes.
 * @param root the trust root with the highest index in the receipt's tree, where the caller knows it; else the one that is pinned.
 * @throws MalformedError
 * @throws VerificationError "receipt-key" where this trust root does not list the key; "receipt-tree" where the receipt is not of this log,
 * or was signed for another size; "receipt-signature", "inclusion-proof", "consistency-proof".
 * @example
 * ```ts
 * import { parseTrustFile } from "touchstone/verifier/bundle";
 * import { verifyReceipt } from "touchstone/verifier/receipt";
 * const treeOf = async (entry: Uint8Array, receipt: Uint8Array, trustFile: Uint8Array): Promise<number> =>
 *   (await verifyReceipt(receipt, entry, parseTrustFile(trustFile).root)).proof.size;
 * ```
 */
export async function verifyReceipt(
  bytes: Uint8Array,
  known: Uint8Array,
  root: Pick<TrustRoot, "origin" | "version" | "receiptKeys">,
): Promise<VerifiedReceipt> {
  const receipt = parseReceipt(bytes);
  const { proof, issuer, subject } = receipt;
  if (issuer !== receiptIssuer(root.origin) || subject !== receiptSubject(proof.size))
    refuse(
      "receipt-tree",
      `it was signed as ${subject} of ${issuer}, and is shown as ${receiptSubject(proof.size)} of ${receiptIssuer(root.origin)}`,
    );
  const key = await listedKey(root, receipt.keyId);
  const start = proof.kind === "inclusion" ? hashLeaf(known) : known;
  return { proof, root: await verifyReceiptSignature(receipt, start, key), key };
}

async function listedKey(
  { receiptKeys, version }: Pick<TrustRoot, "receiptKeys" | "version">,
  keyId: string | null,
): Promise<PublicKey> {
  const spki = receiptKeys.map((key) => decodeBase64(key)).find((key) => keyIdOf(key) === keyId);
  if (spki === undefined)
    return refuse("receipt-key", `trust root version ${version} does not list its key ${keyId}`);
  return importPublicKey(spki);
}

function refuse(code: ReceiptCode, message: string): never {
  throw new VerificationError<ReceiptCode>(code, `receipt: ${message}`);
}
