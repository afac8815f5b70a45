// Looks whether another server keeps what this one acknowledges.
import type { ServerState, Standby } from "../../../log/store/server-state.ts";
import { fault, ok, type Remark, warning } from "../finding.ts";
import type { Look } from "../look.ts";

/** What pg_stat_replication calls those that a commit waits for. */
const WAITED_FOR: readonly string[] = ["sync", "quorum"];

export const standbys: Look = {
  check: "standbys",
  async look({ server }) {
    if (server === null || server.isStandby) return [];
    if (server.waitsFor === "") return [nobody(server)];
    return [judge(server)];
  },
};

function nobody({ standbys }: ServerState): Remark {
  const there = standbys === null || standbys.length === 0 ? "" : `; ${list(standbys)} may be behind`;
  return warning(
    `the server names no synchronous standby${there}: a failover could lose what was acknowledged`,
    "set synchronous_standby_names, such as 'ANY 1 (b, c)', and replication = \"required\"",
  );
}

function judge({ standbys, waitsFor }: ServerState): Remark {
  if (standbys === null)
    return warning(
      `commits wait for ${waitsFor}; this role may not see who follows`,
      "GRANT pg_read_all_stats to the role, or ask pg_stat_replication as another one",
    );
  const waited = standbys.filter(({ sync, state }) => WAITED_FOR.includes(sync) && state === "streaming");
  if (waited.length === 0)
    return fault(
      `commits wait for ${waitsFor}, and none of them follows${standbys.length === 0 ? "" : ` (${list(standbys)})`}: nothing is acknowledged`,
      "bring a standby back. Promote none of them now that you do not know to have been synchronous",
    );
  return ok(`commits wait for ${waitsFor}; ${list(standbys)}`);
}

const list = (standbys: readonly Standby[]) =>
  standbys
    .map(({ name, state, sync, bytesBehind }) => {
      const behind = bytesBehind === null ? "" : `, ${bytesBehind} bytes behind`;
      return `${name} (${sync}, ${state}${behind})`;
    })
    .join(", ");
