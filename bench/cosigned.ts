// Publishing while one of three witnesses is slow: the quorum of two must not wait for the third.
import { join } from "node:path";
import { interleave, type Measurement, spreadOf } from "./harness.ts";
import { LoadGenerator } from "./load.ts";
import { startServerProcess } from "./servers.ts";
import type { World } from "./world.ts";

const CLIENTS = 32;

export async function measureCosigned(world: World): Promise<Measurement[]> {
  const folder = join(world.folder, "cosigned");
  const service = await startServerProcess(new URL("./servers/cosigned-log.js", import.meta.url), folder);
  const load = new LoadGenerator();
  const amount = world.amount(500);
  const { figure } = await interleave(world.rounds, {
    figure: (round) =>
      load.run(
        service,
        {
          connections: CLIENTS,
          amount,
          headers: { "content-type": "application/json" },
          entries: { folder, label: "cosigned", from: round * 2 * amount },
        },
        201,
      ),
  });
  load.close();
  await service.stop();
  const p99 = spreadOf(figure.map((round) => round.p99));
  return [
    {
      row: "cosigned",
      what: "publish with quorum 2 of 3, witnesses answering after 10 ms, 20 ms and 1 s; 99th percentile, 32 clients",
      unit: "ms",
      floor: null,
      figure: p99,
      ratio: null,
      target: "≤ 500 ms",
      reached: p99.median <= 500,
      note: `p50 ${spreadOf(figure.map((round) => round.p50)).median.toFixed(0)} ms, ${Math.round(spreadOf(figure.map((round) => round.perSecond)).median)} entries/s; the witnesses are cosigners in the service's process`,
    },
  ];
}
