// Reads what remembered-state.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { integer, name, positive, time } from "../../protocol/entry/fields.shape.ts";
import { PRINTABLE } from "../../protocol/entry/fields.ts";
import { nullable, object, record, tuple } from "../../protocol/shape/containers.ts";
import { atLeast, atMost, matching, string } from "../../protocol/shape/scalars.ts";

export type RememberedState = {
  origin: string;
  /** Newest trust root seen */
  trustRootVersion: number;
  /** Newest status seen */
  statusSequence: number;
  /** Largest tree seen */
  checkpoint: {
    /** The signed note that it was verified from */
    note: string;
    /** Oldest cosignature of its quorum */
    cosignedAt: string;
  };
  /** Newest version seen of each policy */
  policies: Record<string, number>;
  /** Two checkpoints of one size and of different roots: proof against the log */
  fork: [string, string] | null;
};

export const rememberedState = object<RememberedState>({
  origin: string(atMost(255), matching(PRINTABLE), atLeast(1)),
  trustRootVersion: positive,
  statusSequence: positive,
  checkpoint: object({
    note: string(atMost(65536)),
    cosignedAt: time,
  }),
  policies: record(name, integer),
  fork: nullable(tuple(string(atMost(65536)), string(atMost(65536)))),
});
