// What others feel while entry bundles are fetched, half a megabyte each before it is compressed: the same questions with and without.
import { setTimeout as sleep } from "node:timers/promises";
import { POLICY } from "./example-log.ts";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import { type Load, LoadGenerator } from "./load.ts";
import { type Served, serveLog } from "./servers.ts";
import type { World } from "./world.ts";

const TIMES = 3;
const CLIENTS = 8;
const READERS = 64;
/** Until they are all connected and served. */
const BEGUN_MS = 500;
/** More than are answered while the others are measured. */
const WITHOUT_END = 10_000_000;
const GZIP = { "accept-encoding": "gzip" };

export async function measureBundles(world: World): Promise<Measurement[]> {
  const service = await serveLog(await world.smallLog());
  const load = new LoadGenerator();
  const full = Math.floor(world.small / 256);
  const bundles = Array.from({ length: full }, (_, i) => `/tile/entries/${String(i).padStart(3, "0")}`);
  const proofs = Array.from({ length: 500 }, (_, i) => `/v1/entries/${(i * 7919) % world.small}/proof`);
  const paths = proofs.flatMap((proof) => [proof, `/v1/policies/${POLICY}`, "/checkpoint"]);
  const asked = { connections: CLIENTS, amount: world.amount(3000), headers: GZIP, paths };
  const samples = await interleave(world.rounds, {
    alone: () => load.run(service, asked, 200),
    meanwhile: () => whileReading(service, bundles, () => load.run(service, asked, 200)),
  });
  load.close();
  await service.stop();
  return [describe(samples.alone, samples.meanwhile)];
}

/** Measures while clients fetch one bundle after the other. */
async function whileReading<T>(
  service: Served,
  bundles: readonly string[],
  measure: () => Promise<T>,
): Promise<T> {
  const readers = new LoadGenerator();
  void readers.run(
    service,
    { connections: READERS, amount: WITHOUT_END, headers: GZIP, paths: bundles },
    200,
  );
  await sleep(BEGUN_MS);
  try {
    return await measure();
  } finally {
    readers.close();
  }
}

function describe(alone: readonly Load[], meanwhile: readonly Load[]): Measurement {
  const p99 = (loads: readonly Load[]) => loads.map((load) => load.p99);
  const times = ratios(p99(meanwhile), p99(alone)).median;
  return {
    row: "bundles",
    what: `p99 of proofs, policy and checkpoint while ${READERS} clients fetch entry bundles`,
    unit: "ms",
    floor: spreadOf(p99(alone)),
    figure: spreadOf(p99(meanwhile)),
    ratio: ratios(p99(alone), p99(meanwhile)),
    target: `≤ ${TIMES} × the floor`,
    reached: times <= TIMES,
    note: `floor: the same without them, ${CLIENTS} clients; ${times.toFixed(1)} × the floor; on two cores the clients of both compete with the service`,
  };
}
