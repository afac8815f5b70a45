// Reading what verifiers and auditors ask for all the time: the current policy bundle, a full tile, and reference values by class.
import { join } from "node:path";
import { POLICY } from "./example-log.ts";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import { LoadGenerator } from "./load.ts";
import { record } from "./recording.ts";
import { type Served, serveLog, startServerProcess } from "./servers.ts";
import type { World } from "./world.ts";

const CONNECTIONS = 32;
const READS = [
  {
    what: "GET policy bundle (compressed)",
    path: `/v1/policies/${POLICY}`,
    headers: { "accept-encoding": "gzip, deflate, br" },
  },
  { what: "GET full tile", path: "/tile/0/000", headers: {} },
  {
    what: "GET CoSERV answer (TDX guests, collected)",
    path: "/endorsement-distribution/v1/coserv/ogB3dXJuOnRvdWNoc3RvbmU6Y29yaW06djEBowACAaEAgYGiAXFJbnRlbCBDb3Jwb3JhdGlvbgJpVERYIGd1ZXN0AgA",
    headers: {},
  },
  {
    what: "GET policy as CoRIM, signed",
    path: `/v1/policies/${POLICY}`,
    headers: { accept: "application/rim+cose" },
  },
] as const;

export async function measureReads(world: World): Promise<Measurement[]> {
  const service = await serveLog(await world.smallLog());
  const load = new LoadGenerator();
  const measurements: Measurement[] = [];
  for (const read of READS) measurements.push(await measureRead(world, service, load, read));
  load.close();
  await service.stop();
  return measurements;
}

async function measureRead(
  world: World,
  service: Served,
  load: LoadGenerator,
  { what, path, headers }: (typeof READS)[number],
): Promise<Measurement> {
  const file = join(world.folder, "recorded.json");
  await record(service, [path], headers, file);
  const bare = await startServerProcess(new URL("./servers/floor-static.js", import.meta.url), file);
  const get = (server: Served) => () =>
    load.run(server, { connections: CONNECTIONS, amount: world.amount(6000), headers, paths: [path] }, 200);
  const { floor, figure } = await interleave(world.rounds, { floor: get(bare), figure: get(service) });
  await bare.stop();
  const perCpu = (loads: typeof floor) => loads.map(({ perCpuSecond }) => perCpuSecond);
  const perSecond = (loads: typeof floor) => loads.map((one) => one.perSecond);
  const ratio = ratios(perCpu(figure), perCpu(floor));
  return {
    row: "reads",
    what,
    unit: "requests per second of server CPU",
    floor: spreadOf(perCpu(floor)),
    figure: spreadOf(perCpu(figure)),
    ratio,
    target: "≥ 0.6",
    reached: ratio.median >= 0.6,
    note: `floor: bare node:http, same bytes and headers from memory; as the clients see it ${ratios(perSecond(figure), perSecond(floor)).median.toFixed(2)}, at ${Math.round(spreadOf(perSecond(figure)).median)} requests/s`,
  };
}
