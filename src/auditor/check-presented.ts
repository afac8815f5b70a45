// Holds what somebody was handed, a policy bundle or a proof, against the tree that an audit replayed: is it of this log and not of another
// one under the same key?

import { type LoggedEntry, parsePolicyBundle } from "../protocol/bundle/policy-bundle.ts";
import { equalBytes } from "../protocol/encoding/bytes.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import { describeReference } from "../protocol/entry/reference.ts";
import type { Envelope } from "../protocol/envelope/dsse.ts";
import { MalformedError, PolicyError, VerificationError } from "../protocol/errors.ts";
import { HASH_LENGTH, hashLeaf } from "../protocol/merkle/hash.ts";
import { TILE_WIDTH, tileWidth } from "../protocol/merkle/tile.ts";
import type { Checkpoint } from "../protocol/note/checkpoint.ts";
import { parseTlogPolicy } from "../protocol/note/tlog-policy.ts";
import { parseTlogProof, verifyTlogProof } from "../protocol/note/tlog-proof.ts";
import type { TrustAnchor } from "../verifier/bundle/trust-pin.ts";
import { verifyBundle } from "../verifier/bundle/verify-bundle.ts";
import type { AuditFinding, PresentedCode } from "./audit-finding.ts";
import type { Uncovered } from "./coverage.ts";
import { compareTrees, readShown } from "./shown-checkpoint.ts";
import type { TileReader } from "./tile-reader.ts";

/** The tree that was replayed, and where it was read from. */
export interface ReplayedTree {
  readonly reader: TileReader;
  readonly shown: Checkpoint;
  readonly trust: TrustAnchor;
  readonly now: Date;
}

export interface Presented {
  readonly findings: readonly AuditFinding[];
  readonly uncovered: readonly Uncovered[];
  /** Entries that the file shows and the tree has at that index, such as "kernel-patch-set/linux@6.12, entry 3". */
  readonly entries: readonly string[];
}

/** @param bytes a policy bundle, as a verifier got it. @param policy the name that it must be of. */
export async function checkBundle(
  bytes: Uint8Array,
  policy: string,
  { trust, now, ...tree }: ReplayedTree,
): Promise<Presented> {
  return judged("bundle", async () => {
    const options = { pin: trust, policy, now, remembered: null };
    await verifyBundle(bytes, options);
    const { checkpoint, trustRoots, status, policy: entry, entries, revocations } = parsePolicyBundle(bytes);
    return compare("bundle", checkpoint, [...trustRoots, status, entry, ...entries, ...revocations], tree);
  });
}

/** @param bytes a tlog-proof file. @param envelope the entry that it is said to prove. */
export async function checkProof(
  bytes: Uint8Array,
  envelope: Envelope,
  { trust, ...tree }: ReplayedTree,
): Promise<Presented> {
  return judged("proof", async () => {
    const proof = parseTlogProof(bytes);
    await verifyTlogProof(proof, hashLeaf(envelope.leaf), parseTlogPolicy(trust.root.logPolicy));
    return compare("proof", proof.checkpoint, [{ index: proof.index, envelope }], tree);
  });
}

/** A file that does not verify by itself is a finding as any other. */
async function judged(part: "bundle" | "proof", judge: () => Promise<Presented>): Promise<Presented> {
  try {
    return await judge();
  } catch (error) {
    const isNo =
      error instanceof MalformedError || error instanceof VerificationError || error instanceof PolicyError;
    if (!isNo) throw error;
    return found(`${part}-refused`, `the ${part}: ${error.message}`);
  }
}

async function compare(
  part: "bundle" | "proof",
  note: string,
  entries: ReadonlyArray<Pick<LoggedEntry, "index" | "envelope">>,
  tree: Pick<ReplayedTree, "reader" | "shown">,
): Promise<Presented> {
  const { size, root } = readShown(note);
  const before = { size, root: encodeHex(root) };
  if (size > tree.shown.size)
    return unchecked(part, `it is of a tree of ${size} entries, and the one replayed has ${tree.shown.size}`);
  const fate = await compareTrees(tree.reader, before, tree.shown);
  if (fate === "unproven") return unchecked(part, "the tiles do not lead to the root of its checkpoint");
  if (fate === "forked")
    return found(
      "presented-forked",
      `the ${part} is of another tree: at size ${size} it has root ${before.root}, and this log had another one`,
    );
  return compareEntries(part, entries, tree);
}

async function compareEntries(
  part: "bundle" | "proof",
  entries: ReadonlyArray<Pick<LoggedEntry, "index" | "envelope">>,
  { reader, shown }: Pick<ReplayedTree, "reader" | "shown">,
): Promise<Presented> {
  const findings: AuditFinding[] = [];
  const same: string[] = [];
  for (const { index, envelope } of entries) {
    const isLogged = equalBytes(await leafHashAt(reader, index, shown.size), hashLeaf(envelope.leaf));
    if (isLogged) same.push(`${describeReference(envelope.statement)}, entry ${index}`);
    else
      findings.push({
        code: "presented-entry-differs",
        index,
        message: `the ${part} shows another entry ${index}`,
      });
  }
  return { findings, uncovered: [], entries: same };
}

async function leafHashAt(reader: TileReader, index: number, size: number): Promise<Uint8Array> {
  const number = Math.floor(index / TILE_WIDTH);
  const tile = await reader.tile(0, number, tileWidth(0, number, size));
  const at = (index % TILE_WIDTH) * HASH_LENGTH;
  return tile.subarray(at, at + HASH_LENGTH);
}

function found(code: PresentedCode, message: string): Presented {
  return { findings: [{ code, index: null, message }], uncovered: [], entries: [] };
}

function unchecked(part: "bundle" | "proof", why: string): Presented {
  return { findings: [], uncovered: [{ part, why }], entries: [] };
}
