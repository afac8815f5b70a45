// The back ends that the store's contract is run on. A new one is one element here.
import Sqlite from "better-sqlite3";
import { SharedServer } from "../../../src/log/store/postgres/shared-server.ts";
import { SharedSessions } from "../../../src/log/store/shared-sessions.ts";
import type { PostgresLocation, StoreLocation } from "../../../src/log/store/store-location.ts";
import { TestPostgres, whyNoPostgres } from "../../support/postgres.ts";

/** Does to a store what its own program cannot. */
export interface Saboteur {
  /** Makes every write fail until what it returns is called. */
  blockWrites(location: StoreLocation): () => void;
  /** Raises the epoch as another writer would, behind the back of the one that is there. */
  beginEpoch(location: StoreLocation): void;
}

/** How a back end is set up for a test, and what it says where the contract leaves that to it. */
export interface StoreUnderTest {
  readonly name: string;
  /** Why it cannot be tested here. */
  readonly skipped?: string | undefined;
  /** Starts what it needs. @returns what ends that. */
  readonly start?: () => () => void | Promise<void>;
  /** Shared with other logs. */
  readonly sessions?: SharedSessions;
  /** A location of it in an empty folder that the test removes; nothing is there yet. */
  readonly locate: (folder: string) => StoreLocation;
  /** What it says of a value that must be unique and is not. */
  readonly notUnique: RegExp;
  readonly saboteur: Saboteur;
  /** Milliseconds between the clock that the store is given and its own: infinite where it has one. */
  readonly clockTolerance: number;
  /** What it says of a write that is blocked. */
  readonly blocked: RegExp;
}

const RAISE_EPOCH = "UPDATE tree_head SET epoch = epoch + 1";
let postgres: TestPostgres | undefined;
const sessions = new SharedSessions();

const POSTGRES: StoreUnderTest = {
  name: "PostgreSQL",
  skipped: whyNoPostgres,
  start: () => {
    postgres = TestPostgres.start("fsync = on");
    return () => postgres?.remove();
  },
  locate: () => (postgres as TestPostgres).location(),
  notUnique: /unique/,
  saboteur: {
    blockWrites: (location) => refuseWrites(location as PostgresLocation),
    beginEpoch: (location) => postgres?.sql(RAISE_EPOCH, (location as PostgresLocation).schema),
  },
  clockTolerance: Number.POSITIVE_INFINITY,
  blocked: /no room/,
};

export const STORES: readonly StoreUnderTest[] = [
  {
    name: "SQLite",
    locate: (folder) => `${folder}/log.db`,
    notUnique: /UNIQUE/,
    saboteur: {
      blockWrites: (file) => holdWriteLock(file as string),
      beginEpoch: (file) => raiseEpoch(file as string),
    },
    clockTolerance: 1,
    blocked: /locked/,
  },
  POSTGRES,
  {
    ...POSTGRES,
    name: "PostgreSQL, as one of the logs of a process",
    sessions,
    start: () => {
      const stop = POSTGRES.start?.();
      const { url } = (postgres as TestPostgres).location();
      // Held as by another log, so that the logs of all tests are read in the same sessions.
      sessions.take(url, () => new SharedServer(url));
      return () => sessions.giveBack(url).then(stop);
    },
  },
];

function raiseEpoch(file: string): void {
  const database = new Sqlite(file);
  database.exec(RAISE_EPOCH);
  database.close();
}

function holdWriteLock(file: string): () => void {
  const database = new Sqlite(file);
  database.exec("BEGIN IMMEDIATE");
  return () => database.close();
}

function refuseWrites({ schema }: PostgresLocation): () => void {
  postgres?.sql(
    "CREATE TRIGGER blocked BEFORE UPDATE ON tree_head EXECUTE FUNCTION refuse('no room')",
    schema,
  );
  return () => postgres?.sql("DROP TRIGGER blocked ON tree_head", schema);
}
