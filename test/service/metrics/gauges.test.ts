// Gauges say what is so now, and go back when it is over.
import { afterEach, expect, test } from "vitest";
import type { LogStore } from "../../../src/log/store/log-store.ts";
import { intercept } from "../../support/intercept.ts";
import { ServiceHarness } from "../../support/service-harness.ts";
import { signPlatforms } from "../../support/signing.ts";

let service: ServiceHarness;
afterEach(() => service.stop());

async function gauge(name: string): Promise<number> {
  const text = await (await service.get("/metrics")).text();
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
}

test("the queue's depth counts the entries that wait now, also while a commit runs, and is 0 when nothing waits", async () => {
  let gate = Promise.resolve();
  const store = (inner: LogStore) =>
    intercept(inner, {
      append: async (...append) => {
        await gate;
        await inner.append(...append);
      },
    });
  service = await ServiceHarness.start({ store });
  expect(await gauge("touchstone_queue_depth")).toBe(0);
  let release = () => {};
  gate = new Promise((resolve) => {
    release = resolve;
  });
  const entries = await signPlatforms(service.keys, "vm", 7);
  const [first, second] = [service.log.publish(entries.slice(0, 5)), service.log.publish(entries.slice(5))];
  expect(await gauge("touchstone_queue_depth")).toBe(7);
  release();
  await Promise.all([first, second]);
  expect(await gauge("touchstone_queue_depth")).toBe(0);
});

test("the queue's depth goes back after a refusal, too", async () => {
  service = await ServiceHarness.start();
  const [entry] = await signPlatforms({ ...service.keys, publisher: service.keys.policy }, "vm", 1);
  await expect(service.log.publish([entry!])).rejects.toThrow();
  expect(await gauge("touchstone_queue_depth")).toBe(0);
});
