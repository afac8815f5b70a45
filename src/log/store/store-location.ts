// Says where a store is.

/** A log in a schema of a PostgreSQL database. Its URLs hold passwords: they stand in no message. */
export interface PostgresLocation {
  /** Of the server that takes writes, reached directly. */
  readonly url: string;
  /** The name of a schema, as `isSchemaName` wants it. */
  readonly schema: string;
  /** Of replicas, which are read from while this process does not lead. */
  readonly readerUrl?: string | undefined;
  /** "required" refuses a server that names no synchronous standby. */
  readonly replication: "required" | "warn";
  /** Seconds for which one leads that does not answer, before others take over; 5 unless given. */
  readonly lease?: number | undefined;
}

/** The path of a SQLite database, or a schema of a PostgreSQL database. */
export type StoreLocation = string | PostgresLocation;

/** PostgreSQL's NAMEDATALEN − 1. */
export const MAX_SCHEMA_LENGTH = 63;
const SCHEMA = new RegExp(`^[a-z_][a-z0-9_]{0,${MAX_SCHEMA_LENGTH - 1}}$`);

/** A name that needs no quotes, and none that PostgreSQL keeps for itself. */
export function isSchemaName(text: string): boolean {
  return SCHEMA.test(text) && !text.startsWith("pg_") && text !== "information_schema";
}

/** The schema of a log that is given none: its origin, in the letters that a schema's name may have. */
export function schemaOf(origin: string): string {
  const letters = origin.toLowerCase().replace(/[^a-z0-9]+/g, "_");
  return `log_${letters}`.slice(0, MAX_SCHEMA_LENGTH);
}

/** What messages call a store. */
export function describeLocation(location: string | Pick<PostgresLocation, "schema">): string {
  return typeof location === "string" ? location : `schema ${location.schema} of the PostgreSQL database`;
}
