// Checking a log's database against its entries, in signature verifications: every entry must be verified once, whatever else is done.
import { join } from "node:path";
import { readConfig } from "../src/cli/open-log.ts";
import { storeOf } from "../src/cli/store-of.ts";
import { fsck } from "../src/log/maintenance/fsck.ts";
import { openSnapshot } from "../src/log/store/open-store.ts";
import { mirror, signedMessages, verifyAll } from "./audit.ts";
import { context } from "./example-log.ts";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import type { World } from "./world.ts";

const MOST = 2;

export async function measureFsck(world: World): Promise<Measurement[]> {
  const folder = await world.smallLog();
  const log = await mirror(folder, join(world.folder, "fsck-mirror"));
  const messages = await signedMessages(log);
  const { floor, figure } = await interleave(world.rounds, {
    floor: () => cpuMicroseconds(() => verifyAll(log, messages)),
    figure: () => cpuMicroseconds(() => checkAll(folder, log.size)),
  });
  const verifications = ratios(figure, floor).median;
  const each = (samples: readonly number[]) => spreadOf(samples.map((sample) => sample / log.size));
  return [
    {
      row: "fsck",
      what: `fsck of ${log.size.toLocaleString("en")} entries, an entry`,
      unit: "µs of CPU time",
      floor: each(floor),
      figure: each(figure),
      ratio: ratios(floor, figure),
      target: `≤ ${MOST} × the floor`,
      reached: verifications <= MOST,
      note: `floor: Ed25519 (WebCrypto) of its signature; ${verifications.toFixed(2)} verifications an entry`,
    },
  ];
}

async function checkAll(folder: string, size: number): Promise<void> {
  const store = await openSnapshot(storeOf(readConfig(join(folder, "touchstone.toml"), context), context));
  try {
    const { entries, findings } = await fsck(store, null);
    if (entries !== size || findings.length > 0)
      throw new Error(`the log is not sound: ${JSON.stringify(findings.slice(0, 3))}`);
  } finally {
    await store.close();
  }
}

/** Of all threads of this process. */
async function cpuMicroseconds(work: () => Promise<unknown>): Promise<number> {
  const begun = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(begun);
  return user + system;
}
