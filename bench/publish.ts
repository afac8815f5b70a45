// Publishing, one entry a request: signature checked, rules applied, durable, in the tree, cosigned and proven when it is answered.
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import { type Load, LoadGenerator } from "./load.ts";
import { type Served, serveLog, startServerProcess } from "./servers.ts";
import type { World } from "./world.ts";

const CLIENTS = 128;
const JSON_HEADERS = { "content-type": "application/json" };

export async function measurePublish(world: World): Promise<Measurement[]> {
  const folder = await world.newLog("publish");
  const service = await serveLog(folder);
  const floor = await startServerProcess(new URL("./servers/floor-publish.js", import.meta.url), folder);
  const load = new LoadGenerator();
  const amount = world.amount(2000);
  // The same entries for both, new ones in every round.
  const publishTo = (server: Served) => (round: number) =>
    load.run(
      server,
      {
        connections: CLIENTS,
        amount,
        headers: JSON_HEADERS,
        entries: { folder, label: "publish", from: round * 2 * amount },
      },
      201,
    );
  const samples = await interleave(world.rounds, { floor: publishTo(floor), figure: publishTo(service) });
  load.close();
  await Promise.all([service.stop(), floor.stop()]);
  return describe(samples.floor, samples.figure);
}

function describe(floor: readonly Load[], figure: readonly Load[]): Measurement[] {
  const of = (loads: readonly Load[], key: Exclude<keyof Load, "p99ByStatus">) =>
    loads.map((load) => load[key]);
  const byCpu = ratios(of(figure, "perCpuSecond"), of(floor, "perCpuSecond"));
  const throughput = ratios(of(figure, "perSecond"), of(floor, "perSecond"));
  const p99 = spreadOf(of(figure, "p99"));
  const first = ratios(of(figure, "firstP99"), of(figure, "laterP99"));
  return [
    {
      row: "publish",
      what: "publish, one entry a request, 128 clients, 2 KiB, durable and cosigned, over HTTP",
      unit: "entries/s",
      floor: spreadOf(of(floor, "perSecond")),
      figure: spreadOf(of(figure, "perSecond")),
      ratio: throughput,
      target: "≥ 0.6",
      reached: throughput.median >= 0.6,
      note: `floor: bare node:http, one Ed25519 verification (WebCrypto), SQLite group commit of the same bytes, synced; by server CPU time ${byCpu.median.toFixed(2)}`,
    },
    {
      row: "publish",
      what: "the same, 99th percentile of the answers of a round",
      unit: "ms",
      floor: spreadOf(of(floor, "p99")),
      figure: p99,
      ratio: null,
      target: "≤ 150 ms",
      reached: p99.median <= 150,
      note: `p50 ${spreadOf(of(figure, "p50")).median.toFixed(0)} ms, of the floor ${spreadOf(of(floor, "p50")).median.toFixed(0)} ms`,
    },
    {
      row: "publish",
      what: "99th percentile of the first requests of new connections, against that of the later ones",
      unit: "ms",
      floor: spreadOf(of(figure, "laterP99")),
      figure: spreadOf(of(figure, "firstP99")),
      ratio: ratios(of(figure, "laterP99"), of(figure, "firstP99")),
      target: "≤ 2 × the floor",
      reached: first.median <= 2,
      note: `floor: the later requests of the same round; ${first.median.toFixed(1)} × the floor`,
    },
  ];
}
