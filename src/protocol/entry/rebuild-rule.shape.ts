// Reads what rebuild-rule.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { list, object, oneOf } from "../shape/containers.ts";
import { atLeast, atMost, from, safeInteger, upTo } from "../shape/scalars.ts";
import { rule } from "../shape/shape.ts";
import { sha256 } from "./fields.shape.ts";
import { differ } from "./fields.ts";
import { isReachable } from "./rebuild-rule.ts";

export type RebuildRule = {
  threshold: number;
  /** Keys of rebuilders; each counts once for a release */
  keys: string[];
  /** Kinds whose releases must have been rebuilt */
  kinds: ("platform" | "os-image" | "kernel-patch-set" | "driver-build" | "gsp-firmware")[];
  /** What a rebuild by one of the keys with another result does */
  differs: "refuse" | "show";
};

export const rebuildRule = object<RebuildRule>(
  {
    threshold: safeInteger(from(1), upTo(32)),
    keys: list(sha256, atLeast(1), atMost(32), rule(differ, "keys must differ")),
    kinds: list(
      oneOf("platform", "os-image", "kernel-patch-set", "driver-build", "gsp-firmware"),
      atLeast(1),
      rule(differ, "kinds must differ"),
    ),
    differs: oneOf("refuse", "show"),
  },
  rule(isReachable, "there must be at least as many keys as the threshold"),
);
