// What a recovered log takes the roots of its index from: what its own statuses state, and nothing else.
import { expect, it } from "vitest";
import { statedRoots } from "../../../src/log/maintenance/stated-roots.ts";
import type { Envelope } from "../../../src/protocol/envelope/dsse.ts";

const envelope = (kind: string, index: unknown) =>
  ({ statement: { kind, predicate: { index } } }) as unknown as Envelope;

it("finds the root that a status states for a size", () => {
  const rootAt = statedRoots([
    envelope("status", { size: 3, root: "aa" }),
    envelope("status", null),
    envelope("policy", { size: 4, root: "bb" }),
    envelope("status", { size: 5, root: "cc" }),
  ]);
  expect([3, 4, 5, 6].map(rootAt)).toEqual(["aa", undefined, "cc", undefined]);
});
