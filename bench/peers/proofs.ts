// Inclusion proofs beside Tessera's ProofBuilder, which reads the tiles of the same log as files.
import { join } from "node:path";
import { writeTree } from "../audit.ts";
import { withLog } from "../example-log.ts";
import { interleave, type Measurement, ratios, spreadOf } from "../harness.ts";
import { type Load, LoadGenerator } from "../load.ts";
import { randomPaths } from "../proofs.ts";
import { type Served, serveLog, startProgram } from "../servers.ts";
import type { World } from "../world.ts";
import { buildGoPeers } from "./build.ts";

const CONNECTIONS = 32;
const TARGET = 5;

export async function measurePeerProofs(world: World): Promise<Measurement[]> {
  const programs = buildGoPeers();
  if (programs === undefined) return [];
  return [
    await measureLog(world, programs, await world.smallLog()),
    await measureLog(world, programs, await world.largeLog()),
  ];
}

async function measureLog(world: World, programs: string, log: string): Promise<Measurement> {
  const tiles = join(log, "tiles");
  const { size } = await withLog(log, (opened) => writeTree(opened, tiles));
  const prover = await startProgram(join(programs, "prover"), ["-folder", tiles], join(log, "prover.out"));
  const service = await serveLog(log);
  const load = new LoadGenerator();
  const prove = (server: Served) => () => {
    const amount = world.amount(3000);
    const asked = { connections: CONNECTIONS, amount, headers: {}, paths: randomPaths(size) };
    return load.run(server, asked, 200);
  };
  const { peer, ours } = await interleave(world.rounds, { peer: prove(prover), ours: prove(service) });
  load.close();
  await Promise.all([prover.stop(), service.stop()]);
  return describe(size, peer, ours);
}

function describe(size: number, peer: readonly Load[], ours: readonly Load[]): Measurement {
  const of = (loads: readonly Load[], key: "perCpuSecond" | "perSecond") => loads.map((one) => one[key]);
  const ratio = ratios(of(ours, "perCpuSecond"), of(peer, "perCpuSecond"));
  return {
    row: "peers-proofs",
    what: `inclusion proof, ${size.toLocaleString("en")} entries, beside Tessera's ProofBuilder`,
    unit: "requests per second of server CPU",
    floor: spreadOf(of(peer, "perCpuSecond")),
    figure: spreadOf(of(ours, "perCpuSecond")),
    ratio,
    target: `≥ ${TARGET}`,
    reached: ratio.median >= TARGET,
    note: `floor: Tessera v1.0.4 over local files; as the clients see it ${ratios(of(ours, "perSecond"), of(peer, "perSecond")).median.toFixed(2)}`,
  };
}
