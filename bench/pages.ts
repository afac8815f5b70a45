// The pages for people, beside what programs ask for: each page against the route of the API that answers the same, in the service's CPU.
import { POLICY } from "./example-log.ts";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import { LoadGenerator } from "./load.ts";
import { type Served, serveLog } from "./servers.ts";
import type { World } from "./world.ts";

const CONNECTIONS = 8;

interface Compared {
  readonly page: string;
  readonly beside: string;
  /** Most times the CPU of the other. */
  readonly most: number;
}

const PAGES: readonly Compared[] = [
  { page: "/", beside: "/checkpoint", most: 5 },
  { page: "/entries/7", beside: "/v1/entries/7", most: 3 },
  { page: `/policies/${POLICY}`, beside: "/v1/policies", most: 3 },
  { page: "/log", beside: "/v1/checkpoints", most: 3 },
  { page: "/search?q=nobody", beside: "/v1/entries?name=nobody", most: 3 },
];

export async function measurePages(world: World): Promise<Measurement[]> {
  const service = await serveLog(await world.smallLog());
  const load = new LoadGenerator();
  const measurements: Measurement[] = [];
  for (const compared of PAGES) measurements.push(await measurePage(world, service, load, compared));
  load.close();
  await service.stop();
  return measurements;
}

async function measurePage(
  world: World,
  service: Served,
  load: LoadGenerator,
  { page, beside, most }: Compared,
): Promise<Measurement> {
  const get = (path: string) => () =>
    load.run(
      service,
      { connections: CONNECTIONS, amount: world.amount(1000), headers: {}, paths: [path] },
      200,
    );
  const { floor, figure } = await interleave(world.rounds, { floor: get(beside), figure: get(page) });
  const cpu = (loads: typeof floor) => loads.map(({ perCpuSecond }) => 1e6 / perCpuSecond);
  const ratio = ratios(cpu(figure), cpu(floor));
  return {
    row: "pages",
    what: `GET ${page}`,
    unit: "µs of server CPU",
    floor: spreadOf(cpu(floor)),
    figure: spreadOf(cpu(figure)),
    ratio,
    target: `≤ ${most}`,
    reached: ratio.median <= most,
    note: `beside GET ${beside} of the same service`,
  };
}
