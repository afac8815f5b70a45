// Inclusion proofs over HTTP of random entries, in a small and in a large log, and the same as receipts.
import { join } from "node:path";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import { type Load, LoadGenerator } from "./load.ts";
import { record } from "./recording.ts";
import { type Served, serveLog, startServerProcess } from "./servers.ts";
import type { World } from "./world.ts";

const CONNECTIONS = 32;
const pathOf = (index: number, form = "proof") => `/v1/entries/${index}/${form}`;

export async function measureProofs(world: World): Promise<Measurement[]> {
  const small = await serveLog(await world.smallLog());
  const large = await serveLog(await world.largeLog());
  const file = join(world.folder, "recorded.json");
  await record(large, [pathOf(Math.floor(world.large / 2))], {}, file);
  const constant = await startServerProcess(new URL("./servers/constant-proof.js", import.meta.url), file);
  const load = new LoadGenerator();
  const prove = (server: Served, size: number, form?: string) => () =>
    load.run(
      server,
      { connections: CONNECTIONS, amount: world.amount(3000), headers: {}, paths: randomPaths(size, form) },
      200,
    );
  const samples = await interleave(world.rounds, {
    constant: prove(constant, world.large),
    small: prove(small, world.small),
    large: prove(large, world.large),
    receipts: prove(small, world.small, "receipt"),
  });
  load.close();
  await Promise.all([small.stop(), large.stop(), constant.stop()]);
  return describe(samples, world);
}

export function randomPaths(size: number, form?: string): string[] {
  return Array.from({ length: 1000 }, () => pathOf(Math.floor(Math.random() * size), form));
}

function describe(
  { constant, small, large, receipts }: Record<"constant" | "small" | "large" | "receipts", Load[]>,
  world: World,
): Measurement[] {
  const perCpu = (loads: readonly Load[]) => loads.map(({ perCpuSecond }) => perCpuSecond);
  const perSecond = (loads: readonly Load[]) => loads.map((one) => one.perSecond);
  const against = (
    what: string,
    floor: Load[],
    figure: Load[],
    target: number,
    note: string,
  ): Measurement => {
    const ratio = ratios(perCpu(figure), perCpu(floor));
    return {
      row: "proofs",
      what,
      unit: "requests per second of server CPU",
      floor: spreadOf(perCpu(floor)),
      figure: spreadOf(perCpu(figure)),
      ratio,
      target: `≥ ${target}`,
      reached: ratio.median >= target,
      note: `${note}; as the clients see it ${ratios(perSecond(figure), perSecond(floor)).median.toFixed(2)}, at ${Math.round(spreadOf(perSecond(figure)).median)} requests/s`,
    };
  };
  const route = "floor: the same route in the same framework answering a constant";
  const [fewer, count] = [world.small, world.large].map((size) => size.toLocaleString("en"));
  return [
    against(`inclusion proof, ${fewer} entries`, constant, small, 0.5, route),
    against(`inclusion proof, ${count} entries`, constant, large, 0.5, route),
    against(`receipt, ${fewer} entries`, small, receipts, 0.5, "floor: the inclusion proof as JSON"),
    against(`flatness: ${count} against ${fewer} entries`, small, large, 0.8, "floor: the small log"),
  ];
}
