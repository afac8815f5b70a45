// Looks who leads, where several processes may.
import { ok, warning } from "../finding.ts";
import type { Look } from "../look.ts";

export const leader: Look = {
  check: "leader",
  async look({ server }) {
    if (server === null) return [];
    const { leader, epoch } = server;
    if (leader === null)
      return [
        warning(
          `nobody leads; the newest epoch is ${epoch}`,
          "start a service of this log; where one runs, its log lines say why it does not lead",
        ),
      ];
    const { id, address, leaseLeft } = leader;
    const where = address === null ? "" : ` at ${address}`;
    return [ok(`${id}${where} leads in epoch ${epoch}; ${leaseLeft.toFixed(1)} s of its lease are left`)];
  },
};
