// Every way to look something up, one question after the other: how long each holds the event loop, which is all the time that others wait.
import { interleave, type Measurement, spreadOf } from "./harness.ts";
import { LoadGenerator } from "./load.ts";
import { serveLog } from "./servers.ts";
import type { World } from "./world.ts";

const NONE = "0".repeat(64);

/** What there is to ask for, in a log of entries that are all platforms. */
const QUERIES: Readonly<Record<string, string>> = {
  "the newest entries": "/v1/entries?limit=20",
  kind: "/v1/entries?kind=platform&limit=20",
  "a kind that is rare": "/v1/entries?kind=trust-root",
  name: "/v1/entries?name=bench/fill/77",
  version: "/v1/entries?version=1&limit=20",
  "kind and version that never meet": "/v1/entries?kind=policy&version=77",
  "a name and a kind that never meet": "/v1/entries?name=bench/fill/77&kind=policy",
  "digest of nothing": `/v1/entries?digest=sha256:${NONE}`,
  "publisher of nothing": `/v1/entries?publisher=${NONE}`,
  "one entry": "/v1/entries/77",
  "history of checkpoints": "/v1/checkpoints?size=1",
  "consistency proof": "/v1/proofs/consistency?from=77",
};

export async function measureQueries(world: World): Promise<Measurement[]> {
  const logs = {
    [world.small.toLocaleString("en")]: await world.smallLog(),
    [world.large.toLocaleString("en")]: await world.largeLog(),
  };
  const measurements: Measurement[] = [];
  for (const [size, folder] of Object.entries(logs)) measurements.push(...(await ask(world, size, folder)));
  return measurements;
}

async function ask(world: World, size: string, folder: string): Promise<Measurement[]> {
  const service = await serveLog(folder);
  const load = new LoadGenerator();
  const amount = world.amount(500);
  const question = (path: string) => () =>
    load.run(service, { connections: 1, amount, headers: {}, paths: [path] }, 200);
  const samples = await interleave(
    Math.min(world.rounds, 5),
    Object.fromEntries(Object.entries(QUERIES).map(([what, path]) => [what, question(path)])),
  );
  load.close();
  await service.stop();
  return Object.entries(samples).map(([what, loads]) => {
    const cost = spreadOf(loads.map(({ perCpuSecond }) => 1000 / perCpuSecond));
    return {
      row: "queries",
      what: `${what}, ${size} entries`,
      unit: "ms of server CPU",
      floor: null,
      figure: cost,
      ratio: null,
      target: "≤ 20 ms",
      reached: cost.median <= 20,
      note: `99th percentile of the answers ${spreadOf(loads.map(({ p99 }) => p99)).median.toFixed(1)} ms`,
    };
  });
}
