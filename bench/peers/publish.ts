// Publishing beside Tessera on POSIX storage: the same entries, one a request, from few clients and from many.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { allocatedBytes, isDatabase } from "../disk.ts";
import { keyOf } from "../example-log.ts";
import { interleave, type Measurement } from "../harness.ts";
import { LoadGenerator } from "../load.ts";
import { residentMegabytes, type Served, serveLog, startProgram } from "../servers.ts";
import type { World } from "../world.ts";
import { buildGoPeers } from "./build.ts";
import { type BySide, describePublishing, LOADS, type Sample, type Side } from "./publish-lines.ts";

const JSON_HEADERS = { "content-type": "application/json" };

/** Partial tiles and bundles are removed by Tessera within a minute or so. */
const isKept = (path: string) => !path.includes(".p/");

/** A side's server, and where it keeps its log. */
interface Peer {
  readonly server: Served;
  readonly folder: string;
  /** Entries that it has taken. */
  taken: number;
}

export async function measurePeerPublish(world: World): Promise<Measurement[]> {
  const programs = buildGoPeers();
  if (programs === undefined) return [];
  const log = await world.newLog("peers");
  const founded = allocatedBytes(log, isDatabase);
  const { spki } = keyOf(log, "publisher");
  const startTessera = async (form: Exclude<Side, "ours">): Promise<Peer> => {
    const folder = join(world.folder, `tessera-${form}`);
    mkdirSync(folder);
    const args = ["-storage", folder, "-form", form, "-spki", spki];
    const server = await startProgram(join(programs, "personality"), args, `${folder}.out`);
    return { server, folder, taken: 0 };
  };
  const peers: BySide<Peer> = {
    ours: { server: await serveLog(log), folder: log, taken: 0 },
    integrated: await startTessera("integrated"),
    full: await startTessera("full"),
  };
  const idle = eachSide((side) => residentMegabytes(peers[side].server));
  const rounds = await publishToAll(world, peers);
  await Promise.all(Object.values(peers).map(({ server }) => server.stop()));
  const bytes = {
    ours: allocatedBytes(log, isDatabase) - founded,
    integrated: allocatedBytes(peers.integrated.folder, isKept),
    full: allocatedBytes(peers.full.folder, isKept),
  };
  return describePublishing({ rounds, idle, bytes: eachSide((side) => bytes[side] / peers[side].taken) });
}

/** @returns the samples of each number of clients. */
async function publishToAll(
  world: World,
  peers: BySide<Peer>,
): Promise<ReadonlyMap<number, BySide<Sample[]>>> {
  const load = new LoadGenerator();
  const rounds = new Map<number, BySide<Sample[]>>();
  for (const { clients, requests } of LOADS) {
    const amount = Math.max(clients, world.amount(requests));
    const publishTo = (side: Side) => async (round: number) => {
      const { server } = peers[side];
      const from = round * 2 * (amount + clients);
      const entries = { folder: peers.ours.folder, label: `peers/${clients}`, from };
      const asked = { connections: clients, amount, headers: JSON_HEADERS, entries };
      const found = await load.runRefusable(server, asked, 201);
      peers[side].taken += found.requests;
      return { load: found, megabytes: residentMegabytes(server) };
    };
    rounds.set(clients, await interleave(world.rounds, eachSide(publishTo)));
  }
  load.close();
  return rounds;
}

function eachSide<T>(of: (side: Side) => T): BySide<T> {
  return { ours: of("ours"), integrated: of("integrated"), full: of("full") };
}
