// Reads beside nginx, which sends the same bytes from files: checkpoint, full tile, policy bundle and entry bundle.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { POLICY } from "../example-log.ts";
import { interleave, type Measurement, ratios, spreadOf } from "../harness.ts";
import { type Load, LoadGenerator } from "../load.ts";
import { record } from "../recording.ts";
import type { Recorded } from "../servers/floor-static.ts";
import { type Served, serveLog } from "../servers.ts";
import type { World } from "../world.ts";
import { isInstalled } from "./build.ts";
import { startNginx } from "./nginx.ts";

const CONNECTIONS = 64;
const PLAIN = { "accept-encoding": "identity" };
const GZIP = { "accept-encoding": "gzip" };
const READS = [
  { what: "GET /checkpoint", path: "/checkpoint", headers: PLAIN, amount: 20_000, target: 0.65 },
  { what: "GET full tile", path: "/tile/0/000", headers: PLAIN, amount: 20_000, target: 0.65 },
  { what: "GET policy bundle", path: `/v1/policies/${POLICY}`, headers: PLAIN, amount: 20_000, target: 0.65 },
  {
    what: "GET policy bundle, gzip",
    path: `/v1/policies/${POLICY}`,
    headers: GZIP,
    amount: 20_000,
    target: 0.65,
  },
  { what: "GET entry bundle, gzip", path: "/tile/entries/000", headers: GZIP, amount: 4000, target: 0.33 },
] as const;

export async function measurePeerReads(world: World): Promise<Measurement[]> {
  if (!isInstalled("nginx", "-v")) return [];
  const service = await serveLog(await world.smallLog());
  const load = new LoadGenerator();
  const measurements: Measurement[] = [];
  for (const [i, read] of READS.entries()) {
    const folder = join(world.folder, `nginx-${i}`);
    mkdirSync(folder);
    measurements.push(await measureRead(world, service, load, read, folder));
  }
  load.close();
  await service.stop();
  return measurements;
}

async function measureRead(
  world: World,
  service: Served,
  load: LoadGenerator,
  { what, path, headers, amount, target }: (typeof READS)[number],
  folder: string,
): Promise<Measurement> {
  const file = join(folder, "recorded.json");
  await record(service, [path], headers, file);
  const nginx = await startNginx(folder, JSON.parse(readFileSync(file, "utf8")) as Record<string, Recorded>);
  const get = (server: Served) => () =>
    load.run(server, { connections: CONNECTIONS, amount: world.amount(amount), headers, paths: [path] }, 200);
  const { peer, ours } = await interleave(world.rounds, { peer: get(nginx), ours: get(service) });
  await nginx.stop();
  const perCpu = (loads: readonly Load[]) => loads.map(({ perCpuSecond }) => perCpuSecond);
  const perSecond = (loads: readonly Load[]) => loads.map((one) => one.perSecond);
  const ratio = ratios(perCpu(ours), perCpu(peer));
  const p99 = (loads: readonly Load[]) => spreadOf(loads.map((one) => one.p99)).median.toFixed(1);
  return {
    row: "peers-reads",
    what: `${what}, ${CONNECTIONS} clients, beside nginx`,
    unit: "requests per second of server CPU",
    floor: spreadOf(perCpu(peer)),
    figure: spreadOf(perCpu(ours)),
    ratio,
    target: `≥ ${target}`,
    reached: ratio.median >= target,
    note: `floor: nginx, the same bytes from files; as the clients see it ${ratios(perSecond(ours), perSecond(peer)).median.toFixed(2)}; p99 ${p99(ours)} and ${p99(peer)} ms`,
  };
}
