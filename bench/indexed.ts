// What an index adds to publishing: entries of 256 publishers, to a log whose statuses commit to an index, and to one that has none.
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import { type Load, LoadGenerator } from "./load.ts";
import { residentMegabytes, type Served, serveLog } from "./servers.ts";
import type { World } from "./world.ts";

const CLIENTS = 256;

interface Sample {
  readonly load: Load;
  /** Resident memory after the round, MB. */
  readonly megabytes: number;
}

export async function measureIndexed(world: World): Promise<Measurement[]> {
  const folders = [await world.newLog("plain"), await world.newLog("indexed", { index: true })] as const;
  const [plain, indexed] = [await serveLog(folders[0]), await serveLog(folders[1])];
  const load = new LoadGenerator();
  const amount = world.amount(4096);
  const publishTo =
    (server: Served, folder: string) =>
    async (round: number): Promise<Sample> => {
      const entries = { folder, label: "indexed", from: round * 2 * amount };
      const headers = { "content-type": "application/json" };
      const found = await load.run(server, { connections: CLIENTS, amount, headers, entries }, 201);
      return { load: found, megabytes: residentMegabytes(server) };
    };
  const { floor, figure } = await interleave(world.rounds, {
    floor: publishTo(plain, folders[0]),
    figure: publishTo(indexed, folders[1]),
  });
  load.close();
  await Promise.all([plain.stop(), indexed.stop()]);
  return describe(floor, figure);
}

function describe(floor: readonly Sample[], figure: readonly Sample[]): Measurement[] {
  const line = (what: string, unit: string, of: (sample: Sample) => number, isCost = true): Measurement => {
    const [without, withIndex] = [floor.map(of), figure.map(of)];
    return {
      row: "indexed",
      what: `${what}, ${CLIENTS} publishers, with an index`,
      unit,
      floor: spreadOf(without),
      figure: spreadOf(withIndex),
      ratio: isCost ? ratios(without, withIndex) : ratios(withIndex, without),
      target: "",
      reached: null,
      note: "floor: the same log without an index",
    };
  };
  return [
    line("publishing", "entries/s", ({ load }) => load.perSecond, false),
    line("server CPU for 1,000 entries", "s", ({ load }) => 1000 / load.perCpuSecond),
    line("99th percentile of the answers", "ms", ({ load }) => load.p99),
    line("resident memory after a round", "MB", ({ megabytes }) => megabytes),
  ];
}
