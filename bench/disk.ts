// What an entry takes on the disk: a log's whole database, beside the bytes of its leaves.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { bundlesOfRange } from "../src/protocol/merkle/tile.ts";
import { sizeOf, withLog } from "./example-log.ts";
import type { Measurement } from "./harness.ts";
import type { World } from "./world.ts";

/** A log's database, with what SQLite keeps beside it. */
export const isDatabase = (path: string) => path.startsWith("log.db");
const MOST = 1.5;
/** Before each leaf of an entry bundle, its length (C2SP tlog-tiles). */
const LENGTH_BYTES = 2;
/** Of the blocks that `stat` counts, whatever the file system's own are. */
const BLOCK_BYTES = 512;

export async function measureDisk(world: World): Promise<Measurement[]> {
  return [
    await measureLog(await world.smallLog(), "with a signature and four digests each"),
    await measureLog(await world.largeLog(), "with one digest each that can be searched for"),
  ];
}

async function measureLog(folder: string, what: string): Promise<Measurement> {
  const { size, bytes } = await leavesOf(folder);
  const [leaf, figure] = [bytes / size, allocatedBytes(folder, isDatabase) / size];
  const once = (value: number) => ({ low: value, median: value, high: value });
  return {
    row: "disk",
    what: `database, an entry of ${size.toLocaleString("en")}, ${what}`,
    unit: "bytes",
    floor: once(leaf),
    figure: once(figure),
    ratio: once(leaf / figure),
    target: `≤ ${MOST} × the floor`,
    reached: figure <= MOST * leaf,
    note: `floor: its leaf; ${(figure / leaf).toFixed(2)} × the floor, everything that the log keeps included`,
  };
}

function leavesOf(folder: string): Promise<{ size: number; bytes: number }> {
  return withLog(folder, async (log) => {
    const size = sizeOf(log);
    let bytes = 0;
    for (const { index, width } of bundlesOfRange(0, size, size))
      bytes += ((await log.read.entryBundle(index, width))?.length ?? Number.NaN) - width * LENGTH_BYTES;
    return { size, bytes };
  });
}

/** Bytes that the files of a folder take on the disk, of those whose path counts; a hole in a file takes none. */
export function allocatedBytes(folder: string, counts: (path: string) => boolean): number {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(counts);
  return files.reduce((sum, file) => sum + statSync(join(folder, file)).blocks * BLOCK_BYTES, 0);
}
