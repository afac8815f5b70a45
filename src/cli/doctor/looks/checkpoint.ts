// Looks whether what is committed is published, and recently enough for verifiers.
import { fault, ok, warning } from "../finding.ts";
import type { Look } from "../look.ts";
import { spell } from "../spell-time.ts";

export const checkpoint: Look = {
  check: "checkpoint",
  async look({ log, context }) {
    if (log === null) return [];
    const { published, root, state } = log;
    const serve = "the service publishes what is committed: start it, and see that its quorum cosigns";
    if (published === null) return [fault(`none of ${state.head.size} entries is published`, serve)];
    const age = (context.now().getTime() - published.cosignedAt.getTime()) / 1000;
    const what = `size ${published.checkpoint.size} was cosigned ${spell(age)} ago`;
    if (age >= root.maxCheckpointAge)
      return [fault(`${what}: verifiers refuse it after ${spell(root.maxCheckpointAge)}`, serve)];
    const waiting = state.head.size - published.checkpoint.size;
    if (waiting > 0)
      return [warning(`${what}; ${waiting} entries are committed and not published yet`, serve)];
    if (age >= root.maxCheckpointAge / 2)
      return [warning(`${what}; verifiers refuse it after ${spell(root.maxCheckpointAge)}`, serve)];
    return [ok(what)];
  },
};
