// Names every SQL statement of the store; a session prepares each once for every log, when it is first asked. What is a log's own is written
// with "@" before it, and is asked for in the schema of one log: no setting of a session decides whose rows are read.
import { nativeSha256 } from "../../../node/sha256.ts";
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import { utf8 } from "../../../protocol/encoding/text.ts";
import type { Kind } from "../../../protocol/entry/kinds.ts";
import { HASH_LENGTH } from "../../../protocol/merkle/hash.ts";
import type { Leader } from "../leadership.ts";
import type { Seen } from "../log-store.ts";
import { isSchemaName } from "../store-location.ts";
import type { Statement } from "./session.ts";

export interface CheckpointRow {
  readonly size: number;
  readonly cosignedAt: number;
  readonly note: string;
}

export interface LeaderRow extends Leader {
  /** Seconds. */
  readonly leaseLeft: number;
}

export type SeenRow = { -readonly [K in keyof Seen]: Seen[K] };

/** What a lookup finds, one row each; `what` says which columns count. */
export type FoundRow =
  | { readonly what: "entry"; readonly idx: number; readonly leaf: Buffer }
  | {
      readonly what: "identity";
      readonly idx: number;
      readonly kind: Kind;
      readonly name: string;
      readonly version: string;
      readonly digest: string;
    }
  | { readonly what: "attachment"; readonly digest: string; readonly size: number }
  | { readonly what: "token"; readonly digest: string };

/** What is new, one row each; `what` says which columns count. */
export type NewsRow =
  | { readonly what: "head"; readonly size: number; readonly bytes: Buffer }
  | ({ readonly what: "checkpoint" } & CheckpointRow)
  | { readonly what: "leaf"; readonly size: number; readonly bytes: Buffer };

const CHECKPOINT = `SELECT size, cosigned_at AS "cosignedAt", note FROM @checkpoints`;
/** Bytes of a bytea from an offset, which counts from 0, on. */
const slice = (column: string, offset: string, bytes: number) =>
  `substring(${column} FROM ${offset}::integer + 1 FOR ${bytes})`;

/** The row is found by its key: readers make a walk of a table, be it of one row, so dear that PostgreSQL would compile the statement. */
const TREE_HEAD = "@tree_head WHERE one = 1";

/** Whether a row of pg_locks is of the lock with this key, which it shows in two halves. */
const IS_LOCK = `
  locktype = 'advisory' AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND classid::bigint = (key >> 32) & 4294967295 AND objid::bigint = key & 4294967295`;

const TEXTS = {
  head: `SELECT size, root FROM ${TREE_HEAD}`,
  // The size of an entry is that of the tree before it.
  news: `
    SELECT 'head' AS what, size, root AS bytes, NULL::bigint AS "cosignedAt", NULL::text AS note FROM ${TREE_HEAD}
    UNION ALL
    (SELECT 'checkpoint', size, NULL, cosigned_at, note FROM @checkpoints ORDER BY number DESC LIMIT 1)
    UNION ALL
    SELECT 'leaf', idx, leaf, NULL, NULL FROM @entries WHERE idx >= $1 AND idx < $1 + $2
    ORDER BY what, size`,
  // What was asked for is walked, never the log; one statement is one round trip, whatever it asks for.
  lookup: `
    SELECT 'entry' AS what, idx, leaf, NULL AS kind, NULL AS name, NULL AS version, NULL AS digest, NULL::bigint AS size
      FROM unnest($1::text[]) AS asked (digest) JOIN @entries ON payload_digest = decode(asked.digest, 'hex')
    UNION ALL
    SELECT 'identity', idx, NULL, entries.kind, entries.name, entries.version, encode(payload_digest, 'hex'), NULL
      FROM unnest($2::text[], $3::text[], $4::text[]) AS asked (kind, name, version)
      JOIN @entries ON entries.name = asked.name AND entries.kind = asked.kind AND entries.version = asked.version
    UNION ALL
    SELECT 'attachment', NULL, NULL, NULL, NULL, NULL, asked.digest, asked.size
      FROM unnest($5::text[], $6::bigint[]) AS asked (digest, size)
      JOIN @attachments ON attachments.digest = decode(asked.digest, 'hex') AND length(bytes) = asked.size
    UNION ALL
    SELECT 'token', NULL, NULL, NULL, NULL, NULL, asked.token, NULL
      FROM unnest($7::text[]) AS asked (token) JOIN @entry_tokens ON entry_tokens.token = decode(asked.token, 'hex')
    ORDER BY what, idx`,
  entries: `
    SELECT leaf FROM unnest($1::bigint[]) WITH ORDINALITY AS asked (idx, n) JOIN @entries USING (idx) ORDER BY n`,
  search: "SELECT indexes, next, examined FROM @search_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
  // Of several replicas one may have less than another has shown: it says nothing, since what it lacks may be a revocation.
  inForce: `
    SELECT idx FROM (
      SELECT idx FROM @entries WHERE kind IN ('trust-root', 'revocation', 'identity-keys') AND idx < $1
      UNION ALL SELECT max(idx) FROM @entries WHERE kind = 'policy' AND idx < $1 GROUP BY name
      UNION ALL SELECT max(idx) FROM @entries WHERE kind = 'status' AND idx < $1 GROUP BY kind
      UNION SELECT idx FROM (SELECT max(idx) AS idx FROM @entry_tokens WHERE idx < $1) AS newest WHERE idx IS NOT NULL
    ) AS found WHERE $1 <= (SELECT size FROM ${TREE_HEAD}) ORDER BY idx`,
  tile: "SELECT hashes, inner_nodes AS inner FROM @tiles WHERE level = $1 AND idx = $2",
  path: `
    SELECT ${slice("hashes", "$2", 2 * HASH_LENGTH)}
        || ${["$3", "$4", "$5", "$6", "$7", "$8", "$9"].map((offset) => slice("inner_nodes", offset, HASH_LENGTH)).join(" || ")} AS nodes
    FROM @tiles WHERE level = 0 AND idx = $1 AND inner_nodes IS NOT NULL`,
  leaves: "SELECT leaf FROM @entries WHERE idx >= $1 AND idx < $2 ORDER BY idx",
  newestCheckpoint: `${CHECKPOINT} ORDER BY number DESC LIMIT 1`,
  firstCovering: `${CHECKPOINT} WHERE size >= $1 ORDER BY size, number LIMIT 1`,
  checkpointsFrom: `${CHECKPOINT} WHERE size >= $1 ORDER BY size, number LIMIT $2`,
  seen: `
    SELECT size, (SELECT cosigned_at FROM @checkpoints ORDER BY number DESC LIMIT 1) AS "cosignedAt" FROM ${TREE_HEAD}`,
  attachment: "SELECT bytes FROM @attachments WHERE digest = $1",
  leader: `
    SELECT epoch, holder AS id, address, extract(epoch FROM lease_until - clock_timestamp())::float8 AS "leaseLeft"
    FROM ${TREE_HEAD} AND lease_until > clock_timestamp() AND holder IS NOT NULL`,
  lock: "SELECT pg_advisory_lock(hashtextextended($1, 0))",
  tryLock: "SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS won",
  unlock: "SELECT pg_advisory_unlock(hashtextextended($1, 0))",
  // Who has the lock of a log, and who waits for it.
  candidates: `
    SELECT application_name AS name, granted FROM pg_locks JOIN pg_stat_activity USING (pid), hashtextextended($1, 0) AS key
    WHERE ${IS_LOCK}`,
  lateHolder: `
    SELECT pid AS backend FROM pg_locks, hashtextextended($1, 0) AS key, ${TREE_HEAD}
      AND granted AND lease_until < clock_timestamp() AND ${IS_LOCK}`,
  terminate: "SELECT pg_terminate_backend($1)",
  lead: `SELECT @lead_v1($1, $2, $3) AS epoch, clock_timestamp() AS "takenAt"`,
  renew: "SELECT @renew_v1($1, $2)",
  append: `SELECT @append_v1(${Array.from({ length: 25 }, (_, i) => `$${i + 1}`).join(", ")})`,
  addCheckpoint: "SELECT @add_checkpoint_v1($1, $2, $3, $4, $5)",
  // Raising the epoch waits for what the session before had under way, and refuses whatever of it is still to come.
  fence: "UPDATE @tree_head SET epoch = epoch + 1, holder = NULL, lease_until = '-infinity' WHERE epoch = $1",
  // A commit, with everything that one waits for.
  barrier: "UPDATE @tree_head SET size = size",
  holds: `
    SELECT 1 AS found
    FROM (SELECT string_agg(leaf, '' ORDER BY idx) AS leaves, string_agg(payload_digest, '' ORDER BY idx) AS digests
          FROM @entries WHERE idx >= $1 AND idx < $2) AS there
    WHERE leaves = $3 AND digests = $4`,
} as const;

/** Every statement, by its name, of no log yet. */
export const STATEMENTS = Object.fromEntries(
  Object.entries(TEXTS).map(([name, text]) => [name, { name, text }]),
) as Readonly<Record<keyof typeof TEXTS, Statement>>;

/**
 * Says statements of the log in one schema. What a session calls a statement follows from its text, so that those of two logs never have one
 * name; a name with the schema in it could be longer than PostgreSQL keeps.
 */
export function statementsIn(schema: string): (statement: Statement) => Statement {
  if (!isSchemaName(schema)) throw new RangeError(`"${schema}" is no name of a schema`);
  const said = new Map<string, Statement>();
  return ({ name, text }) => {
    const known = said.get(text);
    if (known !== undefined) return known;
    const own = text.replaceAll("@", `"${schema}".`);
    const statement = { name: `${name} ${encodeHex(nativeSha256(utf8(own))).slice(0, 32)}`, text: own };
    said.set(text, statement);
    return statement;
  };
}
