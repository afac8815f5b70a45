// Looks how long the newest status is still good, and whether it says what is in force.
import { fault, ok, type Remark, warning } from "../finding.ts";
import type { Look } from "../look.ts";
import { spell } from "../spell-time.ts";

/** Of a status' life; the service issues the next one at half of it. */
const LOW = 0.25;

export const status: Look = {
  check: "status",
  async look({ log, config, context }) {
    if (log === null) return [];
    const renew =
      config.keys.status === undefined
        ? "issue one with 'touchstone status publish'"
        : "the service issues it: see that it runs, and that its status key is allowed to";
    const { inForce } = log.state;
    if (inForce.status === null || log.statusExpires === null)
      return [warning("no status was issued: verifiers get no bundle", renew)];
    const left = (log.statusExpires.getTime() - context.now().getTime()) / 1000;
    const what = `number ${inForce.status.sequence}`;
    const remarks: Remark[] = [];
    if (left <= 0) remarks.push(fault(`${what} has expired: verifiers refuse what rests on it`, renew));
    else if (left < LOW * log.root.maxStatusAge)
      remarks.push(warning(`${what} expires in ${spell(left)}`, renew));
    if (inForce.changedAt > inForce.status.treeSize)
      remarks.push(warning(`${what} is older than the newest change of what is in force`, renew));
    return remarks.length > 0 ? remarks : [ok(`${what} is good for ${spell(left)}`)];
  },
};
