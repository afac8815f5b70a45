// A whole audit beside a scan in Go that parses, hashes and verifies the same entries on all cores, and knows no rules.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { auditAll, type Mirror, mirror } from "../audit.ts";
import { interleave, type Measurement, ratios, spreadOf } from "../harness.ts";
import type { World } from "../world.ts";
import { buildGoPeers } from "./build.ts";

interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export async function measurePeerAudit(world: World): Promise<Measurement[]> {
  const programs = buildGoPeers();
  if (programs === undefined) return [];
  const log = await mirror(await world.smallLog(), join(world.folder, "peer-mirror"));
  const { peer, ours } = await interleave(world.rounds, {
    peer: async () => scan(join(programs, "scan"), log),
    ours: () => audit(log),
  });
  const wall = (samples: readonly Sample[]) => samples.map(({ wallMs }) => wallMs);
  const cpu = (samples: readonly Sample[]) => samples.map(({ cpuMs }) => cpuMs);
  const perSecond = (samples: readonly Sample[]) =>
    spreadOf(wall(samples).map((ms) => (log.size / ms) * 1000));
  const ratio = ratios(wall(peer), wall(ours));
  return [
    {
      row: "peers-audit",
      what: `audit of ${log.size.toLocaleString("en")} entries of 2 KiB with signatures and rules, beside a Go scan`,
      unit: "entries/s",
      floor: perSecond(peer),
      figure: perSecond(ours),
      ratio,
      target: "≥ 0.55",
      reached: ratio.median >= 0.55,
      note: `floor: bench/peers/scan, which verifies the same signatures and knows no rules; by CPU time ${ratios(cpu(peer), cpu(ours)).median.toFixed(2)}`,
    },
  ];
}

function scan(program: string, { folder, size, publisherSpki }: Mirror): Sample {
  const begun = performance.now();
  const output = execFileSync(program, ["-folder", folder, "-spki", publisherSpki], { encoding: "utf8" });
  const wallMs = performance.now() - begun;
  const { entries, cpuMs } = JSON.parse(output) as { entries: number; cpuMs: number };
  if (entries !== size) throw new Error(`the scan saw ${entries} of ${size} entries`);
  return { wallMs, cpuMs };
}

async function audit(log: Mirror): Promise<Sample> {
  const before = process.cpuUsage();
  const begun = performance.now();
  await auditAll(log);
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - begun, cpuMs: (user + system) / 1000 };
}
