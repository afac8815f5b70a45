// What a second core brings, and which thread is the next to be full: the service on one core and on two, held there by taskset.
import { POLICY } from "./example-log.ts";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import { type Load, LoadGenerator, type LoadRequest } from "./load.ts";
import { isInstalled } from "./peers/build.ts";
import { type Served, serveLog, threadTimes } from "./servers.ts";
import type { World } from "./world.ts";

const CONNECTIONS = 64;
const CORES = { one: "0", two: "0,1" } as const;
type Cores = keyof typeof CORES;

interface Work {
  readonly what: string;
  readonly status: number;
  request(folder: string, round: number): Omit<LoadRequest, "url">;
}

interface Sample {
  readonly load: Load;
  /** Seconds that each thread ran meanwhile. */
  readonly threads: ReadonlyArray<{ readonly name: string; readonly seconds: number }>;
}

export async function measureCores(world: World): Promise<Measurement[]> {
  if (!isInstalled("taskset", "--version")) return [];
  const folders = { one: await world.newLog("one-core"), two: await world.newLog("two-cores") };
  const services = {
    one: await serveLog(folders.one, CORES.one),
    two: await serveLog(folders.two, CORES.two),
  };
  const load = new LoadGenerator();
  const measurements: Measurement[] = [];
  for (const { what, status, request } of worksOf(world)) {
    const on = (cores: Cores) => (round: number) =>
      measure(services[cores], () => load.run(services[cores], request(folders[cores], round), status));
    const { one, two } = await interleave(world.rounds, { one: on("one"), two: on("two") });
    measurements.push(describe(what, one, two), describeWall(what, two));
  }
  load.close();
  await Promise.all(Object.values(services).map((service) => service.stop()));
  return measurements;
}

/** Publishing first, so that there are entries to prove. */
function worksOf(world: World): Work[] {
  const request = (amount: number, rest: Pick<LoadRequest, "paths" | "entries">) => ({
    connections: CONNECTIONS,
    amount: world.amount(amount),
    headers: {},
    ...rest,
  });
  const proofs = Array.from({ length: 200 }, (_, i) => `/v1/entries/${i}/proof`);
  return [
    {
      what: "publish",
      status: 201,
      request: (folder, round) =>
        request(2000, { entries: { folder, label: "cores", from: round * 2 * world.amount(2000) } }),
    },
    {
      what: "GET policy bundle",
      status: 200,
      request: () => request(6000, { paths: [`/v1/policies/${POLICY}`] }),
    },
    { what: "inclusion proof", status: 200, request: () => request(6000, { paths: proofs }) },
  ];
}

async function measure(service: Served, run: () => Promise<Load>): Promise<Sample> {
  const before = new Map(threadTimes(service).map(({ id, seconds }) => [id, seconds]));
  const load = await run();
  const threads = threadTimes(service).map(({ id, name, seconds }) => ({
    name,
    seconds: seconds - (before.get(id) ?? 0),
  }));
  return { load, threads };
}

function describe(what: string, one: readonly Sample[], two: readonly Sample[]): Measurement {
  const perSecond = (samples: readonly Sample[]) => samples.map(({ load }) => load.perSecond);
  return {
    row: "cores",
    what: `${what}, ${CONNECTIONS} clients, two cores beside one`,
    unit: "requests/s",
    floor: spreadOf(perSecond(one)),
    figure: spreadOf(perSecond(two)),
    ratio: ratios(perSecond(two), perSecond(one)),
    target: "",
    reached: null,
    note: "floor: the service held to one core; the clients take what is left of the same two",
  };
}

/** However many cores there are, no more is served than the busiest thread can. */
function describeWall(what: string, two: readonly Sample[]): Measurement {
  const all = two.map(({ load }) => load.perCpuSecond);
  const wall = two.map(({ load, threads }) => load.requests / Math.max(...threads.map((one) => one.seconds)));
  const ratio = ratios(wall, all);
  return {
    row: "cores",
    what: `${what}: most that its busiest thread can serve`,
    unit: "requests/s",
    floor: spreadOf(all),
    figure: spreadOf(wall),
    ratio,
    target: "",
    reached: null,
    note: `floor: requests per second of CPU of all threads; so ${ratio.median.toFixed(1)} cores are used when that thread is full; CPU by threads of one name: ${sharesOf(two)}`,
  };
}

function sharesOf(samples: readonly Sample[]): string {
  const byName = new Map<string, number>();
  for (const { name, seconds } of samples.flatMap(({ threads }) => threads))
    byName.set(name, (byName.get(name) ?? 0) + seconds);
  const all = [...byName.values()].reduce((sum, seconds) => sum + seconds, 0);
  return [...byName]
    .filter(([, seconds]) => seconds >= all / 100)
    .sort(([, a], [, b]) => b - a)
    .map(([name, seconds]) => `${name} ${Math.round((100 * seconds) / all)} %`)
    .join(", ");
}
