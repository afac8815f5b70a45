// Reads what measured-event.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, object, oneOf } from "../shape/containers.ts";
import { atLeast, atMost, matching, string } from "../shape/scalars.ts";
import type { Shape } from "../shape/shape.ts";
import { sha384 } from "./fields.shape.ts";
import { PRINTABLE } from "./fields.ts";

/** computed: from artefacts alone; observed: on a machine, in a quote or event log */
export type Derivation = "computed" | "observed";

export const derivation: Shape<Derivation> = oneOf("computed", "observed");

export type MeasuredEvent = {
  register: "rtmr0" | "rtmr1" | "rtmr2" | "rtmr3";
  /** As TCG names it, or its number in hex */
  type: string;
  /** SHA-384, lower-case hex */
  digest: string;
  /** What is hashed */
  formula: string;
  /** given: a file or log that nothing here computes */
  source: "file" | "constant" | "shape" | "given";
};

export const measuredEvent = object<MeasuredEvent>({
  register: oneOf("rtmr0", "rtmr1", "rtmr2", "rtmr3"),
  type: string(atMost(64), matching(PRINTABLE), atLeast(1)),
  digest: sha384,
  formula: string(atMost(512), matching(PRINTABLE), atLeast(1)),
  source: oneOf("file", "constant", "shape", "given"),
});

export type MeasuredEvents = MeasuredEvent[];

export const measuredEvents: Shape<MeasuredEvents> = list(measuredEvent);
