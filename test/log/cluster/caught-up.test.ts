// What was read is current once it is as much as the server that takes writes had when it was asked.
import { describe, expect, it } from "vitest";
import { CaughtUp } from "../../../src/log/cluster/caught-up.ts";

const NEVER = Number.NEGATIVE_INFINITY;

describe("what was read", () => {
  it("is current as of the question that it answers, and not before", async () => {
    const caughtUp = new CaughtUp(async () => 10);
    caughtUp.read(10);
    expect(caughtUp.at).toBe(NEVER);
    const before = performance.now();
    await caughtUp.ask();
    caughtUp.read(9);
    expect(caughtUp.at).toBe(NEVER);
    caughtUp.read(10);
    expect(caughtUp.at).toBeGreaterThanOrEqual(before);
    expect(caughtUp.at).toBeLessThanOrEqual(performance.now());
  });

  it("is current as of when its reading began, where it is read from the server that takes writes", async () => {
    const caughtUp = new CaughtUp(null);
    await caughtUp.ask();
    expect(caughtUp.at).toBe(NEVER);
    const asked = performance.now();
    caughtUp.read(3);
    expect(caughtUp.at).toBeLessThanOrEqual(asked);
    expect(caughtUp.at).toBeGreaterThan(NEVER);
  });

  it("keeps up with a log that grows with every look, from a replica that is a little late", async () => {
    let size = 100;
    const caughtUp = new CaughtUp(async () => size);
    const confirmed = new Set<number>();
    for (let look = 0; look < 10; look++) {
      await caughtUp.ask();
      caughtUp.read(size - 2);
      confirmed.add(caughtUp.at);
      size++;
    }
    confirmed.delete(NEVER);
    expect(confirmed.size).toBeGreaterThan(2);
  });

  it("does not wait for what a server had that another one took the place of", async () => {
    let size = 100;
    const caughtUp = new CaughtUp(async () => size);
    await caughtUp.ask();
    size = 90;
    await caughtUp.ask();
    caughtUp.read(90);
    expect(caughtUp.at).toBeGreaterThan(NEVER);
  });

  it("is not confirmed by a server that does not answer, and asks one question at a time", async () => {
    let asked = 0;
    const failing = new CaughtUp(() => Promise.reject(new Error("timeout")));
    await failing.ask();
    failing.read(1_000);
    expect(failing.at).toBe(NEVER);
    const silent = new CaughtUp(() => {
      asked++;
      return new Promise(() => {});
    });
    await Promise.all([silent.ask(), silent.ask()]);
    silent.read(1_000);
    expect([silent.at, asked]).toEqual([NEVER, 1]);
  });
});
