// Puts releases into an order in which they can be published: everything comes after what it refers to.
import type { ReleaseKindObject } from "./kind.ts";
import { RELEASE_OBJECTS } from "./release-kinds.ts";

type Node = Pick<ReleaseKindObject, "kind" | "references">;

/** Kinds sorted so that each comes after those that it refers to, and otherwise as they are listed. @throws TypeError on a circle. */
export function dependencyOrder(kinds: readonly Node[]): string[] {
  const ordered: string[] = [];
  let waiting = kinds;
  while (waiting.length > 0) {
    const names = waiting.map(({ kind }) => kind);
    const ready = waiting.filter(({ references }) =>
      Object.values(references).every(({ kind }) => !names.includes(kind)),
    );
    if (ready.length === 0) throw new TypeError(`these kinds refer to one another: ${names.join(", ")}`);
    ordered.push(...ready.map(({ kind }) => kind));
    waiting = waiting.filter((kind) => !ready.includes(kind));
  }
  return ordered;
}

/** The items sorted so that references point backwards; items of a kind that is not released come first. */
export function inDependencyOrder<T>(items: readonly T[], kindOf: (item: T) => string): T[] {
  const order = dependencyOrder(RELEASE_OBJECTS);
  return [...items].sort((a, b) => order.indexOf(kindOf(a)) - order.indexOf(kindOf(b)));
}
