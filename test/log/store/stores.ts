// The back ends that the store's contract is run on. A new one is one element here.

/** How a back end is set up for a test, and what it says where the contract leaves that to it. */
export interface StoreUnderTest {
  readonly name: string;
  /** A location of it in an empty folder that the test removes; nothing is there yet. */
  readonly locate: (folder: string) => string;
  /** What it says of a value that must be unique and is not. */
  readonly notUnique: RegExp;
  /** What it says when somebody writes to a snapshot. */
  readonly readOnly: RegExp;
}

export const STORES: readonly StoreUnderTest[] = [
  {
    name: "SQLite",
    locate: (folder) => `${folder}/log.db`,
    notUnique: /UNIQUE/,
    readOnly: /readonly/,
  },
];
