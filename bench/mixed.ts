// The load of a log that is used: nine of ten requests ask whether a policy bundle is still the one they have, one of eleven asks for a
// proof, one of a hundred publishes an entry.
import { POLICY } from "./example-log.ts";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import { type Load, LoadGenerator } from "./load.ts";
import { serveLog } from "./servers.ts";
import type { World } from "./world.ts";

const CONNECTIONS = 32;

export async function measureMixed(world: World): Promise<Measurement[]> {
  const folder = await world.smallLog();
  const service = await serveLog(folder);
  const path = `/v1/policies/${POLICY}`;
  const amount = world.amount(10_000);
  const load = new LoadGenerator();
  // One tag a form: what makes the load asks for the bundle as it is.
  const plain = { headers: { "accept-encoding": "identity" } };
  const current = async () => {
    const { headers } = await fetch(new URL(path, service.url), plain);
    return { path, etag: headers.get("etag") ?? "" };
  };
  let asked = 0;
  const ask = async (isMixed: boolean): Promise<Load> => {
    const mix = await current();
    const paths = Array.from({ length: 1000 }, (_, i) => `/v1/entries/${(i * 7919) % world.small}/proof`);
    const entries = { folder, label: "mixed", from: asked++ * amount };
    const some = isMixed
      ? { mix, paths, entries, headers: {} }
      : { paths: [path], headers: { "if-none-match": mix.etag } };
    const answers = await load.run(service, { connections: CONNECTIONS, amount, ...some }, 200, 201, 304);
    // Some seconds after entries came a bundle has their checkpoint. Where that was as the round began, nothing was as they had it.
    return Number.isNaN(unchangedP99(answers)) ? ask(isMixed) : answers;
  };
  const samples = await interleave(world.rounds, {
    alone: () => ask(false),
    mixed: () => ask(true),
  });
  load.close();
  await service.stop();
  const p99 = (loads: readonly Load[]) => loads.map(unchangedP99);
  const times = ratios(p99(samples.mixed), p99(samples.alone)).median;
  return [
    {
      row: "mixed",
      what: "p99 of asking for a bundle that has not changed, in 90 % bundles, 9 % proofs, 1 % entries published",
      unit: "ms",
      floor: spreadOf(p99(samples.alone)),
      figure: spreadOf(p99(samples.mixed)),
      ratio: ratios(p99(samples.alone), p99(samples.mixed)),
      target: "≤ 3 × the floor",
      reached: times <= 3,
      note: `floor: the same question alone, ${CONNECTIONS} connections; ${times.toFixed(1)} × the floor, at ${Math.round(spreadOf(samples.mixed.map(({ perSecond }) => perSecond)).median)} requests/s`,
    },
  ];
}

function unchangedP99({ p99ByStatus }: Load): number {
  return p99ByStatus[304] ?? Number.NaN;
}
