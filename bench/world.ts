// What every row is given: how often to measure, a folder that is removed afterwards, and logs that are made once.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type FoundingOptions, fillSigned, fillUnsigned, foundExampleLog } from "./example-log.ts";
import type { Measurement } from "./harness.ts";

export interface Sizes {
  readonly small: number;
  readonly large: number;
}

export interface World {
  readonly rounds: number;
  /** Fewer requests and a smaller large log: to see that it runs, not to quote. */
  readonly quick: boolean;
  readonly folder: string;
  /** A number of requests, or a tenth of it. */
  amount(full: number): number;
  /** Number of entries of the small log, and of the large one. */
  readonly small: number;
  readonly large: number;
  /** A log with the example release and its policy alone. */
  newLog(name: string, options?: Pick<FoundingOptions, "index">): Promise<string>;
  /** The small log, every entry of which is signed. */
  smallLog(): Promise<string>;
  /** The large log, of which the signatures are made up. */
  largeLog(): Promise<string>;
}

/** A row measures and says what it found, one measurement for each line of the table. */
export type Row = (world: World) => Promise<Measurement[]>;

export function createWorld(folder: string, rounds: number, quick: boolean, { small, large }: Sizes): World {
  const once = async (name: string, fill: (path: string) => Promise<void>, options: FoundingOptions = {}) => {
    const path = join(folder, name);
    if (existsSync(path)) return path;
    console.error(`  making the log ${name}`);
    await foundExampleLog(path, options);
    await fill(path);
    return path;
  };
  return {
    rounds,
    quick,
    folder,
    small,
    large,
    amount: (full) => (quick ? Math.ceil(full / 10) : full),
    newLog: (name, options) => once(name, async () => undefined, options),
    smallLog: () => once("small", (path) => fillSigned(path, small)),
    largeLog: () => once("large", (path) => fillUnsigned(path, large)),
  };
}
