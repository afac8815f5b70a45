// /readyz says whether an entry that is sent now would get into the log; a log that cannot write says so, and comes back by itself.
import { afterEach, expect, test } from "vitest";
import type { LogStore } from "../../src/log/store/log-store.ts";
import { refusalOf, ServiceHarness } from "../support/service-harness.ts";
import { signPlatforms } from "../support/signing.ts";

let service: ServiceHarness;
let isFull = false;
afterEach(async () => {
  isFull = false;
  await service.stop();
});

/** Makes calls of a store, or of a high-water file, fail while the disk is full. */
function failing<T extends object>(target: T, ...names: Array<keyof T>): T {
  for (const name of names) {
    const call = (target[name] as (...args: unknown[]) => Promise<unknown>).bind(target);
    const instead = async (...args: unknown[]) => {
      if (isFull) throw new Error("ENOSPC: no space left on device");
      return call(...args);
    };
    Object.assign(target, { [name]: instead });
  }
  return target;
}

const readiness = async () => {
  const response = await service.get("/readyz");
  const { ready, reason } = (await response.json()) as { ready: boolean; reason: string | null };
  return [response.status, ready, reason];
};
const READY = [200, true, null];
const FULL = [503, false, "storage-failed"];

test("says that no entries are taken once a write has failed, and that they are when there is room", async () => {
  service = await ServiceHarness.start({ store: (store: LogStore) => failing(store, "append", "probe") });
  const [first, second] = await signPlatforms(service.keys, "vm", 2);
  expect(await readiness()).toEqual(READY);
  isFull = true;
  expect(await refusalOf(await service.publish(first!))).toBe("503 storage-failed");
  expect(await readiness()).toEqual(FULL);
  service.log.runDueWork();
  await new Promise((resolve) => setImmediate(resolve));
  expect(await readiness()).toEqual(FULL);
  isFull = false;
  // Nobody needs to publish for it: a probe that changes nothing shows that there is room.
  service.log.runDueWork();
  await expect.poll(readiness).toEqual(READY);
  expect((await service.publish(second!)).status).toBe(201);
});

test("an entry that finds room shows it, too", async () => {
  service = await ServiceHarness.start({ store: (store: LogStore) => failing(store, "append") });
  const [entry] = await signPlatforms(service.keys, "vm", 1);
  isFull = true;
  await service.publish(entry!);
  isFull = false;
  expect((await service.publish(entry!)).status).toBe(201);
  expect(await readiness()).toEqual(READY);
});

test.each(["high-water mark", "checkpoint"])(
  "counts the %s as well: without it nothing is published",
  async (what) => {
    service = await ServiceHarness.start({
      store: (store: LogStore) => (what === "checkpoint" ? failing(store, "addCheckpoint") : store),
      highWater: (mark) => (what === "checkpoint" ? mark : failing(mark, "swap")),
      logLimits: { publishWaitMs: 50, retryMs: 10 },
    });
    const [entry] = await signPlatforms(service.keys, "vm", 1);
    isFull = true;
    expect((await service.publish(entry!)).status).toBe(202);
    expect(await readiness()).toEqual(FULL);
    isFull = false;
    await expect.poll(readiness).toEqual(READY);
    expect((await service.publish(entry!)).status).toBe(200);
  },
);
