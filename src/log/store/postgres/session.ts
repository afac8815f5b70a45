// Opens sessions of PostgreSQL, with what all of them have in common: the schema of one log, values as this program holds them, and a
// socket that notices a peer that is gone.
import pg from "pg";
import { StartRefusedError, StoreUnreachableError } from "../../errors.ts";
import type { PostgresLocation } from "../store-location.ts";

/** int8, of which the log has none that JavaScript could not hold (entries, sizes, POSIX seconds, 48-bit prefixes). */
const INT8 = 20;
const INT8_ARRAY = 1016;
const CONNECT_MS = 10_000;
const KEEP_ALIVE_MS = 5_000;

const numbers = (array: string) => (array === "{}" ? [] : array.slice(1, -1).split(",").map(Number));
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => {
    if (Number(oid) === INT8) return Number;
    return Number(oid) === INT8_ARRAY ? numbers : pg.types.getTypeParser(oid, format as "text");
  },
};

/** Settings of a session, by PostgreSQL's names. */
export type Settings = Readonly<Record<string, string>>;

/** What a statement is asked with: its name, under which a session prepares it once, and its text. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Asks a session, whichever it is. */
export interface Asker {
  ask<Row extends pg.QueryResultRow>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>;
}

export interface SessionOptions {
  /** Shown in pg_stat_activity. */
  readonly name: string;
  readonly settings: Settings;
}

/** Asks one session. */
export async function askSession<Row extends pg.QueryResultRow>(
  client: pg.ClientBase,
  { name, text }: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  return (await client.query<Row>({ name, text, values: [...values] })).rows;
}

/** @throws StoreUnreachableError, which repeats nothing of the URL. */
export async function connect(
  url: string,
  { schema }: Pick<PostgresLocation, "schema">,
  { name, settings }: SessionOptions,
): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(url, name));
  // Without a listener, a connection that ends while nobody asks would end the process; whoever asks next is told.
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw unreachable(error);
  }
  try {
    await applySettings(client, schema, settings);
    return client;
  } catch (error) {
    destroy(client);
    throw error;
  }
}

function unreachable(error: unknown): StoreUnreachableError {
  const { message } = error as Error;
  return new StoreUnreachableError(`PostgreSQL cannot be reached: ${message}`, { cause: error });
}

/** What a session is called in pg_stat_activity. */
export function applicationName(name: string): string {
  return `touchstone ${name}`.slice(0, 63);
}

export function clientConfig(url: string, name: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: applicationName(name),
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    types,
  };
}

/** One round trip, whatever the number of settings. They are set by a statement, which a connection pooler lets pass. */
async function applySettings(client: pg.ClientBase, schema: string, settings: Settings): Promise<void> {
  const all = Object.entries({ search_path: schema, ...settings });
  const calls = all.map((_, i) => `set_config($${2 * i + 1}, $${2 * i + 2}, false)`);
  await client.query(`SELECT ${calls.join(", ")}`, all.flat());
}

/** Ends a session at once, whatever it is doing: no cancel is sent, the server finds the socket closed. */
export function destroy(client: pg.Client): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}

/** The SQLSTATE of an error of PostgreSQL; "" of any other. */
export function sqlState(error: unknown): string {
  return error instanceof pg.DatabaseError ? (error.code ?? "") : "";
}

/** Whether an error says that the session, and not the statement, is at fault: asked again in another one, it may succeed. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof StoreUnreachableError) return true;
  // What it says is for people: the words that are looked for below may be among them.
  if (error instanceof StartRefusedError) return false;
  if (error instanceof pg.DatabaseError) return /^(?:08|57P0[1-3]|25P03)/.test(error.code ?? "");
  const { code = "" } = error as NodeJS.ErrnoException;
  return /^E[A-Z]+$/.test(code) || /connection|timeout|not queryable|closed/i.test(error.message);
}
