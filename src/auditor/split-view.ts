// Reads and verifies split views: two checkpoints that one log signed and that cannot both be true (docs/formats.md, "Split view"). One file
// convinces whoever has the log's trust root, without asking anybody.
import { decodeBase64, encodeBase64 } from "../protocol/encoding/base64.ts";
import { equalBytes } from "../protocol/encoding/bytes.ts";
import { readAs } from "../protocol/encoding/shape.ts";
import { parseJson } from "../protocol/envelope/parse-json.ts";
import { MalformedError, VerificationError } from "../protocol/errors.ts";
import { verifyConsistency } from "../protocol/merkle/consistency.ts";
import type { Checkpoint } from "../protocol/note/checkpoint.ts";
import { parseTlogPolicy, type TlogPolicy } from "../protocol/note/tlog-policy.ts";
import type { TrustAnchor } from "../verifier/bundle/trust-pin.ts";
import { cosignersOf, openLogNote } from "./log-note.ts";
import { type SplitViewJson, splitViewJson } from "./split-view.shape.ts";

export type SplitView = SplitViewJson;

const FORMAT = "split view";
const MAX_SPLIT_VIEW_BYTES = 256 * 1024;

/** "split-view-origin": it is of another log than the trust root. "split-view-none": the two checkpoints do not contradict each other. */
export type SplitViewCode = "split-view-origin" | "split-view-none";

export interface ProvenSplitView {
  readonly origin: string;
  readonly smaller: ProvenCheckpoint;
  readonly larger: ProvenCheckpoint;
}

interface ProvenCheckpoint extends Checkpoint {
  /** Names of the witnesses of the trust root that cosigned it. Whoever cosigned both helped to show two trees, or lost his key. */
  readonly cosignedBy: readonly string[];
}

/** @throws MalformedError with a JSON pointer. */
export function parseSplitView(bytes: Uint8Array): SplitView {
  return readAs(splitViewJson, parseJson(bytes, MAX_SPLIT_VIEW_BYTES), FORMAT);
}

export function formatSplitView(view: SplitView): string {
  return `${JSON.stringify(view, null, 2)}\n`;
}

/** @param proof hashes of 32 bytes, as `proveConsistency` makes them. */
export function makeSplitView(
  origin: string,
  notes: { readonly smaller: string; readonly larger: string },
  beginning: Uint8Array,
  proof: readonly Uint8Array[],
): SplitView {
  return {
    format: "touchstone-split-view/v1",
    origin,
    ...notes,
    beginning: encodeBase64(beginning),
    consistency: proof.map(encodeBase64),
  };
}

/**
 * Proves that the log signed two trees: both signatures verify, and the larger tree has another root at the smaller size than the one
 * that was signed for it. Cosignatures are not needed, since the log's own signatures convict it.
 * @throws MalformedError, VerificationError where it proves nothing.
 */
export async function verifySplitView(view: SplitView, trust: TrustAnchor): Promise<ProvenSplitView> {
  if (view.origin !== trust.origin)
    throw new VerificationError<SplitViewCode>(
      "split-view-origin",
      `it is about ${view.origin}, and the trust root is of ${trust.origin}`,
    );
  const policy = parseTlogPolicy(trust.root.logPolicy);
  const smaller = await openLogNote(view.smaller, policy);
  const larger = await openLogNote(view.larger, policy);
  requireContradiction(view, smaller, larger);
  return {
    origin: view.origin,
    smaller: await withCosigners(smaller, view.smaller, policy),
    larger: await withCosigners(larger, view.larger, policy),
  };
}

function requireContradiction(view: SplitView, smaller: Checkpoint, larger: Checkpoint): void {
  if (smaller.size === 0 || smaller.size > larger.size)
    throw new MalformedError(
      FORMAT,
      "the smaller checkpoint is not of size 1 or more, or is the larger one",
      "/smaller",
    );
  const beginning = decodeBase64(view.beginning);
  // RFC 6962: nobody can make a proof from another beginning to the same root without a collision of SHA-256.
  verifyConsistency({
    fromSize: smaller.size,
    fromRoot: beginning,
    toSize: larger.size,
    toRoot: larger.root,
    proof: view.consistency.map(decodeBase64),
  });
  if (equalBytes(beginning, smaller.root))
    throw new VerificationError<SplitViewCode>(
      "split-view-none",
      "the larger tree is the smaller one, grown: both checkpoints are true",
    );
}

async function withCosigners(
  checkpoint: Checkpoint,
  note: string,
  policy: TlogPolicy,
): Promise<ProvenCheckpoint> {
  const { good } = await cosignersOf(note, policy);
  return { ...checkpoint, cosignedBy: [...new Set(good.map(({ name }) => name))] };
}
