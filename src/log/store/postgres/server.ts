// Reads what a PostgreSQL server says of itself, of who leads a log on it, and of its standbys.
import type pg from "pg";
import type { LeaderSeen, ServerState, Standby } from "../server-state.ts";
import type { PostgresLocation } from "../store-location.ts";
import { connect, destroy, type Settings } from "./session.ts";
import { readSettings, WriterSession, whyUnsafe } from "./writer-session.ts";

const SETTINGS: Settings = { default_transaction_read_only: "on", statement_timeout: "5s" };

/** One whose lease is over stays in the row until the next one begins. */
const LEADER = `
  SELECT epoch, holder AS id, address,
         CASE WHEN lease_until > clock_timestamp()
           THEN extract(epoch FROM lease_until - clock_timestamp())::float8 ELSE 0 END AS "leaseLeft"
  FROM tree_head`;
const MAY_KNOW = "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS may";
const STANDBYS = `
  SELECT application_name AS name, state, sync_state AS sync,
         CASE WHEN NOT pg_is_in_recovery()
           THEN pg_wal_lsn_diff(pg_current_wal_flush_lsn(), flush_lsn)::bigint END AS "bytesBehind"
  FROM pg_stat_replication ORDER BY application_name`;

interface LeaderRow extends Omit<LeaderSeen, "id"> {
  readonly id: string | null;
}

/** In a session that cannot write. @throws StoreUnreachableError; Error of the driver where the schema is of another version. */
export async function readServer(location: PostgresLocation): Promise<ServerState> {
  const client = await connect(location.url, location, { name: "doctor", settings: SETTINGS });
  try {
    const settings = await readSettings(client);
    const leading = await readLeader(client);
    return {
      unsafe: whyUnsafe(settings, client, location),
      isStandby: settings.isStandby,
      ...leading,
      waitsFor: settings.standbys.trim(),
      standbys: await readStandbys(client),
    };
  } finally {
    destroy(client);
  }
}

/** Whether the server, which has to be one that a log may be on, waits for a standby. @throws StartRefusedError "storage-unsafe". */
export async function namesStandby(location: PostgresLocation): Promise<boolean> {
  const session = await WriterSession.open(location, "looking");
  session.destroy();
  return session.namesStandby;
}

async function readLeader(client: pg.Client): Promise<Pick<ServerState, "epoch" | "leader">> {
  const [row] = (await client.query<LeaderRow>(LEADER)).rows;
  if (row === undefined) return { epoch: 0, leader: null };
  const { id, epoch, leaseLeft } = row;
  return { epoch, leader: id === null || leaseLeft <= 0 ? null : { ...row, id } };
}

/** PostgreSQL shows everybody that there are standbys, and only some roles which. */
async function readStandbys(client: pg.Client): Promise<Standby[] | null> {
  const { rows } = await client.query<{ may: boolean }>(MAY_KNOW);
  return rows[0]?.may === true ? (await client.query<Standby>(STANDBYS)).rows : null;
}
