// Tells who follows the server of a log, and how far: what a failover to one of them would have.

import type { Replication, Standby } from "../store-inspection.ts";
import type { PostgresLocation } from "../store-location.ts";
import { WriterSession } from "./writer-session.ts";

const STANDBYS = {
  name: "standbys",
  // A role that may not see this is shown nothing but the name.
  text: `SELECT application_name AS name, coalesce(sync_state IN ('sync', 'quorum'), false) AS "isSynchronous",
                pg_wal_lsn_diff(pg_current_wal_flush_lsn(), flush_lsn)::bigint AS "bytesBehind"
         FROM pg_stat_replication ORDER BY application_name`,
};

/** @throws StartRefusedError "storage-unsafe" where a log may not be on this server; StoreUnreachableError. */
export async function replicationOf(location: PostgresLocation): Promise<Replication> {
  const session = await WriterSession.open(location, "looking");
  try {
    const standbys = await session.ask<{ [K in keyof Standby]: Standby[K] }>(STANDBYS);
    return { isRequired: session.namesStandby, standbys };
  } finally {
    session.destroy();
  }
}
