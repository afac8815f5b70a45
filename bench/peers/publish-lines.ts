// Says what publishing beside Tessera found: entries a second, CPU time, memory and bytes on the disk.
import { type Measurement, ratios, spreadOf } from "../harness.ts";
import type { Load } from "../load.ts";

const FORMS = ["integrated", "full"] as const;
type Form = (typeof FORMS)[number];
export type Side = "ours" | Form;
export type BySide<T> = Readonly<Record<Side, T>>;

/** Requests of a round, and what is to be reached beside each form; null where nothing was set. */
export const LOADS: ReadonlyArray<{
  readonly clients: number;
  readonly requests: number;
  readonly targets: Readonly<Record<Form, number | null>>;
}> = [
  { clients: 1, requests: 100, targets: { integrated: 4, full: null } },
  { clients: 8, requests: 500, targets: { integrated: 3, full: null } },
  { clients: 64, requests: 2000, targets: { integrated: 1.2, full: null } },
  { clients: 256, requests: 4000, targets: { integrated: null, full: 1.5 } },
  { clients: 1024, requests: 8000, targets: { integrated: null, full: 0.8 } },
];
const TESSERA = "Tessera v1.0.4 on POSIX storage";
const CPU_CLIENTS = 64;
const CPU_SECONDS = 0.37;
const MEMORY_CLIENTS = 256;
const BUSY_MEGABYTES = 200;
const IDLE_MEGABYTES = 80;
const MOST_BYTES = 1.3;

export interface Sample {
  readonly load: Load;
  /** Resident memory after the round, MB. */
  readonly megabytes: number;
}

export interface Published {
  /** By the number of clients. */
  readonly rounds: ReadonlyMap<number, BySide<readonly Sample[]>>;
  /** Resident memory before the first request, MB. */
  readonly idle: BySide<number>;
  /** On the disk, an entry. */
  readonly bytes: BySide<number>;
}

export function describePublishing({ rounds, idle, bytes }: Published): Measurement[] {
  const at = (clients: number) => rounds.get(clients) ?? { ours: [], integrated: [], full: [] };
  const cpu = mapSides(at(CPU_CLIENTS), (samples) => samples.map(({ load }) => 1000 / load.perCpuSecond));
  const memory = mapSides(at(MEMORY_CLIENTS), (samples) => samples.map(({ megabytes }) => megabytes));
  const once = (values: BySide<number>) => mapSides(values, (value) => [value]);
  return [
    ...LOADS.flatMap(({ clients, targets }) =>
      FORMS.map((form) => describeRate(clients, form, at(clients), targets[form])),
    ),
    describeCost(`CPU time for 1,000 entries at ${CPU_CLIENTS} clients`, "s", cpu, CPU_SECONDS),
    describeCost("resident memory before the first request", "MB", once(idle), IDLE_MEGABYTES),
    describeCost(`resident memory after ${MEMORY_CLIENTS} publishers`, "MB", memory, BUSY_MEGABYTES),
    describeBytes(once(bytes)),
  ];
}

function describeRate(
  clients: number,
  form: Form,
  samples: BySide<readonly Sample[]>,
  target: number | null,
): Measurement {
  const rate = mapSides(samples, (some) => some.map(({ load }) => load.perSecond));
  const ratio = ratios(rate.ours, rate[form]);
  const median = (side: Side, of: (load: Load) => number) =>
    spreadOf(samples[side].map(({ load }) => of(load))).median;
  const p99 = (side: Side) => median(side, (load) => load.p99).toFixed(0);
  const refused = (side: Side) => median(side, (load) => load.refused);
  const cpu = (side: Side) => median(side, (load) => 1000 / load.perCpuSecond).toFixed(2);
  return {
    row: "peers-publish",
    what: `publish, clients: ${clients.toLocaleString("en")}, beside Tessera ${form}`,
    unit: "entries/s",
    floor: spreadOf(rate[form]),
    figure: spreadOf(rate.ours),
    ratio,
    target: target === null ? "" : `≥ ${target}`,
    reached: target === null ? null : ratio.median >= target,
    note: `floor: ${TESSERA}; refused of a round's requests ${refused("ours")} and ${refused(form)}; p99 ${p99("ours")} and ${p99(form)} ms; CPU seconds for 1,000 entries ${cpu("ours")} and ${cpu(form)}`,
  };
}

/** Beside the form that does what is done here. */
function describeCost(
  what: string,
  unit: string,
  { ours, full, integrated }: BySide<readonly number[]>,
  most: number,
): Measurement {
  const figure = spreadOf(ours);
  return {
    row: "peers-publish",
    what: `${what}, beside Tessera full`,
    unit,
    floor: spreadOf(full),
    figure,
    ratio: ratios(full, ours),
    target: `≤ ${most} ${unit}`,
    reached: figure.median <= most,
    note: `floor: ${TESSERA}, the whole process; integrated ${spreadOf(integrated).median.toPrecision(2)} ${unit}`,
  };
}

function describeBytes(bytes: BySide<readonly number[]>): Measurement {
  const times = ratios(bytes.ours, bytes.full).median;
  return {
    ...describeCost("on the disk, an entry", "bytes", bytes, Number.NaN),
    target: `≤ ${MOST_BYTES} × the floor`,
    reached: times <= MOST_BYTES,
    note: `floor: ${TESSERA}, its whole folder but partial tiles, which it removes, after all rounds; integrated ${spreadOf(bytes.integrated).median.toFixed(0)}; ${times.toFixed(2)} × the floor`,
  };
}

function mapSides<T, R>(values: BySide<T>, of: (value: T) => R): BySide<R> {
  return { ours: of(values.ours), integrated: of(values.integrated), full: of(values.full) };
}
