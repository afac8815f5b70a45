// Publishing beside Tessera on POSIX storage: the same entries, one a request, from few clients and from many.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { keyOf } from "../example-log.ts";
import { interleave, type Measurement, ratios, spreadOf } from "../harness.ts";
import { type Load, LoadGenerator } from "../load.ts";
import { type Served, serveLog, startProgram } from "../servers.ts";
import type { World } from "../world.ts";
import { buildPeers } from "./build.ts";

const JSON_HEADERS = { "content-type": "application/json" };
const FORMS = ["integrated", "full"] as const;
type Form = (typeof FORMS)[number];

/** Requests of a round, and what is to be reached beside each form; null where nothing was set. */
const CLIENTS: ReadonlyArray<{ clients: number; amount: number; targets: Record<Form, number | null> }> = [
  { clients: 1, amount: 100, targets: { integrated: 4, full: null } },
  { clients: 8, amount: 500, targets: { integrated: 3, full: null } },
  { clients: 64, amount: 2000, targets: { integrated: 1.2, full: null } },
  { clients: 256, amount: 4000, targets: { integrated: null, full: 1.5 } },
  { clients: 1024, amount: 8000, targets: { integrated: null, full: 0.8 } },
];

export async function measurePeerPublish(world: World): Promise<Measurement[]> {
  const programs = buildPeers();
  if (programs === undefined) return [];
  const folder = await world.newLog("peers");
  const { spki } = keyOf(folder, "publisher");
  const startForm = (form: Form) => {
    const storage = join(world.folder, `tessera-${form}`);
    mkdirSync(storage);
    const args = ["-storage", storage, "-form", form, "-spki", spki];
    return startProgram(join(programs, "personality"), args, join(storage, "serve.out"));
  };
  const servers = {
    ours: await serveLog(folder),
    integrated: await startForm("integrated"),
    full: await startForm("full"),
  };
  const load = new LoadGenerator();
  const measurements: Measurement[] = [];
  for (const { clients, amount, targets } of CLIENTS) {
    const requests = Math.max(clients, world.amount(amount));
    const publishTo = (server: Served) => (round: number) => {
      const entries = { folder, label: `peers/${clients}`, from: round * 2 * (requests + clients) };
      return load.run(
        server,
        { connections: clients, amount: requests, headers: JSON_HEADERS, entries },
        201,
      );
    };
    const samples = await interleave(world.rounds, {
      ours: publishTo(servers.ours),
      integrated: publishTo(servers.integrated),
      full: publishTo(servers.full),
    });
    for (const form of FORMS)
      measurements.push(describe(clients, form, samples.ours, samples[form], targets[form]));
  }
  load.close();
  await Promise.all(Object.values(servers).map((server) => server.stop()));
  return measurements;
}

function describe(
  clients: number,
  form: Form,
  ours: readonly Load[],
  peer: readonly Load[],
  target: number | null,
): Measurement {
  const of = (loads: readonly Load[], key: "perSecond" | "perCpuSecond" | "p99") =>
    loads.map((one) => one[key]);
  const ratio = ratios(of(ours, "perSecond"), of(peer, "perSecond"));
  const cpu = (loads: readonly Load[]) =>
    spreadOf(of(loads, "perCpuSecond").map((n) => 1000 / n)).median.toFixed(2);
  const p99 = (loads: readonly Load[]) => spreadOf(of(loads, "p99")).median.toFixed(0);
  return {
    row: "peers-publish",
    what: `publish, ${clients} clients, beside Tessera ${form}`,
    unit: "entries/s",
    floor: spreadOf(of(peer, "perSecond")),
    figure: spreadOf(of(ours, "perSecond")),
    ratio,
    target: target === null ? "" : `≥ ${target}`,
    reached: target === null ? null : ratio.median >= target,
    note: `floor: Tessera v1.0.4 POSIX; CPU seconds for 1,000 entries ${cpu(ours)} and ${cpu(peer)}; p99 ${p99(ours)} and ${p99(peer)} ms`,
  };
}
