// What the service needs at two sizes of the log: memory, and time until it serves.
import { POLICY } from "./example-log.ts";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import { cpuSeconds, residentMegabytes, serveLog } from "./servers.ts";
import type { World } from "./world.ts";

const READS = 1000;
/** Rounds in which memory is measured as well, and not the start alone. */
const READ_ROUNDS = 5;

interface Sample {
  readonly startMs: number;
  readonly loaded: number;
  /** Milliseconds of CPU time of the start. */
  readonly startCpu: number;
  /** null where nothing was read. */
  readonly afterReads: number | null;
}

export async function measureMemory(world: World): Promise<Measurement[]> {
  const logs = { small: await world.smallLog(), large: await world.largeLog() };
  const { small, large } = await interleave(world.rounds, {
    small: (round) => startAndRead(logs.small, world.small, round <= READ_ROUNDS),
    large: (round) => startAndRead(logs.large, world.large, round <= READ_ROUNDS),
  });
  const at = world.large.toLocaleString("en");
  const of = (samples: readonly Sample[], key: keyof Sample) =>
    samples.map((sample) => sample[key]).filter((value) => value !== null);
  const line = (what: string, unit: string, key: keyof Sample, most: number): Measurement => {
    const figure = spreadOf(of(large, key));
    return {
      row: "memory",
      what,
      unit,
      floor: spreadOf(of(small, key)),
      figure,
      ratio: ratios(of(small, key), of(large, key)),
      target: `≤ ${most.toLocaleString("en")} ${unit}, flat`,
      reached: figure.median <= most,
      note: `floor: the same at ${world.small.toLocaleString("en")} entries; figure: at ${at}; ${of(large, key).length} rounds${key === "startMs" ? `; CPU time ${spreadOf(of(large, "startCpu")).median.toFixed(0)} ms` : ""}`,
    };
  };
  return [
    line("start-up: process start until it serves", "ms", "startMs", 1000),
    line("resident memory after the start", "MB", "loaded", 200),
    line(`resident memory after ${READS.toLocaleString("en")} reads`, "MB", "afterReads", 200),
  ];
}

async function startAndRead(folder: string, size: number, reads: boolean): Promise<Sample> {
  const service = await serveLog(folder);
  const startCpu = cpuSeconds(service) * 1000;
  const loaded = residentMegabytes(service);
  for (let i = 0; reads && i < READS; i++) await read(service.url + pathOf(i, size));
  const afterReads = reads ? residentMegabytes(service) : null;
  await service.stop();
  return { startMs: service.startMs, startCpu, loaded, afterReads };
}

/** Proofs, tiles, entry bundles and the policy bundle in turn, spread over the log. */
function pathOf(i: number, size: number): string {
  const entry = Math.floor((i / READS) * size);
  const tile = Math.floor(entry / 256);
  const number = tile < 1000 ? pad(tile) : `x${pad(Math.floor(tile / 1000))}/${pad(tile % 1000)}`;
  const isFull = (tile + 1) * 256 <= size;
  if (i % 4 === 0) return `/v1/policies/${POLICY}`;
  if (i % 4 === 1 || !isFull) return `/v1/entries/${entry}/proof`;
  return i % 4 === 2 ? `/tile/0/${number}` : `/tile/entries/${number}`;
}

const pad = (number: number) => String(number).padStart(3, "0");

async function read(url: string): Promise<void> {
  const response = await fetch(url);
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
}
