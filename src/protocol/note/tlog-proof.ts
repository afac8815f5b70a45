// Reads, writes and verifies proof files: C2SP tlog-proof v1. Everything that shows, offline, that an entry is in a log: index, inclusion
// proof, checkpoint.

import type { Hash } from "../cryptography/hash.ts";
import { decodeBase64, encodeBase64 } from "../encoding/base64.ts";
import { decodeUtf8 } from "../encoding/text.ts";
import { MalformedError } from "../errors.ts";
import { HASH_LENGTH } from "../merkle/hash.ts";
import { verifyInclusion } from "../merkle/inclusion.ts";
import { parseDecimal } from "./checkpoint.ts";
import { authenticateCheckpoint, type CosignedCheckpoint } from "./cosigned-checkpoint.ts";
import { MAX_NOTE_BYTES } from "./signed-note.ts";
import type { TlogPolicy } from "./tlog-policy.ts";

const FORMAT = "tlog-proof";
const HEADER = "c2sp.org/tlog-proof@v1";
/** A tree of at most 2^53 entries is no higher. */
const MAX_PROOF_HASHES = 53;
const MAX_EXTRA_TEXT = 65_536;
const MAX_PROOF_BYTES = MAX_NOTE_BYTES + MAX_EXTRA_TEXT + 4096;

/**
 * @example
 * ```ts
 * import type { TlogProof } from "touchstone/protocol";
 * const describeProof = ({ index, proof }: TlogProof): string => `entry ${index}, ${proof.length} hashes`;
 * ```
 */
export interface TlogProof {
  /** Number of the entry, from 0. */
  readonly index: number;
  /** 0 to 53 hashes of 32 bytes, the leaf's sibling first. */
  readonly proof: readonly Uint8Array[];
  /** The signed checkpoint, verbatim. */
  readonly checkpoint: string;
  /** For the application. Nothing authenticates it. */
  readonly extra?: Uint8Array | undefined;
}

export function formatTlogProof({ index, proof, checkpoint, extra }: TlogProof): string {
  const lines = [
    HEADER,
    ...(extra === undefined ? [] : [`extra ${encodeBase64(extra)}`]),
    `index ${index}`,
    ...proof.map(encodeBase64),
  ];
  return `${lines.join("\n")}\n\n${checkpoint}`;
}

/**
 * Reads a proof file; the checkpoint in it is left as it is.
 * @throws MalformedError with the line at fault.
 * @example
 * ```ts
 * import { parseTlogProof } from "touchstone/protocol";
 * const indexOf = (file: Uint8Array): number => parseTlogProof(file).index;
 * ```
 */
export function parseTlogProof(input: Uint8Array | string): TlogProof {
  if (input.length > MAX_PROOF_BYTES)
    throw new MalformedError(FORMAT, `longer than ${MAX_PROOF_BYTES} bytes`);
  const text = typeof input === "string" ? input : decodeUtf8(input);
  const split = text.indexOf("\n\n");
  if (split < 0) throw new MalformedError(FORMAT, "no blank line in front of the checkpoint");
  const [header, ...lines] = text.slice(0, split).split("\n");
  if (header !== HEADER) throw new MalformedError(FORMAT, `expected ${HEADER}`, "line 1");
  const extra = lines[0]?.startsWith("extra ") ? parseExtra(lines.shift() as string) : undefined;
  const [index = "", ...hashes] = lines;
  if (!index.startsWith("index ")) throw new MalformedError(FORMAT, "expected an index line");
  if (hashes.length > MAX_PROOF_HASHES)
    throw new MalformedError(FORMAT, `more than ${MAX_PROOF_HASHES} hashes`);
  return {
    index: parseDecimal(index.slice("index ".length), FORMAT),
    proof: hashes.map(parseHash),
    checkpoint: text.slice(split + 2),
    ...(extra === undefined ? {} : { extra }),
  };
}

function parseExtra(line: string): Uint8Array {
  if (line.length > MAX_EXTRA_TEXT)
    throw new MalformedError(FORMAT, `extra data above ${MAX_EXTRA_TEXT} characters`);
  return decodeBase64(line.slice("extra ".length));
}

function parseHash(line: string): Uint8Array {
  const hash = decodeBase64(line);
  if (hash.length !== HASH_LENGTH) throw new MalformedError(FORMAT, "a hash is not 32 bytes long");
  return hash;
}

/**
 * Verifies that the leaf is in a log of the policy: log signature and quorum on the checkpoint, then inclusion. How old the
 * cosignatures may be is for the caller to say, with `checkFreshness` on what this returns.
 * @param leafHash RFC 6962 leaf hash of the entry, 32 bytes.
 * @throws MalformedError
 * @throws VerificationError as `authenticateCheckpoint`, or `inclusion-proof`.
 * @example
 * ```ts
 * import { hashLeaf, parseEnvelope, parseTlogProof, type TlogPolicy, verifyTlogProof } from "touchstone/protocol";
 * const isLogged = async (envelope: Uint8Array, proof: Uint8Array, policy: TlogPolicy): Promise<void> => {
 *   await verifyTlogProof(parseTlogProof(proof), hashLeaf(parseEnvelope(envelope).leaf), policy);
 * };
 * ```
 */
export async function verifyTlogProof(
  proof: TlogProof,
  leafHash: Uint8Array,
  policy: TlogPolicy,
  options: { readonly hash?: Hash | undefined } = {},
): Promise<CosignedCheckpoint> {
  const cosigned = await authenticateCheckpoint(proof.checkpoint, policy);
  const { size, root } = cosigned.checkpoint;
  verifyInclusion({ index: proof.index, size, leafHash, root, proof: proof.proof }, options.hash);
  return cosigned;
}
