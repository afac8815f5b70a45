// Defines what a verifier remembers between visits, so that nobody can show it an older or another log than before: its form
// (docs/formats.md).
import { readAs } from "../../protocol/encoding/shape.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { isFork, treeOfNote } from "./fork.ts";
import { type RememberedState as Remembered, rememberedState } from "./remembered-state.shape.ts";

const FORMAT = "remembered state";
/** Room for three checkpoints of the size that a bundle may have, and for the policies that a status may name. */
const MAX_STATE_BYTES = 512 * 1024;

/**
 * @example
 * ```ts
 * import type { RememberedState } from "touchstone/verifier";
 * const hasForked = (state: RememberedState): boolean => state.fork !== null;
 * ```
 */
export type RememberedState = Remembered;

/**
 * @throws MalformedError also for the earlier form, which kept no signed checkpoint.
 * @example
 * ```ts
 * import { parseState } from "touchstone/verifier";
 * const sequenceSeen = (text: string): number => parseState(text).statusSequence;
 * ```
 */
export function parseState(text: string): RememberedState {
  const json = parseJson(text, MAX_STATE_BYTES);
  refuseUnsigned(json);
  const state = readAs(rememberedState, json, FORMAT);
  const trees = [state.checkpoint.note, ...(state.fork ?? [])].map(treeOfNote);
  if (trees.some(({ origin, size }) => origin !== state.origin || size === 0))
    throw new MalformedError(FORMAT, "a checkpoint in it is of another log, or empty", "/checkpoint/note");
  if (state.fork !== null && !isFork(state.fork))
    throw new MalformedError(FORMAT, "the two checkpoints are not of one size and different roots", "/fork");
  return state;
}

/**
 * @example
 * ```ts
 * import { formatState, type RememberedState } from "touchstone/verifier";
 * const save = (state: RememberedState): void => localStorage.setItem(state.origin, formatState(state));
 * ```
 */
export function formatState(state: RememberedState): string {
  return JSON.stringify(state);
}

/** The form before this one kept a size and a root that nobody had signed. */
function refuseUnsigned(json: unknown): void {
  const { checkpoint } = Object(json) as { checkpoint?: unknown };
  if (!Object.hasOwn(Object(checkpoint), "root")) return;
  throw new MalformedError(
    FORMAT,
    "it is of an earlier form, without the signed checkpoint: note the size and root in it, remove it, and verify again as on a first visit; what you see then must contain that tree",
    "/checkpoint",
  );
}
