// Looks whether the store answers, is of this program's version, and holds a log that may start.
import { describeLocation } from "../../../log/store/store-location.ts";
import { ok } from "../finding.ts";
import type { Look } from "../look.ts";

export const store: Look = {
  check: "store",
  async look({ location, problem, log }) {
    if (problem !== null) return [problem];
    if (log === null) return [];
    const where = describeLocation(location);
    return [ok(`${where}: ${log.state.head.size} entries, its schema is the one that this program knows`)];
  },
};
