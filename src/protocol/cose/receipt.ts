// Writes, reads and verifies receipts: RFC 9942 over an RFC 9162 tree of SHA-256. A receipt is a root under a signature, and a proof that
// leads to that root; the root itself is not in it.
import type { PublicKey } from "../cryptography/signature.ts";
import { encodeHex } from "../encoding/hex.ts";
import { MalformedError, VerificationError } from "../errors.ts";
import { rootByConsistency } from "../merkle/consistency.ts";
import { rootByInclusion } from "../merkle/inclusion.ts";
import { decodeDeterministicCbor, encodeCbor, map } from "./cbor.ts";
import {
  CLAIM,
  type CoseSign1,
  type CoseSignature,
  type CoseSigner,
  encodeCoseSign1,
  HEADER,
  parseCoseSign1,
  signCose,
  verifyCose,
} from "./cose-sign1.ts";

/** Media type of a receipt. */
export const RECEIPT_MEDIA_TYPE = 'application/cose; cose-type="cose-sign1"';

const FORMAT = "receipt";
/** A tree of at most 2^53 entries has proofs of at most 54 hashes: 2 KiB, and headers beside them. */
const MAX_RECEIPT_BYTES = 4096;
const HASH_BYTES = 32;
const KEY_ID_BYTES = 32;

/** Labels and values of RFC 9942. */
const VERIFIABLE_DATA_STRUCTURE = 395;
const RFC9162_SHA256 = 1;
const PROOFS = 396;
const INCLUSION = -1;
const CONSISTENCY = -2;

/** Why a receipt that can be read is refused; `inclusion-proof` and `consistency-proof` as well. */
export type ReceiptCode = "receipt-key" | "receipt-signature" | "receipt-tree";

/** A tree that a log has published. */
export interface SignableTree {
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** That this entry is number `index` of a tree of `size`. */
export interface InclusionPath {
  readonly kind: "inclusion";
  readonly size: number;
  readonly index: number;
  /** Hashes of 32 bytes, the leaf's sibling first. */
  readonly path: readonly Uint8Array[];
}

/** That a tree of `fromSize` is the beginning of one of `size`. */
export interface ConsistencyPath {
  readonly kind: "consistency";
  readonly fromSize: number;
  readonly size: number;
  /** As RFC 9162 §2.1.4 orders them. */
  readonly path: readonly Uint8Array[];
}

/**
 * A receipt that was read; nothing is verified yet.
 * @example
 * ```ts
 * import type { Receipt } from "touchstone/protocol";
 * const describe = ({ proof, issuer }: Receipt): string => `${proof.kind} in a tree of ${proof.size}, says ${issuer}`;
 * ```
 */
export interface Receipt {
  readonly message: CoseSign1;
  readonly proof: InclusionPath | ConsistencyPath;
  /** Hex SHA-256 of the SPKI of the key that it names; null where it names none. */
  readonly keyId: string | null;
  readonly issuer: string | null;
  readonly subject: string | null;
}

/** Who signs for a log: `https://` and its origin. */
export function receiptIssuer(origin: string): string {
  return `https://${origin}`;
}

/**
 * What is signed beside the root. RFC 9942 has the size under no signature, and a proof alone does not settle it: entry 0 has one path, and
 * one root, for the sizes 3 and 4.
 */
export function receiptSubject(size: number): string {
  return `touchstone:tree/${size}`;
}

/** Signs a tree, once for all receipts over it. @throws MalformedError for a key that is neither Ed25519 nor P-256. */
export function signTree(signer: CoseSigner, { origin, size, root }: SignableTree): Promise<CoseSignature> {
  const claims = map([CLAIM.issuer, receiptIssuer(origin)], [CLAIM.subject, receiptSubject(size)]);
  const headers = [
    [HEADER.cwtClaims, claims],
    [VERIFIABLE_DATA_STRUCTURE, RFC9162_SHA256],
  ] as const;
  return signCose(signer, headers, root);
}

/** The receipt of a signed tree with this proof. */
export function encodeReceipt(tree: CoseSignature, proof: InclusionPath | ConsistencyPath): Uint8Array {
  const [label, first] =
    proof.kind === "inclusion"
      ? ([INCLUSION, [proof.size, proof.index]] as const)
      : ([CONSISTENCY, [proof.fromSize, proof.size]] as const);
  const proofs = map([label, [encodeCbor([...first, proof.path])]]);
  return encodeCoseSign1(tree, null, map([PROOFS, proofs]));
}

/**
 * Reads a receipt: one proof, its payload detached, its data structure under the signature.
 * @throws MalformedError
 * @example
 * ```ts
 * import { parseReceipt } from "touchstone/protocol";
 * const sizeOf = (file: Uint8Array): number => parseReceipt(file).proof.size;
 * ```
 */
export function parseReceipt(bytes: Uint8Array): Receipt {
  if (bytes.length > MAX_RECEIPT_BYTES) malformed(`longer than ${MAX_RECEIPT_BYTES} bytes`);
  const message = parseCoseSign1(bytes, FORMAT);
  const { headers, unprotected, payload } = message;
  if (payload !== null) malformed("it holds a payload; the root is not in a receipt");
  if (headers.get(VERIFIABLE_DATA_STRUCTURE) !== RFC9162_SHA256)
    malformed("its protected header does not say that the tree is one of RFC 9162 with SHA-256 (395: 1)");
  if (unprotected.size !== 1 || !unprotected.has(PROOFS))
    malformed("its unprotected header holds something else than proofs (396)");
  const keyId = headers.get(HEADER.kid);
  return {
    message,
    proof: parseProof(unprotected.get(PROOFS)),
    keyId: keyId instanceof Uint8Array && keyId.length === KEY_ID_BYTES ? encodeHex(keyId) : null,
    issuer: claimOf(headers, CLAIM.issuer),
    subject: claimOf(headers, CLAIM.subject),
  };
}

function parseProof(proofs: unknown): Receipt["proof"] {
  const [entry, ...others] = proofs instanceof Map ? [...proofs] : [];
  const [label, list] = entry ?? [];
  const [bytes, ...more] = Array.isArray(list) ? list : [];
  if (others.length > 0 || more.length > 0 || !(bytes instanceof Uint8Array))
    return malformed("expected one proof, a byte string, under one label");
  const parts = decodeDeterministicCbor(bytes, FORMAT);
  const [a, b, path, ...rest] = Array.isArray(parts) ? parts : [];
  if (!isSize(a) || !isSize(b) || !isPath(path) || rest.length > 0)
    return malformed("a proof is [number, number, [hashes of 32 bytes]]");
  if (label === INCLUSION) return { kind: "inclusion", size: a, index: b, path };
  if (label === CONSISTENCY) return { kind: "consistency", fromSize: a, size: b, path };
  return malformed("its proof is neither of inclusion (-1) nor of consistency (-2)");
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isPath(value: unknown): value is Uint8Array[] {
  return Array.isArray(value) && value.every((one) => one instanceof Uint8Array && one.length === HASH_BYTES);
}

function claimOf(headers: ReadonlyMap<unknown, unknown>, label: number): string | null {
  const claims = headers.get(HEADER.cwtClaims);
  const claim: unknown = claims instanceof Map ? claims.get(label) : null;
  return typeof claim === "string" ? claim : null;
}

function malformed(detail: string): never {
  throw new MalformedError(FORMAT, detail);
}

/**
 * Verifies what RFC 9942 says: the proof leads from what the caller knows to a root, and the key signed that root. Whose the key is, and
 * what size the root has, is for the caller: `verifyReceipt` of `touchstone/verifier/receipt` holds a log's receipt against its trust root.
 * @param known for inclusion the RFC 6962 leaf hash of the entry, for consistency the root of the earlier tree; 32 bytes.
 * @returns the root that was signed, 32 bytes.
 * @throws VerificationError "receipt-signature", "inclusion-proof", "consistency-proof".
 */
export async function verifyReceiptSignature(
  { message, proof }: Pick<Receipt, "message" | "proof">,
  known: Uint8Array,
  key: PublicKey,
): Promise<Uint8Array> {
  const { size, path } = proof;
  const root =
    proof.kind === "inclusion"
      ? rootByInclusion({ index: proof.index, size, leafHash: known, proof: path })
      : rootByConsistency({ fromSize: proof.fromSize, fromRoot: known, toSize: size, proof: path });
  if (!(await verifyCose(message, key, root)))
    throw new VerificationError<ReceiptCode>(
      "receipt-signature",
      `receipt: key ${key.keyId} did not sign the root that the proof leads to: it is of another entry or tree, or was changed`,
    );
  return root;
}
