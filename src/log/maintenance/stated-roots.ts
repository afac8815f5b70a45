// Takes what the statuses of a log state of its index as true, where that index is not looked at.
import type { Envelope } from "../../protocol/envelope/dsse.ts";
import type { Roots } from "../sequencing/batch-view.ts";

/** The log has signed these envelopes, and has held what they state against its index. */
export function statedRoots(envelopes: readonly Pick<Envelope, "statement">[]): Roots["index"] {
  const stated = envelopes.flatMap(({ statement }) =>
    statement.kind === "status" && statement.predicate.index !== null ? [statement.predicate.index] : [],
  );
  return (size) => stated.find((index) => index.size === size)?.root;
}
