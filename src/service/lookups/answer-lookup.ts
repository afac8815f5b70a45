// Puts the answer to a lookup together: what the index says of a term, and what it takes to believe that (docs/formats.md, "Lookup").

import type { Published } from "../../log/checkpointing/publication.ts";
import type { PublishedLog } from "../../log/published-log.ts";
import { nativeSha256 } from "../../node/sha256.ts";
import type { LookupAnswer } from "../../protocol/lookup/lookup-answer.ts";
import { MAX_INDICES } from "../../protocol/lookup/lookup-format.ts";
import { keyOfTerm, type Term } from "../../protocol/lookup/term.ts";
import { currentTrustRoot, type PlacedStatus } from "../../protocol/registration/in-force.ts";
import { withProof } from "../bundles/assemble-bundle.ts";
import { readLoggedEntry, requirePublished } from "../entries/read-entry.ts";
import { requireWithin } from "../http/parameters.ts";
import { RequestProblem } from "../problem.ts";

/**
 * The answer under the published checkpoint, as of the status in it.
 * @param since size of a tree that the answer proves to be a beginning of its own.
 * @throws RequestProblem "index-not-kept", "beyond-tree"; LogUnavailableError "index-not-ready".
 */
export async function answerLookup(log: PublishedLog, term: Term, since?: number): Promise<LookupAnswer> {
  const published = requirePublished(log);
  const { inForce, checkpoint } = published;
  if (since !== undefined) requireWithin(since, checkpoint.size, `size ${since}`);
  const status = requireIndexed(published);
  const index = { size: status.treeSize, root: status.indexRoot };
  const { indices, before, proof } = await log.findKey(keyOfTerm(term, nativeSha256), index, MAX_INDICES);
  const place = async (at: number) => withProof(log, await readLoggedEntry(log, at), checkpoint.size);
  return {
    origin: checkpoint.origin,
    term,
    indices,
    before,
    proof,
    trustRoots: await Promise.all(inForce.trustRoots.map((root) => place(root.index))),
    status: await place(status.index),
    checkpoint: published.note,
    consistency:
      since === undefined || since === checkpoint.size
        ? null
        : { from: since, proof: await log.proveConsistency(since, checkpoint.size) },
  };
}

/** The published status, and the root that it states. */
function requireIndexed({ inForce }: Published): PlacedStatus & { readonly indexRoot: string } {
  const { status } = inForce;
  if (currentTrustRoot(inForce)?.root.index !== true)
    throw new RequestProblem(
      "index-not-kept",
      "the trust root of this log says index: false; search /v1/entries",
    );
  if (status === null || status.indexRoot === null)
    throw new RequestProblem("index-not-ready", "no status states the root of the index yet; try again soon");
  return { ...status, indexRoot: status.indexRoot };
}
