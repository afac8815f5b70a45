// The back ends that the store's contract is run on. A new one is one element here.
import Sqlite from "better-sqlite3";

/** Does to a store what its own program cannot. */
export interface Saboteur {
  /** Makes every write fail until what it returns is called. */
  blockWrites(location: string): () => void;
  /** Raises the epoch as another writer would, behind the back of the one that is there. */
  beginEpoch(location: string): Promise<void>;
}

/** How a back end is set up for a test, and what it says where the contract leaves that to it. */
export interface StoreUnderTest {
  readonly name: string;
  /** A location of it in an empty folder that the test removes; nothing is there yet. */
  readonly locate: (folder: string) => string;
  /** What it says of a value that must be unique and is not. */
  readonly notUnique: RegExp;
  readonly saboteur: Saboteur;
  /** Milliseconds between the clock that the store is given and its own: infinite where it has one. */
  readonly clockTolerance: number;
  /** What it says of a write that is blocked. */
  readonly blocked: RegExp;
}

export const STORES: readonly StoreUnderTest[] = [
  {
    name: "SQLite",
    locate: (folder) => `${folder}/log.db`,
    notUnique: /UNIQUE/,
    saboteur: { blockWrites: holdWriteLock, beginEpoch },
    clockTolerance: 1,
    blocked: /locked/,
  },
];

async function beginEpoch(file: string): Promise<void> {
  const database = new Sqlite(file);
  database.exec("UPDATE tree_head SET epoch = epoch + 1");
  database.close();
}

function holdWriteLock(file: string): () => void {
  const database = new Sqlite(file);
  database.exec("BEGIN IMMEDIATE");
  return () => database.close();
}
