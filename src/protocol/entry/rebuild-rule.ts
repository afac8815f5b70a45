// Defines what a policy may demand of third parties: that they built what it names again, with the same result.
import type { RebuildRule } from "./rebuild-rule.shape.ts";

export type { RebuildRule } from "./rebuild-rule.shape.ts";

/** Whether so many of the keys can be met; that they differ, the schema asks of their list. */
export function isReachable({ keys, threshold }: RebuildRule): boolean {
  return threshold <= keys.length;
}
