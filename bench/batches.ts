// Publishing a hundred entries a request beside one: what an entry costs the service.
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import { type Entries, type Load, LoadGenerator } from "./load.ts";
import { serveLog } from "./servers.ts";
import type { World } from "./world.ts";

const LINES = 100;
const TIMES = 2;
const SINGLE = { clients: 64, requests: 2000 };
const BATCHES = { clients: 4, requests: 40 };
/** More entries than a round sends. */
const APART = 10_000;

export async function measureBatches(world: World): Promise<Measurement[]> {
  const folder = await world.newLog("batches");
  const service = await serveLog(folder);
  const load = new LoadGenerator();
  const send = (entries: Entries, { clients, requests }: typeof SINGLE) => {
    const amount = Math.max(clients, world.amount(requests));
    return load.run(service, { connections: clients, amount, headers: {}, entries }, 201);
  };
  const { single, batches } = await interleave(world.rounds, {
    single: (round) => send({ folder, label: "single", from: round * APART }, SINGLE),
    batches: (round) => send({ folder, label: "batch", from: round * APART, lines: LINES }, BATCHES),
  });
  load.close();
  await service.stop();
  return [describe(single, batches)];
}

function describe(single: readonly Load[], batches: readonly Load[]): Measurement {
  const floor = single.map(({ perCpuSecond }) => perCpuSecond);
  const figure = batches.map(({ perCpuSecond }) => perCpuSecond * LINES);
  const perSecond = batches.map((load) => load.perSecond * LINES);
  const seen = ratios(
    perSecond,
    single.map((load) => load.perSecond),
  );
  const ratio = ratios(figure, floor);
  return {
    row: "batches",
    what: `entries in batches of ${LINES} lines, beside one a request`,
    unit: "entries per second of server CPU",
    floor: spreadOf(floor),
    figure: spreadOf(figure),
    ratio,
    target: `≥ ${TIMES}`,
    reached: ratio.median >= TIMES,
    note: `floor: one entry a request, ${SINGLE.clients} clients; batches from ${BATCHES.clients}; as the clients see it ${seen.median.toFixed(2)}, at ${Math.round(spreadOf(perSecond).median)} entries/s`,
  };
}
