// Says that another visit ended first, and lets a visit begin again: visits at once end as if one had come after the other.
import { PolicyError } from "../../protocol/errors.ts";

/**
 * Another visit saw another tree since the state was loaded, and whether one of the two grew out of the other is not proven. Nothing was
 * saved: load the state again, and verify against that.
 * @example
 * ```ts
 * import { StateChangedError } from "touchstone/verifier";
 * const isToBeRepeated = (error: unknown): boolean => error instanceof StateChangedError;
 * ```
 */
export class StateChangedError extends PolicyError<"state-changed"> {
  constructor(origin: string) {
    super("state-changed", `another visit saw another tree of ${origin} meanwhile; verify again`);
  }
}

/** Of visits that collide one succeeds, so only as many at once could fail. */
const MAX_VISITS = 20;

/**
 * Makes a visit, from loading the state to saving it, and makes it again where another one ended in between.
 * @throws StateChangedError when that happened every time; and what the visit throws.
 */
export async function repeatVisit<T>(visit: () => Promise<T>): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await visit();
    } catch (error) {
      if (!(error instanceof StateChangedError) || count === MAX_VISITS) throw error;
    }
  }
}
