// Leadership of many logs spreads over those who may lead them.
import { expect, it } from "vitest";
import { rankOf } from "../../../src/log/store/postgres/preference.ts";

const IDS = ["a", "b", "c"];
const LOGS = Array.from({ length: 300 }, (_, i) => `log_example_com_${i}`);

const preferredOf = (log: string, ids: readonly string[]) =>
  ids.toSorted((x, y) => rankOf(log, x) - rankOf(log, y))[0];

it("each of three is preferred for about a third of the logs", () => {
  for (const id of IDS) {
    const share = LOGS.filter((log) => preferredOf(log, IDS) === id).length / LOGS.length;
    expect(share).toBeGreaterThan(0.25);
    expect(share).toBeLessThan(0.42);
  }
});

it("logs of one that is gone spread over the others, and no other log changes hands", () => {
  const left = ["a", "c"];
  const moved = LOGS.filter((log) => preferredOf(log, left) !== preferredOf(log, IDS));
  expect(new Set(moved.map((log) => preferredOf(log, IDS)))).toEqual(new Set(["b"]));
  const toA = moved.filter((log) => preferredOf(log, left) === "a").length / moved.length;
  expect(toA).toBeGreaterThan(0.3);
  expect(toA).toBeLessThan(0.7);
});

it("ranks begin at 0 and are less than 1", () => {
  const ranks = LOGS.map((log) => rankOf(log, "a"));
  expect(Math.min(...ranks)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...ranks)).toBeLessThan(1);
  expect(new Set(ranks).size).toBe(LOGS.length);
});
