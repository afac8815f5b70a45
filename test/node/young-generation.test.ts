// The young generation of a service's heap: it stops growing where it saves nothing more, but for those who chose another size.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const MODULE = new URL("../../src/node/young-generation.ts", import.meta.url).href;
const MIB = 2 ** 20;
/** Keeps for a while what it makes, so that V8 wants more room, twice; and says how large it was, then, and after a quiet time in between. */
const PROGRAM = `
import { setImmediate as turn } from "node:timers/promises";
import { getHeapSpaceStatistics } from "node:v8";
import { boundYoungGeneration } from ${JSON.stringify(MODULE)};
boundYoungGeneration();
const size = () => getHeapSpaceStatistics().find((space) => space.space_name === "new_space").space_size;
async function grow() {
  const kept = [];
  let most = 0;
  for (let i = 0; i < 2_000_000; i++) {
    kept[i % 60_000] = { i, list: [i, i], text: "x" + i };
    if (i % 5000 === 0) {
      await turn();
      most = Math.max(most, size());
    }
  }
  return most;
}
const first = await grow();
for (let i = 0; i < 3; i++) {
  gc({ type: "major", execution: "sync", flavor: "last-resort" });
  await turn();
}
const quiet = size();
console.log(JSON.stringify({ first, quiet, again: await grow() }));
`;

/** Sizes in bytes. */
function measure(...options: string[]): { first: number; quiet: number; again: number } {
  const args = ["--experimental-strip-types", "--no-warnings", "--expose-gc", ...options];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const output = execFileSync(process.execPath, [...args, "--input-type=module", "-e", PROGRAM], { env });
  return JSON.parse(String(output));
}

test("it grows to 32 MiB and no further, shrinks, and grows again", () => {
  const { first, quiet, again } = measure();
  expect(first).toBeLessThanOrEqual(32 * MIB);
  expect(again).toBeLessThanOrEqual(32 * MIB);
  expect(again).toBeGreaterThan(quiet);
});

test("whoever chose a size has it", () => {
  expect(measure("--max_semi_space_size=32").first).toBeGreaterThan(32 * MIB);
});
