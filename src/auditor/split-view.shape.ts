// Reads what split-view.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { origin } from "../protocol/entry/fields.shape.ts";
import { list, object, oneOf } from "../protocol/shape/containers.ts";
import { atMost, matching, string } from "../protocol/shape/scalars.ts";

/** Split view: proof that a log signed two trees */
export type SplitViewJson = {
  format: "touchstone-split-view/v1";
  /** Origin line of the log's checkpoints (C2SP tlog-checkpoint) */
  origin: string;
  /** Signed checkpoint (C2SP tlog-checkpoint) */
  smaller: string;
  /** Signed checkpoint of another tree, of the same size or a larger one */
  larger: string;
  /** Root that the larger tree has at the smaller size: another one than was signed */
  beginning: string;
  /** Consistency proof from `beginning` to the larger tree (RFC 6962 §2.1.2) */
  consistency: string[];
};

export const splitViewJson = object<SplitViewJson>({
  format: oneOf("touchstone-split-view/v1"),
  origin,
  smaller: string(atMost(65536)),
  larger: string(atMost(65536)),
  beginning: string(matching(/^[A-Za-z0-9+/]{43}=$/)),
  consistency: list(string(matching(/^[A-Za-z0-9+/]{43}=$/)), atMost(63)),
});
